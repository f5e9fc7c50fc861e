#include "egm/gpu_memory.h"

#include <cerrno>

#include "egm/uapi/vfio.h"

namespace egm {

Result<std::optional<DeviceRegion>> coherent_memory(const FileDescriptor& device) {
    auto region = device_region(device, uapi::kVfioPciBar4RegionIndex);
    if (!region)
        return fail(region.error());
    // Only nvgrace-gpu-vfio-pci names an area: the device region is a power of two and the memory is less than that.
    if (!region->sparse || region->areas.size() != 1 || region->areas[0].offset != 0)
        return std::optional<DeviceRegion>();
    return std::optional<DeviceRegion>(std::move(*region));
}

Result<DmaOutcome> map_for_peers(Syscalls& syscalls, DmaMapper& mapper, IommuMode mode, const FileDescriptor& device,
                                 const DeviceRegion& region, const GuestGpuMemory& memory) {
    const std::string name = memory.bdf + " memory";
    const Iova iova{memory.ipa.value};
    if (mode == IommuMode::kType1 || mode == IommuMode::kIommufdStrict || mode == IommuMode::kIommufdTolerant)
        return mapper.map(iova, memory.hva, memory.size, MemoryKind::kDeviceRegion, name);
    const auto not_possible = [](const Error& error) {
        const int number = error.error_number;
        return number == ENOTTY || number == EOPNOTSUPP;
    };
    auto dma_buf = export_area(syscalls, device, region, region.areas[0]);
    if (!dma_buf && !not_possible(dma_buf.error()))
        return fail(dma_buf.error());
    if (!dma_buf)
        return mapper.map(iova, memory.hva, memory.size, MemoryKind::kDeviceRegion, name);
    auto mapped = mapper.map_dma_buf(iova, *dma_buf, 0, memory.size, name);
    if (mapped)
        return DmaOutcome{};
    if (!not_possible(mapped.error()))
        return fail(mapped.error());
    return DmaOutcome{.mapped = false, .note = mapped.error().message()};
}

} // namespace egm
