#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "models/linux/host.h"
#include "models/linux/iommu_domain.h"

namespace models::linux {

/// A GPU as its VFIO driver sees it: nvgrace-gpu-vfio-pci, or plain vfio-pci for one on a PCIe slot.
///
/// Readiness (Linux drivers/vfio/pci/nvgrace-gpu/main.c): after a reset C2C and HBM come up by themselves; the driver
/// looks once a second and gives up after 30 s with ETIME. It does so when the device is opened, and at the first
/// access after VFIO_DEVICE_RESET.
///
/// Device regions: 0 registers (16 MiB, not mappable here), 2 "resmem" on GH200 or the HBM window of a PCIe GPU,
/// 4 "usemem" (all HBM; on GH200 less the last 1 GiB or more, in steps of 512 MiB), 7 configuration space.
///
/// Not modelled: interrupts, registers beyond readiness, writes, MIG.
class NvgraceGpu {
public:
    struct DeviceRegion {
        std::uint64_t size = 0;      ///< as reported: a power of two
        std::uint64_t length = 0;    ///< bytes there are
        std::optional<egm::Spa> spa; ///< set: can be mapped
        bool sparse = false;         ///< [0, length) is announced as the only mappable area
    };

    NvgraceGpu(Host& host, const GpuConfig& config) : config(config), host_(host) {}

    const GpuConfig config;
    /// The page table it is attached to; null while its DMA reaches nothing.
    std::shared_ptr<const IommuDomain> domain;
    /// Through which interface it is in use; VFIO lets only one of them have it.
    bool group_in_use = false;
    bool cdev_bound = false;
    unsigned opens = 0; ///< device files through the group

    /// Resets the function and waits until it is ready: 0, or -ETIME.
    int open_device();
    void reset();
    /// 0, or -ETIME. Waits only after a reset.
    int wait_ready();

    DeviceRegion device_region(std::uint32_t index) const;
    /// Fills `into` with what a read of the device region gives. Precondition: the range lies in its `size`.
    void read(std::uint32_t index, std::uint64_t offset, void* into, std::size_t size) const;

private:
    bool has_resmem() const;

    Host& host_;
    bool ready_ = false;
};

} // namespace models::linux
