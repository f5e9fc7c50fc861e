#include "egm/region_allocator.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <limits>

#include "egm/address.h"
#include "egm/block_size.h"
#include "egm/errors.h"

namespace egm {

std::string region_name(const std::string& owner, int pxm) { return owner + "/egm" + std::to_string(pxm); }

RegionAllocator::RegionAllocator(const std::vector<CarveoutInfo>& carveouts, std::uint64_t page_size, Policy policy)
    : page_size_(page_size), policy_(policy) {
    for (const CarveoutInfo& info : carveouts) {
        carveouts_.emplace(info.pxm, info);
        spaces_.emplace(info.pxm, CarveoutSpace(info.size, page_size));
        for (const std::string& bdf : info.gpu_bdfs)
            gpu_home_.emplace(bdf, info.pxm);
    }
}

void RegionAllocator::set_retired(int pxm, std::vector<RetiredRange> ranges) {
    spaces_.at(pxm).set_retired(normalise(std::move(ranges), carveouts_.at(pxm).size));
}

std::uint64_t RegionAllocator::granule() const { return std::max(policy_.granule, page_size_); }

Result<Region> RegionAllocator::place(const AllocationRequest& request, const std::string& object) const {
    const CarveoutSpace& space = spaces_.at(request.pxm);
    const std::uint64_t whole = space.size_in_pages();
    const std::uint64_t offset = request.fixed_offset ? request.file_offset : 0;
    const std::uint64_t rest = whole - std::min(whole, offset);
    Region region{.id = next_id_,
                  .owner = request.owner,
                  .pxm = request.pxm,
                  .file_offset = offset,
                  .size = request.size != 0 ? request.size : rest,
                  .gpu_visible = request.gpu_visible};
    if (region.size == 0)
        return fail(rule_error("plan region", object, "nothing is left of the carveout at this offset"));
    const Error full{ENOSPC, "plan region", object,
                     "the carveout has " + in_binary_units(space.size_in_pages()) +
                         ", and no free piece of it holds the region: ask for less"};
    if (region.size > rest)
        return fail(full);
    region.reserved = region.size > rest - rest % granule() ? rest : align_up(region.size, granule());
    if (!request.fixed_offset) {
        const auto best = space.place(region.reserved);
        if (!best)
            return fail(full);
        region.file_offset = *best;
    } else if (!space.is_free({offset, region.reserved})) {
        return fail(full);
    }
    return region;
}

void RegionAllocator::hold(const Region& region) {
    spaces_.at(region.pxm)
        .hold(region.file_offset, {.region_id = region.id, .size = region.size, .reserved = region.reserved});
    owners_.add_region(region.owner, region.id, region.pxm, region.gpu_visible);
    regions_.emplace(region.id, region);
    next_id_ = std::max(next_id_, region.id + 1);
}

void RegionAllocator::release(const Region& region) {
    spaces_.at(region.pxm).release(region.file_offset);
    owners_.remove_region(region.owner, region.id, region.pxm, region.gpu_visible);
    regions_.erase(region.id);
}

Result<Region> RegionAllocator::allocate(const AllocationRequest& request) {
    auto regions = allocate_all({&request, 1});
    if (!regions)
        return fail(regions.error());
    return std::move(regions->front());
}

Result<std::vector<Region>> RegionAllocator::allocate_all(std::span<const AllocationRequest> requests) {
    const int next_id_before = next_id_;
    std::vector<Region> placed;
    const auto refuse = [&](Error error) {
        while (!placed.empty()) {
            release(placed.back());
            placed.pop_back();
        }
        next_id_ = next_id_before;
        return fail(std::move(error));
    };
    if (auto complete = check_complete(requests); !complete)
        return refuse(complete.error());
    for (const AllocationRequest& request : requests) {
        const std::string object = region_name(request.owner, request.pxm);
        if (auto allowed = check_request(request, object); !allowed)
            return refuse(allowed.error());
        auto region = place(request, object);
        if (!region)
            return refuse(region.error());
        hold(*region);
        placed.push_back(std::move(*region));
    }
    for (const AllocationRequest& request : requests)
        owners_.add_gpus(request.owner, request.gpu_bdfs);
    return placed;
}

Result<void> RegionAllocator::free(int id) {
    auto region = check_free(id);
    if (!region)
        return fail(region.error());
    release(Region(**region));
    return {};
}

Result<void> RegionAllocator::free_all(const std::string& owner) {
    const RegionOwners::Owner* const found = owners_.find(owner);
    if (!found)
        return fail(rule_error("free regions", owner, "no such owner, or its regions were freed before"));
    if (found->live)
        return fail(Error{EBUSY, "free regions", owner, "the VM runs: stop it first"});
    const std::set<int> ids = found->regions;
    for (const int id : ids)
        release(Region(regions_.at(id)));
    return {};
}

Result<Region> RegionAllocator::grow(int id, std::uint64_t size) {
    constexpr const char* kCall = "grow region";
    auto known = check_resize(kCall, id, size, LiveResize::kGrow);
    if (!known)
        return fail(known.error());
    const Region& region = **known;
    const std::string object = region_name(region.owner, region.pxm);
    if (size <= region.size)
        return fail(rule_error(kCall, object, "it has " + in_binary_units(region.size) + " already: ask for more"));
    CarveoutSpace& space = spaces_.at(region.pxm);
    const std::uint64_t rest = space.size_in_pages() - region.file_offset;
    const std::uint64_t room = region.reserved + space.free_from(region.file_offset + region.reserved);
    const std::uint64_t reserved =
        size > rest - rest % granule() ? rest : std::max(region.reserved, align_up(size, granule()));
    if (size > rest || reserved > room)
        return fail(Error{ENOSPC, kCall, object,
                          "a region stays in one piece at its offset, and only " + in_binary_units(room) +
                              " are free from there on"});
    space.resize(region.file_offset, size, reserved);
    Region& changed = regions_.at(id);
    changed.size = size;
    changed.reserved = reserved;
    return changed;
}

Result<Region> RegionAllocator::shrink(int id, std::uint64_t size) {
    constexpr const char* kCall = "shrink region";
    auto known = check_resize(kCall, id, size, LiveResize::kGrowAndShrink);
    if (!known)
        return fail(known.error());
    const Region& region = **known;
    if (size == 0 || size >= region.size)
        return fail(rule_error(kCall, region_name(region.owner, region.pxm),
                               "it has " + in_binary_units(region.size) + ": ask for less, but not for nothing"));
    const std::uint64_t reserved = std::min(region.reserved, align_up(size, granule()));
    spaces_.at(region.pxm).resize(region.file_offset, size, reserved);
    Region& changed = regions_.at(id);
    changed.size = size;
    changed.reserved = reserved;
    return changed;
}

Result<void> RegionAllocator::set_live(const std::string& owner, bool live) {
    if (!owners_.find(owner))
        return fail(rule_error("set live", owner, "no such owner: it has no region"));
    owners_.set_live(owner, live);
    return {};
}

void RegionAllocator::set_next_id(int id) {
    assert(regions_.empty() || id > regions_.rbegin()->first);
    next_id_ = id;
}

} // namespace egm
