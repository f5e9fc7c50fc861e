#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "egm/device_region.h"
#include "egm/dma_mapper.h"

/// A GPU's own memory in a VM. On Grace the CPU reaches it coherently, and the guest must see it where its driver looks
/// for it: behind a BAR in the high MMIO window. Source: Linux drivers/vfio/pci/nvgrace-gpu/main.c.
namespace egm {

/// What a guest has of one GPU's memory: linear from `ipa` on.
struct GuestGpuMemory {
    std::string bdf;
    std::uint64_t size = 0;     ///< bytes that there are
    std::uint64_t bar_size = 0; ///< bytes that the guest's BAR takes: the next power of two
    Hva hva;
    Ipa ipa;
    bool dma_mapped = false;
    std::string note; ///< what is missing and why, a sentence; empty when nothing is
};

/// Device region 4 of a GPU whose memory is coherent: the driver announces one area of it that can be mapped. None for
/// a GPU behind plain vfio-pci. Errors: those of `device_region`.
Result<std::optional<DeviceRegion>> coherent_memory(const FileDescriptor& device);

/// Lets the other devices of the VM reach a GPU's memory, at IOVA = IPA. With iommufd by a dma-buf where the kernel
/// exports device regions as such (Linux 6.19), else by its address. A kernel that can do neither is no error: the
/// outcome says so.
Result<DmaOutcome> map_for_peers(Syscalls& syscalls, DmaMapper& mapper, IommuMode mode, const FileDescriptor& device,
                                 const DeviceRegion& region, const GuestGpuMemory& memory);

} // namespace egm
