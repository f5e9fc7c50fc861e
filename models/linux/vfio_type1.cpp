#include "models/linux/vfio_type1.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <limits>

#include "egm/uapi/vfio.h"
#include "models/linux/blocks.h"
#include "models/linux/call_argument.h"
#include "models/linux/vfio_abi.h"
#include "models/linux/vfio_group.h"

namespace models::linux {

namespace uapi = egm::uapi;
using egm::is_aligned;

VfioContainerFile::~VfioContainerFile() { unmap_whole(0, std::numeric_limits<std::uint64_t>::max()); }

std::int64_t VfioContainerFile::ioctl(unsigned long request, void* argument) {
    switch (request) {
    case uapi::kVfioGetApiVersion:
        return uapi::kVfioApiVersion;
    case uapi::kVfioCheckExtension:
        return check_extension(reinterpret_cast<std::uintptr_t>(argument));
    case uapi::kVfioSetIommu:
        return set_iommu(reinterpret_cast<std::uintptr_t>(argument));
    default:
        break;
    }
    if (!has_iommu()) {
        return -EINVAL;
    }
    switch (request) {
    case uapi::kVfioIommuGetInfo:
        return get_info(argument);
    case uapi::kVfioIommuMapDma:
        return map_dma(argument);
    case uapi::kVfioIommuUnmapDma:
        return unmap_dma(argument);
    default:
        return -ENOTTY;
    }
}

std::int64_t VfioContainerFile::check_extension(unsigned long extension) const {
    switch (extension) {
    case uapi::kVfioType1Iommu:
    case uapi::kVfioType1v2Iommu:
    case uapi::kVfioUnmapAll:
        return 1;
    case uapi::kVfioType1NestingIommu:
        return host_.config.version < 613 ? 1 : 0; // 6.12 still says 1, 7.3 says 0
    case uapi::kVfioUpdateVaddr:
        return has_iommu() ? 1 : 0;
    case uapi::kVfioDmaCcIommu:
        return has_iommu() && host_.config.arch == HostArch::kX86 ? 1 : 0; // VT-d can force snooping
    default:
        return 0;
    }
}

std::int64_t VfioContainerFile::set_iommu(unsigned long type) {
    if (groups_.empty() || has_iommu()) {
        return -EINVAL;
    }
    if (type != uapi::kVfioType1Iommu && type != uapi::kVfioType1v2Iommu) {
        return -ENODEV;
    }
    domain_ = std::make_shared<IommuDomain>(host_.page_size());
    for (VfioGroupFile* group : groups_) {
        group->set_domain(domain_);
    }
    return 0;
}

void VfioContainerFile::add_group(VfioGroupFile& group) {
    groups_.push_back(&group);
    if (has_iommu()) {
        group.set_domain(domain_);
    }
}

void VfioContainerFile::remove_group(VfioGroupFile& group) {
    std::erase(groups_, &group);
    group.set_domain(nullptr);
    if (groups_.empty()) {
        unmap_whole(0, std::numeric_limits<std::uint64_t>::max());
        domain_.reset();
    }
}

std::int64_t VfioContainerFile::get_info(void* argument) const {
    uapi::VfioIommuType1Info info{};
    if (!copy_in(&info, argument, uapi::kVfioIommuType1InfoSizeMin)) {
        return -EFAULT;
    }
    const std::uint32_t room = info.argsz;
    if (room < uapi::kVfioIommuType1InfoSizeMin) {
        return -EINVAL;
    }
    const auto ranges = iova_ranges(host_.config);
    const std::uint32_t migration_offset = sizeof info;
    const std::uint32_t avail_offset = migration_offset + sizeof(abi::VfioIommuType1InfoCapMigration);
    const std::uint32_t ranges_offset = avail_offset + sizeof(uapi::VfioIommuType1InfoDmaAvail) + 4; // 8-byte aligned
    const std::uint32_t end = ranges_offset + sizeof(uapi::VfioIommuType1InfoCapIovaRange) +
                              static_cast<std::uint32_t>(ranges.size() * sizeof(uapi::VfioIovaRange));
    info.flags = uapi::kVfioIommuInfoPgsizes | uapi::kVfioIommuInfoCaps;
    info.iova_pgsizes = 0;
    for (const std::uint64_t size : block_sizes(host_.page_size())) {
        info.iova_pgsizes |= size;
    }
    info.cap_offset = 0;
    if (room < end) {
        info.argsz = end;
    } else {
        auto* base = static_cast<char*>(argument);
        info.cap_offset = migration_offset;
        const abi::VfioIommuType1InfoCapMigration migration{
            .id = uapi::kVfioIommuType1InfoCapMigration,
            .version = 1,
            .next = avail_offset,
            .pgsize_bitmap = host_.page_size(),
            .max_dirty_bitmap_size = std::uint64_t{std::numeric_limits<std::int32_t>::max()} / 8};
        copy_out(base + migration_offset, &migration, sizeof migration);
        const uapi::VfioIommuType1InfoDmaAvail avail{{uapi::kVfioIommuType1InfoCapDmaAvail, 1, ranges_offset},
                                                     uapi::kVfioDmaEntryLimit -
                                                         static_cast<std::uint32_t>(dma_.size())};
        copy_out(base + avail_offset, &avail, sizeof avail);
        const uapi::VfioIommuType1InfoCapIovaRange head{
            {uapi::kVfioIommuType1InfoCapIovaRange, 1, 0}, static_cast<std::uint32_t>(ranges.size()), 0};
        copy_out(base + ranges_offset, &head, sizeof head);
        char* at = base + ranges_offset + sizeof head;
        for (const IovaRange& range : ranges) {
            const uapi::VfioIovaRange entry{range.first.value, range.last.value};
            copy_out(at, &entry, sizeof entry);
            at += sizeof entry;
        }
    }
    copy_out(argument, &info, std::min<std::size_t>(room, sizeof info));
    return 0;
}

int VfioContainerFile::wrapped() const { return host_.config.version >= 700 ? -EOVERFLOW : -EINVAL; }

bool VfioContainerFile::overlaps(std::uint64_t iova, std::uint64_t last) const {
    auto next = dma_.upper_bound(last);
    return next != dma_.begin() && std::prev(next)->first + (std::prev(next)->second.size - 1) >= iova;
}

bool VfioContainerFile::usable(std::uint64_t iova, std::uint64_t last) const {
    const auto ranges = iova_ranges(host_.config);
    return std::any_of(ranges.begin(), ranges.end(),
                       [&](const IovaRange& range) { return range.first.value <= iova && last <= range.last.value; });
}

std::int64_t VfioContainerFile::map_dma(void* argument) {
    uapi::VfioIommuType1DmaMap map{};
    if (!copy_in(&map, argument, sizeof map)) {
        return -EFAULT;
    }
    constexpr std::uint32_t kAccess = uapi::kVfioDmaMapFlagRead | uapi::kVfioDmaMapFlagWrite;
    const bool vaddr = (map.flags & uapi::kVfioDmaMapFlagVaddr) != 0;
    if (map.argsz < sizeof map || (map.flags & ~(kAccess | uapi::kVfioDmaMapFlagVaddr)) != 0 ||
        vaddr == ((map.flags & kAccess) != 0) || map.size == 0) {
        return -EINVAL;
    }
    if (!is_aligned(map.iova | map.vaddr | map.size, host_.page_size())) {
        return -EINVAL;
    }
    const std::uint64_t last = map.iova + (map.size - 1);
    if (last < map.iova || map.vaddr + (map.size - 1) < map.vaddr) {
        return wrapped();
    }
    if (vaddr) {
        return set_vaddr(map.iova, map.size);
    }
    if (overlaps(map.iova, last)) {
        return -EEXIST;
    }
    if (dma_.size() >= uapi::kVfioDmaEntryLimit) {
        return -ENOSPC;
    }
    if (!usable(map.iova, last)) {
        return -EINVAL;
    }
    const bool write = (map.flags & uapi::kVfioDmaMapFlagWrite) != 0;
    std::vector<Host::Piece> pieces;
    if (const int error = host_.walk({{map.vaddr}, map.size}, write, pieces); error < 0) {
        return error;
    }
    std::uint64_t pinned = 0;
    for (const auto& piece : pieces) {
        pinned += piece.pfnmap ? 0 : piece.size;
    }
    Dma dma{.size = map.size, .pages = 0};
    if (const int error = Pin::take(host_, pinned, dma.pin); error < 0) {
        return error;
    }
    const IommuDomain::Access access{(map.flags & uapi::kVfioDmaMapFlagRead) != 0, write};
    const CallCosts& costs = host_.costs();
    std::uint64_t time = 0;
    for (const auto& piece : pieces) {
        dma.pages += piece.page_steps;
        time += piece.page_steps * (piece.pfnmap ? costs.type1_page_step_ps : costs.pin_page_ps) +
                piece.huge_steps * costs.type1_huge_step_ps +
                domain_->map({map.iova + piece.offset}, piece, access) * costs.iommu_block_ps;
    }
    dma_.emplace(map.iova, std::move(dma));
    ++host_.dma_entries;
    host_.pass(time);
    return 0;
}

std::int64_t VfioContainerFile::set_vaddr(std::uint64_t iova, std::uint64_t size) {
    if (!overlaps(iova, iova + (size - 1))) {
        return -ENOENT;
    }
    const auto dma = dma_.find(iova);
    if (dma == dma_.end() || dma->second.size != size || !dma->second.vaddr_invalid) {
        return -EINVAL;
    }
    dma->second.vaddr_invalid = false;
    return 0;
}

std::int64_t VfioContainerFile::invalidate_vaddr(std::uint64_t iova, std::uint64_t last) {
    const auto begin = dma_.lower_bound(iova);
    const auto end = dma_.upper_bound(last);
    if (std::any_of(begin, end, [](const auto& entry) { return entry.second.vaddr_invalid; })) {
        return -EINVAL;
    }
    std::uint64_t bytes = 0;
    for (auto dma = begin; dma != end; ++dma) {
        dma->second.vaddr_invalid = true;
        bytes += dma->second.size;
    }
    return static_cast<std::int64_t>(bytes);
}

std::int64_t VfioContainerFile::unmap_dma(void* argument) {
    uapi::VfioIommuType1DmaUnmap unmap{};
    if (!copy_in(&unmap, argument, sizeof unmap)) {
        return -EFAULT;
    }
    constexpr std::uint32_t kKnown = uapi::kVfioDmaUnmapFlagAll | uapi::kVfioDmaUnmapFlagVaddr;
    if (unmap.argsz < sizeof unmap || (unmap.flags & ~kKnown) != 0) {
        return -EINVAL; // with the dirty bitmap's flag too: no dirty tracking has been started
    }
    std::uint64_t last = std::numeric_limits<std::uint64_t>::max();
    if ((unmap.flags & uapi::kVfioDmaUnmapFlagAll) != 0) {
        if (unmap.iova != 0 || unmap.size != 0) {
            return -EINVAL;
        }
    } else {
        if (unmap.size == 0) {
            return -EINVAL;
        }
        if (!is_aligned(unmap.iova | unmap.size, host_.page_size())) {
            return -EINVAL;
        }
        last = unmap.iova + (unmap.size - 1);
        if (last < unmap.iova) {
            return wrapped();
        }
        const auto cut = [&](std::uint64_t boundary) { // a mapping that holds both boundary - 1 and boundary
            return overlaps(boundary, boundary) && !dma_.contains(boundary);
        };
        if (cut(unmap.iova) || (last != std::numeric_limits<std::uint64_t>::max() && cut(last + 1))) {
            return -EINVAL;
        }
    }
    if ((unmap.flags & uapi::kVfioDmaUnmapFlagVaddr) != 0) {
        const std::int64_t bytes = invalidate_vaddr(unmap.iova, last);
        if (bytes < 0) {
            return bytes;
        }
        unmap.size = static_cast<std::uint64_t>(bytes);
    } else {
        unmap.size = unmap_whole(unmap.iova, last);
    }
    copy_out(argument, &unmap, sizeof unmap);
    return 0;
}

std::uint64_t VfioContainerFile::unmap_whole(std::uint64_t iova, std::uint64_t last) {
    const CallCosts& costs = host_.costs();
    std::uint64_t bytes = 0;
    std::uint64_t time = 0;
    for (auto dma = dma_.lower_bound(iova); dma != dma_.end() && dma->first <= last;) {
        const std::uint64_t blocks = domain_->unmap({{dma->first}, dma->second.size});
        time += dma->second.pages * costs.unpin_page_ps + blocks * costs.iommu_block_ps;
        bytes += dma->second.size;
        --host_.dma_entries;
        dma = dma_.erase(dma);
    }
    host_.pass(time);
    return bytes;
}

} // namespace models::linux
