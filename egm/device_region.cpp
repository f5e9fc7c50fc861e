#include "egm/device_region.h"

#include <algorithm>
#include <bit>
#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>

#include "egm/errors.h"
#include "egm/uapi/vfio.h"

namespace egm {
namespace {

constexpr const char* kCall = "VFIO_DEVICE_GET_REGION_INFO";

Error contradiction(const FileDescriptor& device, std::uint32_t index, const char* what) {
    return {EPROTO, std::string("ioctl ") + kCall, fmt::format("{} device region {}", device.name(), index), what};
}

/// The areas of the sparse-mmap capability at `offset`.
Result<std::vector<RegionArea>> sparse_areas(const FileDescriptor& device, const DeviceRegion& region,
                                             const InfoBuffer& buffer, std::size_t offset) {
    std::vector<RegionArea> areas;
    const auto head = buffer.at<uapi::VfioRegionInfoCapSparseMmap>(offset);
    if (!head)
        return fail(contradiction(device, region.index, "the kernel's list of mappable areas is cut off"));
    for (std::uint32_t i = 0; i < head->nr_areas; ++i) {
        const auto area = buffer.at<uapi::VfioRegionSparseMmapArea>(offset + sizeof *head + i * sizeof(RegionArea));
        if (!area)
            return fail(contradiction(device, region.index, "the kernel's list of mappable areas is cut off"));
        if (area->offset > region.size || area->size > region.size - area->offset)
            return fail(contradiction(device, region.index, "an area to be mapped lies outside the device region"));
        if (area->size != 0)
            areas.push_back({area->offset, area->size});
    }
    return areas;
}

} // namespace

Result<DeviceRegionAnswer> ask_device_region(const FileDescriptor& device, std::uint32_t index) {
    const uapi::VfioRegionInfo request{.argsz = sizeof request, .index = index};
    auto buffer = InfoBuffer::ask(device, uapi::kVfioDeviceGetRegionInfo, &request, sizeof request, kCall);
    if (!buffer)
        return fail(buffer.error());
    const auto info = *buffer->at<uapi::VfioRegionInfo>(0);
    constexpr std::uint64_t kSizeMax = 1ull << 52; // no machine has more physical addresses
    if (info.size > kSizeMax)
        return fail(contradiction(device, index, "it is larger than all physical addresses together"));
    DeviceRegion region{.index = index, .size = info.size, .file_offset = info.offset};
    const std::uint32_t capabilities = info.flags & uapi::kVfioRegionInfoFlagCaps ? info.cap_offset : 0;
    if (info.size != 0 && (info.flags & uapi::kVfioRegionInfoFlagMmap)) {
        const auto sparse = buffer->find(capabilities, uapi::kVfioRegionInfoCapSparseMmap);
        region.sparse = sparse.has_value();
        if (sparse) {
            auto areas = sparse_areas(device, region, *buffer, *sparse);
            if (!areas)
                return fail(areas.error());
            region.areas = std::move(*areas);
        } else {
            region.areas = {{0, info.size}};
        }
    }
    return DeviceRegionAnswer{std::move(region), std::move(*buffer), capabilities};
}

Result<DeviceRegion> device_region(const FileDescriptor& device, std::uint32_t index) {
    auto answer = ask_device_region(device, index);
    if (!answer)
        return fail(answer.error());
    return std::move(answer->region);
}

Result<MappedRange> map_area(Syscalls& syscalls, const FileDescriptor& device, const DeviceRegion& region,
                             const RegionArea& area, const std::string& name) {
    const std::uint64_t alignment = std::max<std::uint64_t>(std::bit_ceil(area.size), syscalls.page_size());
    const std::uint64_t offset = region.file_offset + area.offset;
    // `map_placed` counts from the file's offset, which need not be a multiple of the alignment.
    const std::uint64_t phase = (area.offset - offset) & (alignment - 1);
    return map_placed(syscalls, device.get(), offset, area.size, {alignment, phase}, name);
}

Result<FileDescriptor> export_area(Syscalls& syscalls, const FileDescriptor& device, const DeviceRegion& region,
                                   const RegionArea& area) {
    struct {
        uapi::VfioDeviceFeature feature;
        uapi::VfioDeviceFeatureDmaBuf head;
        uapi::VfioRegionDmaRange range;
    } request{{.argsz = sizeof request, .flags = uapi::kVfioDeviceFeatureGet | uapi::kVfioDeviceFeatureDmaBuf},
              {.region_index = region.index, .open_flags = O_RDWR | O_CLOEXEC, .flags = 0, .nr_ranges = 1},
              {area.offset, area.size}};
    static_assert(sizeof request == 40, "the kernel expects the three parts without a gap");
    auto fd = device.ioctl(uapi::kVfioDeviceFeature, &request, "VFIO_DEVICE_FEATURE_DMA_BUF");
    if (!fd)
        return fail(fd.error());
    return FileDescriptor(syscalls, *fd, fmt::format("dma-buf of {} device region {}", device.name(), region.index));
}

} // namespace egm
