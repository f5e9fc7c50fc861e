#pragma once

#include <array>
#include <cstdint>

#include "models/linux/vfio_pci_device.h"

namespace models::linux {

/// QEMU's educational device behind plain vfio-pci: the smallest function that really does DMA. Source: QEMU
/// docs/specs/edu.rst, hw/misc/edu.c.
///
/// Device region 0, 1 MiB of registers, 4 bytes each below 0x80 and 4 or 8 bytes from there:
///
///     0x00 identification 0x010000ed      0x04 liveness: reads the inverse of what was written
///     0x80 DMA source, 0x88 destination, 0x90 bytes
///     0x98 command: bit 0 starts and reads 0 when done, bit 1 is the direction (0: memory to device)
///
/// The device's own buffer is 4096 bytes at 0x40000 of its DMA addresses. An IOVA is cut to 28 bits. A DMA goes through
/// the page table that the container or the HWPT holds, page by page, with its permissions; a page that it does not
/// reach, or any while bus mastering is off, moves nothing and counts as a fault (what the device should have read is
/// then zeros, as on QEMU).
///
/// Not modelled: the 100 ms that QEMU's device takes, interrupts, the factorial. A DMA outside the device's buffer is
/// ignored (QEMU aborts).
class EduDevice final : public VfioPciDevice {
public:
    /// `registers`: where device region 0 lies.
    EduDevice(Host& host, const PlainDeviceConfig& config, egm::Spa registers);

    DeviceRegion device_region(std::uint32_t index) const override;
    void read(std::uint32_t index, std::uint64_t offset, void* into, std::size_t size) override;
    void write(std::uint32_t index, std::uint64_t offset, const void* from, std::size_t size) override;

    bool has_intx() const override { return true; }

    /// DMAs of which at least one page was refused.
    std::uint64_t dma_faults() const { return faults_; }

private:
    std::uint64_t load(std::uint64_t at, std::size_t size) const;
    void store(std::uint64_t at, std::uint64_t value, std::size_t size);
    void run_dma();
    bool transfer(std::uint64_t iova, bool to_memory, std::uint64_t in_buffer, std::uint64_t size);

    const egm::Spa registers_;
    std::uint32_t liveness_ = 0;
    std::uint64_t source_ = 0;
    std::uint64_t destination_ = 0;
    std::uint64_t bytes_ = 0;
    std::uint64_t command_ = 0;
    std::array<unsigned char, 4096> buffer_{};
    std::uint64_t faults_ = 0;
};

} // namespace models::linux
