#pragma once

#include <cstdint>

#include "models/linux/vfio_pci_device.h"

namespace models::linux {

/// A GPU as its VFIO driver sees it: nvgrace-gpu-vfio-pci, or plain vfio-pci for one on a PCIe slot.
///
/// Readiness (Linux drivers/vfio/pci/nvgrace-gpu/main.c): after a reset C2C and HBM come up by themselves; the driver
/// looks once a second and gives up after 30 s with ETIME. It does so when the device is opened, and at the first
/// access after VFIO_DEVICE_RESET. For the next generation of GPUs Linux 7.2 looks at a DVSEC instead: its memory
/// information must be valid within 1 s, the memory active within 1 to 256 s, as the GPU says itself; older kernels
/// wait for registers that it does not have.
///
/// Device regions: 0 registers (16 MiB), 2 "resmem" on GH200 or the HBM window of a PCIe GPU,
/// 4 "usemem" (all HBM; on GH200 less the last 1 GiB or more, in steps of 512 MiB), 7 configuration space.
///
/// GPUs without the MIG erratum say so in NVIDIA's DVSEC 3 (offset 0x100 of configuration space), bit 0 of the word at
/// +0xa; these have no resmem.
///
/// Not modelled: interrupts, registers beyond readiness, MIG.
class NvgraceGpu final : public VfioPciDevice {
public:
    /// `registers`: where device region 0 lies.
    NvgraceGpu(Host& host, const GpuConfig& config, egm::Spa registers);

    const GpuConfig config;

    /// Resets the function and waits until it is ready: 0, or -ETIME.
    int open_device() override;
    int reset() override;
    bool can_reset() const override { return true; }
    /// 0, or -ETIME. Waits only after a reset.
    int wait_ready() override;
    bool nvgrace() const override { return has_memory(); }
    bool has_ats() const override { return config.coherent; }

    DeviceRegion device_region(std::uint32_t index) const override;
    void read(std::uint32_t index, std::uint64_t offset, void* into, std::size_t size) override;
    void write(std::uint32_t index, std::uint64_t offset, const void* from, std::size_t size) override;

private:
    /// The driver knows the GPU's memory from firmware; else it drives it as plain vfio-pci does.
    bool has_memory() const { return config.coherent && config.firmware_gap != FirmwareGap::kGpuMemory; }
    bool has_resmem() const;
    int wait_registers();
    int wait_dvsec();
    bool waits_until(double ready_after_s, std::uint64_t poll_ps, std::uint64_t timeout_ps);

    const egm::Spa registers_;
    bool ready_ = false;
};

} // namespace models::linux
