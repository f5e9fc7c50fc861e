#include "egm/region_allocator.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <iterator>

#include "egm/address.h"
#include "egm/block_size.h"
#include "egm/errors.h"

namespace egm {
namespace {

constexpr const char* kCall = "plan region";

void take(std::map<std::uint64_t, std::uint64_t>& extents, std::uint64_t offset, std::uint64_t size) {
    const auto extent = std::prev(extents.upper_bound(offset));
    const auto [begin, length] = *extent;
    assert(begin <= offset && offset + size <= begin + length);
    extents.erase(extent);
    if (begin < offset)
        extents[begin] = offset - begin;
    if (offset + size < begin + length)
        extents[offset + size] = begin + length - offset - size;
}

void give(std::map<std::uint64_t, std::uint64_t>& extents, std::uint64_t offset, std::uint64_t size) {
    auto extent = extents.emplace(offset, size).first;
    if (const auto next = std::next(extent); next != extents.end() && offset + size == next->first) {
        extent->second += next->second;
        extents.erase(next);
    }
    if (extent != extents.begin()) {
        const auto before = std::prev(extent);
        if (before->first + before->second == offset) {
            before->second += extent->second;
            extents.erase(extent);
        }
    }
}

} // namespace

RegionAllocator::RegionAllocator(const std::vector<CarveoutInfo>& carveouts, std::uint64_t page_size, Policy policy)
    : page_size_(page_size), policy_(policy) {
    for (const CarveoutInfo& info : carveouts) {
        Space space{.info = info};
        if (info.size != 0)
            space.free_extents[0] = info.size;
        spaces_.emplace(info.pxm, std::move(space));
    }
}

void RegionAllocator::set_retired(int pxm, std::vector<RetiredRange> ranges) {
    spaces_.at(pxm).retired = std::move(ranges);
}

Result<void> RegionAllocator::check_rules(const AllocationRequest& request, const Space& space,
                                          const std::string& object) const {
    if (!is_aligned(request.size | request.file_offset, page_size_))
        return fail(rule_error(kCall, object,
                               "size and offset must be multiples of the host's page, " + in_binary_units(page_size_)));
    if (request.gpu_visible && policy_.offset_zero && (!request.fixed_offset || request.file_offset != 0))
        return fail(rule_error(kCall, object,
                               "a region that a GPU reaches must start at offset 0 of its carveout: the GPU adds its "
                               "own base to each address, and would touch other memory than the CPU"));
    for (const std::string& bdf : space.info.gpu_bdfs) {
        const bool ours = std::find(request.gpu_bdfs.begin(), request.gpu_bdfs.end(), bdf) != request.gpu_bdfs.end();
        if (policy_.all_gpus_together && !ours)
            return fail(
                rule_error(kCall, object, "GPU " + bdf + " reaches all of this carveout: give it to the same VM"));
    }
    for (const std::string& bdf : request.gpu_bdfs)
        if (const auto owner = gpu_owner_.find(bdf); owner != gpu_owner_.end() && owner->second != request.owner)
            return fail(Error{EBUSY, kCall, object, "GPU " + bdf + " belongs to " + owner->second});
    return {};
}

Result<std::uint64_t> RegionAllocator::place(const AllocationRequest& request, const Space& space, std::uint64_t size,
                                             const std::string& object) const {
    if (request.fixed_offset) {
        for (const auto& [begin, length] : space.free_extents)
            if (begin <= request.file_offset && request.file_offset - begin <= length &&
                size <= length - (request.file_offset - begin))
                return request.file_offset;
    } else {
        // Best fit: the smallest extent that holds it, the lowest one among equals; on a block boundary if possible.
        for (const std::uint64_t alignment : block_sizes(page_size_)) {
            const std::pair<const std::uint64_t, std::uint64_t>* best = nullptr;
            for (const auto& extent : space.free_extents) {
                const std::uint64_t slack = align_up(extent.first, alignment) - extent.first;
                if (slack <= extent.second && size <= extent.second - slack && (!best || extent.second < best->second))
                    best = &extent;
            }
            if (best)
                return align_up(best->first, alignment);
        }
    }
    return fail(Error{ENOSPC, kCall, object,
                      "the carveout has " + in_binary_units(space.info.size) +
                          ", and no free piece of it holds the region: ask for less"});
}

Result<Region> RegionAllocator::allocate(const AllocationRequest& request) {
    const std::string object = request.owner + "/egm" + std::to_string(request.pxm);
    const auto found = spaces_.find(request.pxm);
    if (found == spaces_.end())
        return fail(rule_error(kCall, object, "this machine has no such carveout"));
    Space& space = found->second;
    if (auto allowed = check_rules(request, space, object); !allowed)
        return fail(allowed.error());

    const std::uint64_t whole = align_down(space.info.size, page_size_);
    const std::uint64_t size = request.size != 0 ? request.size : whole - std::min(whole, request.file_offset);
    if (size == 0)
        return fail(rule_error(kCall, object, "nothing is left of the carveout at this offset"));
    auto offset = place(request, space, size, object);
    if (!offset)
        return fail(offset.error());

    take(space.free_extents, *offset, size);
    for (const std::string& bdf : request.gpu_bdfs)
        gpu_owner_[bdf] = request.owner;
    Region region{next_id_++, request.owner, request.pxm, *offset, size};
    regions_.emplace(region.id, region);
    return region;
}

Result<void> RegionAllocator::free(int id) {
    const auto found = regions_.find(id);
    if (found == regions_.end())
        return fail(rule_error("free region", "#" + std::to_string(id), "no such region, or it was freed before"));
    const Region region = found->second;
    regions_.erase(found);
    give(spaces_.at(region.pxm).free_extents, region.file_offset, region.size);
    const bool last = std::none_of(regions_.begin(), regions_.end(),
                                   [&](const auto& other) { return other.second.owner == region.owner; });
    if (last)
        std::erase_if(gpu_owner_, [&](const auto& entry) { return entry.second == region.owner; });
    return {};
}

Losses RegionAllocator::losses(int pxm) const {
    const Space& space = spaces_.at(pxm);
    const std::uint64_t block = block_size_max(page_size_);
    Losses losses;
    for (const auto& [id, region] : regions_)
        if (region.pxm == pxm)
            losses.retired += total_bytes(clip(space.retired, region.file_offset, region.size));
    for (const auto& [begin, length] : space.free_extents) {
        const std::uint64_t first = align_up(begin, block);
        const std::uint64_t last = align_down(begin + length, block);
        const std::uint64_t whole = first < last ? last - first : 0;
        losses.unassigned += whole;
        losses.alignment += length - whole;
    }
    return losses;
}

} // namespace egm
