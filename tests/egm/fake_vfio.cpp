// VFIO of a FakeSyscalls: containers, groups, devices and their device regions, and what is mapped for DMA.

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "egm/uapi/vfio.h"
#include "fake_syscalls.h"

namespace egm {

int FakeSyscalls::map_dma(std::uint64_t iova, std::uint64_t hva, std::uint64_t size, bool iommufd) {
    const bool without_page = mapped_file.contains(hva);
    if (iommufd && without_page && !iommufd_takes_egm)
        return -EFAULT;
    const auto usable = [&](const auto& range) { return range.first <= iova && iova + size - 1 <= range.second; };
    if (std::none_of(iovas.begin(), iovas.end(), usable))
        return -EINVAL;
    for (const auto& [begin, length] : dma)
        if (begin < iova + size && iova < begin + length)
            return -EEXIST;
    if (!iommufd && dma.size() >= dma_entries_max)
        return -ENOSPC;
    dma[iova] = size;
    log.push_back(fmt::format("map DMA {:#x}", iova));
    return 0;
}

int FakeSyscalls::unmap_dma(std::uint64_t iova, std::uint64_t& size, bool iommufd) {
    const std::uint64_t end = iova + size;
    for (const auto& [begin, length] : dma)
        if (begin < end && iova < begin + length && (begin < iova || end < begin + length))
            return iommufd ? -ENOENT : -EINVAL;
    size = 0;
    std::erase_if(dma, [&](const auto& piece) {
        const bool inside = iova <= piece.first && piece.first < end;
        size += inside ? piece.second : 0;
        return inside;
    });
    if (size == 0)
        return iommufd ? -ENOENT : 0;
    log.push_back(fmt::format("unmap DMA {:#x}", iova));
    return 0;
}

int FakeSyscalls::tell_iommu(void* argument) const {
    uapi::VfioIommuType1Info info;
    std::memcpy(&info, argument, sizeof info);
    const auto needed = std::uint32_t(sizeof info + sizeof(uapi::VfioIommuType1InfoCapIovaRange) +
                                      iovas.size() * sizeof(uapi::VfioIovaRange));
    const std::uint32_t room = std::exchange(info.argsz, tells_iovas ? needed : std::uint32_t(sizeof info));
    info.flags = uapi::kVfioIommuInfoPgsizes | (tells_iovas ? uapi::kVfioIommuInfoCaps : 0);
    info.iova_pgsizes = page | 512 * kMiB;
    info.cap_offset = 0;
    if (tells_iovas && room >= needed) {
        info.argsz = room;
        info.cap_offset = sizeof info;
        const uapi::VfioIommuType1InfoCapIovaRange head{
            {uapi::kVfioIommuType1InfoCapIovaRange, 1, 0}, std::uint32_t(iovas.size()), 0};
        char* at = static_cast<char*>(argument) + sizeof info;
        std::memcpy(at, &head, sizeof head);
        std::memcpy(at + sizeof head, iovas.data(), iovas.size() * sizeof(uapi::VfioIovaRange));
    }
    std::memcpy(argument, &info, sizeof info);
    return 0;
}

std::string FakeSyscalls::bdf_of(int fd) const {
    const std::string& name = open_files.at(fd);
    const auto node = bdf_by_path_.find(name);
    return node == bdf_by_path_.end() ? name : node->second;
}

int FakeSyscalls::tell_region(int fd, void* argument) const {
    uapi::VfioRegionInfo info;
    std::memcpy(&info, argument, sizeof info);
    const auto device = device_regions.find(bdf_of(fd));
    if (device == device_regions.end() || !device->second.contains(info.index)) {
        const bool possible = info.index < uapi::kVfioPciNumRegions;
        info = {.argsz = info.argsz, .index = info.index, .offset = std::uint64_t(info.index) << 40};
        std::memcpy(argument, &info, sizeof info);
        return possible ? 0 : -EINVAL;
    }
    const DeviceRegion& region = device->second.at(info.index);
    struct {
        uapi::VfioRegionInfoCapSparseMmap head;
        uapi::VfioRegionSparseMmapArea area;
    } sparse{{{uapi::kVfioRegionInfoCapSparseMmap, 1, 0}, 1, 0}, {0, region.length}};
    const std::size_t sparse_size = region.length == 0 ? 0 : sizeof sparse;
    if (!region.capabilities.empty())
        sparse.head.header.next = sizeof info + sizeof sparse;
    const auto needed = std::uint32_t(sizeof info + sparse_size + region.capabilities.size());
    const std::uint32_t room = info.argsz;
    info = {.argsz = std::max(room, needed),
            .flags = uapi::kVfioRegionInfoFlagRead | uapi::kVfioRegionInfoFlagWrite | uapi::kVfioRegionInfoFlagMmap |
                     (needed > sizeof info ? uapi::kVfioRegionInfoFlagCaps : 0),
            .index = info.index,
            .cap_offset = room >= needed && needed > sizeof info ? std::uint32_t(sizeof info) : 0,
            .size = region.size,
            .offset = std::uint64_t(info.index) << 40};
    std::memcpy(argument, &info, sizeof info);
    if (room >= needed) {
        char* const at = static_cast<char*>(argument) + sizeof info;
        std::memcpy(at, &sparse, sparse_size);
        if (!region.capabilities.empty())
            std::memcpy(at + sparse_size, region.capabilities.data(), region.capabilities.size());
    }
    return 0;
}

int FakeSyscalls::export_region(int fd, const void* argument) {
    struct {
        uapi::VfioDeviceFeature feature;
        uapi::VfioDeviceFeatureDmaBuf head;
        uapi::VfioRegionDmaRange range;
    } call;
    std::memcpy(&call.feature, argument, sizeof call.feature);
    if (call.feature.flags != (uapi::kVfioDeviceFeatureGet | uapi::kVfioDeviceFeatureDmaBuf) || !vfio_exports_dma_buf)
        return -ENOTTY;
    std::memcpy(&call, argument, sizeof call);
    const auto& regions = device_regions[bdf_of(fd)];
    const auto region = regions.find(call.head.region_index);
    if (call.feature.argsz < sizeof call || call.head.flags != 0 || call.head.nr_ranges != 1 ||
        region == regions.end() || call.range.length == 0 ||
        call.range.offset + call.range.length > region->second.length)
        return -EINVAL;
    return add_file("dma-buf of VFIO " + bdf_of(fd));
}

int FakeSyscalls::answer_vfio(int fd, unsigned long request, void* argument) {
    const auto value = reinterpret_cast<std::uintptr_t>(argument);
    switch (request) {
    case uapi::kVfioGetApiVersion:
        return uapi::kVfioApiVersion;
    case uapi::kVfioCheckExtension:
        return value == uapi::kVfioType1v2Iommu;
    case uapi::kVfioGroupGetStatus:
        static_cast<uapi::VfioGroupStatus*>(argument)->flags = uapi::kVfioGroupFlagsViable;
        return 0;
    case uapi::kVfioGroupGetDeviceFd:
        return add_file(static_cast<const char*>(argument));
    case uapi::kVfioGroupSetContainer:
        return open_files.contains(*static_cast<const int*>(argument)) ? 0 : -EINVAL;
    case uapi::kVfioSetIommu:
        if (std::exchange(iommu_is_set_, true))
            violations.push_back("the container's IOMMU set twice");
        return 0;
    case uapi::kVfioIommuGetInfo:
        return tell_iommu(argument);
    case uapi::kVfioIommuMapDma: {
        const auto& map = *static_cast<const uapi::VfioIommuType1DmaMap*>(argument);
        if (map.flags != (uapi::kVfioDmaMapFlagRead | uapi::kVfioDmaMapFlagWrite))
            violations.push_back("DMA mapping that is not readable and writable");
        return map_dma(map.iova, map.vaddr, map.size, false);
    }
    case uapi::kVfioIommuUnmapDma: {
        auto& unmap = *static_cast<uapi::VfioIommuType1DmaUnmap*>(argument);
        return unmap_dma(unmap.iova, unmap.size, false);
    }
    case uapi::kVfioDeviceGetInfo:
        static_cast<uapi::VfioDeviceInfo*>(argument)->num_regions = uapi::kVfioPciNumRegions;
        for (const auto& [index, region] : device_regions[bdf_of(fd)])
            static_cast<uapi::VfioDeviceInfo*>(argument)->num_regions =
                std::max(static_cast<uapi::VfioDeviceInfo*>(argument)->num_regions, index + 1);
        return 0;
    case uapi::kVfioDeviceGetRegionInfo:
        return tell_region(fd, argument);
    case uapi::kVfioDeviceFeature:
        return export_region(fd, argument);
    case uapi::kVfioDeviceBindIommufd: {
        auto& bind = *static_cast<uapi::VfioDeviceBindIommufd*>(argument);
        if (!open_files.contains(bind.iommufd))
            return -EBADF;
        bind.out_devid = device_id_[fd] = add_object("device", 0, 0);
        return 0;
    }
    case uapi::kVfioDeviceAttachIommufdPt: {
        const std::uint32_t page_table = static_cast<const uapi::VfioDeviceAttachIommufdPt*>(argument)->pt_id;
        if (!objects.contains(page_table))
            return -ENOENT;
        objects.at(device_id_.at(fd)).number = page_table;
        if (!is(page_table, "IOAS"))
            log.push_back(fmt::format("attach {} to {}", bdf_of(fd), objects.at(page_table).kind));
        return 0;
    }
    default:
        violations.push_back(fmt::format("unexpected ioctl {:#x} on {}", request, open_files.at(fd)));
        return -ENOTTY;
    }
}

} // namespace egm
