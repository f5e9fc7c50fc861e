// What a region allocator refuses, and the sentence that says why.

#include <algorithm>
#include <cerrno>
#include <limits>

#include "egm/address.h"
#include "egm/block_size.h"
#include "egm/errors.h"
#include "egm/region_allocator.h"

namespace egm {
namespace {

constexpr const char* kPlan = "plan region";

Error busy(const char* call, const std::string& object, std::string why) {
    return {EBUSY, call, object, std::move(why)};
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

} // namespace

Result<void> RegionAllocator::check_complete(std::span<const AllocationRequest> requests) const {
    if (requests.empty())
        return fail(rule_error(kPlan, "", "no region was asked for"));
    const std::string& owner = requests.front().owner;
    std::set<int> wanted;
    for (const AllocationRequest& request : requests) {
        if (request.owner != owner)
            return fail(rule_error(kPlan, region_name(request.owner, request.pxm),
                                   "regions that are asked for together have one owner, here " + owner));
        wanted.insert(request.pxm);
    }
    if (policy_.sharing != Sharing::kWholeTray)
        return {};
    const RegionOwners::Owner* const known = owners_.find(owner);
    for (const auto& [pxm, info] : carveouts_)
        if (spaces_.at(pxm).size_in_pages() != 0 && !wanted.contains(pxm) && !(known && known->shares.contains(pxm)))
            return fail(rule_error(kPlan, owner,
                                   "the whole tray goes to one VM: ask for egm" + std::to_string(pxm) + " as well"));
    return {};
}

Result<void> RegionAllocator::check_sharing(const std::string& owner, int pxm, const std::string& object) const {
    const RegionOwners::Owner* const known = owners_.find(owner);
    switch (policy_.sharing) {
    case Sharing::kWholeTray:
        if (owners_.all().size() > (known ? 1 : 0)) {
            const auto first = owners_.all().begin();
            const std::string& other = first->first != owner ? first->first : std::next(first)->first;
            return fail(busy(kPlan, object, "the whole tray goes to one VM, and " + other + " has it"));
        }
        break;
    case Sharing::kVmPerSocket: {
        if (known && !known->shares.contains(pxm))
            return fail(rule_error(kPlan, object,
                                   "a VM has the memory of one socket, and " + owner + " has a region of egm" +
                                       std::to_string(known->shares.begin()->first)));
        const auto& holdings = spaces_.at(pxm).holdings();
        if (!holdings.empty())
            if (const Region& other = regions_.at(holdings.begin()->second.region_id); other.owner != owner)
                return fail(busy(kPlan, object, "a carveout goes to one VM, and " + other.owner + " has this one"));
        break;
    }
    case Sharing::kRegionsPerCarveout:
        break;
    }
    return {};
}

Result<void> RegionAllocator::check_gpu_owners(const std::string& owner, const std::vector<std::string>& bdfs,
                                               const std::string& object) const {
    for (const std::string& bdf : bdfs)
        if (const std::string* const holder = owners_.owner_of_gpu(bdf); holder && *holder != owner)
            return fail(busy(kPlan, object, "GPU " + bdf + " belongs to " + *holder));
    return {};
}

Result<void> RegionAllocator::check_gpus(const AllocationRequest& request, const std::string& object) const {
    if (policy_.all_gpus_together)
        for (const std::string& bdf : carveouts_.at(request.pxm).gpu_bdfs)
            if (!contains(request.gpu_bdfs, bdf))
                return fail(
                    rule_error(kPlan, object, "GPU " + bdf + " reaches all of this carveout: give it to the same VM"));
    if (policy_.all_gpus_together && policy_.sharing == Sharing::kWholeTray)
        for (const auto& [pxm, info] : carveouts_)
            for (const std::string& bdf : info.gpu_bdfs)
                if (!contains(request.gpu_bdfs, bdf))
                    return fail(
                        rule_error(kPlan, object, "the whole tray goes to one VM: give it GPU " + bdf + " as well"));
    if (policy_.sharing == Sharing::kVmPerSocket)
        for (const std::string& bdf : request.gpu_bdfs)
            if (const auto home = gpu_home_.find(bdf); home != gpu_home_.end() && home->second != request.pxm)
                return fail(rule_error(
                    kPlan, object, "GPU " + bdf + " is on another socket, and a VM has the GPUs of its own socket"));
    return check_gpu_owners(request.owner, request.gpu_bdfs, object);
}

Result<void> RegionAllocator::check_request(const AllocationRequest& request, const std::string& object) const {
    const auto refuse = [&](std::string why) { return fail(rule_error(kPlan, object, std::move(why))); };
    const auto info = carveouts_.find(request.pxm);
    if (info == carveouts_.end())
        return refuse("this machine has no such carveout");
    if (next_id_ == std::numeric_limits<int>::max())
        return refuse("the numbers for regions are used up: start with a new state");
    if (!is_aligned(request.size | request.file_offset, page_size_))
        return refuse("size and offset must be multiples of the host's page, " + in_binary_units(page_size_));
    if (request.gpu_visible && policy_.offset_zero && (!request.fixed_offset || request.file_offset != 0))
        return refuse("a region that a GPU reaches must start at offset 0 of its carveout: the GPU adds its own base "
                      "to each address, and would touch other memory than the CPU");
    const std::uint64_t whole = spaces_.at(request.pxm).size_in_pages();
    if (policy_.sharing == Sharing::kWholeTray && request.size != 0 && request.size != whole)
        return refuse("the whole tray goes to one VM: its memory is all of the carveout, " + in_binary_units(whole));
    const RegionOwners::Owner* const known = owners_.find(request.owner);
    if (known && known->live)
        return fail(busy(kPlan, object, "the VM runs: stop it first"));
    if (request.gpu_visible && known)
        if (const auto share = known->shares.find(request.pxm);
            share != known->shares.end() && share->second.gpu_visible && !policy_.offset_zero)
            return refuse("the VM's GPUs reach a region of this carveout already, and a VM has one base: grow it");
    if (auto allowed = check_sharing(request.owner, request.pxm, object); !allowed)
        return allowed;
    return check_gpus(request, object);
}

Result<const Region*> RegionAllocator::check_free(int id) const {
    const auto found = regions_.find(id);
    if (found == regions_.end())
        return fail(rule_error("free region", "#" + std::to_string(id), "no such region, or it was freed before"));
    const Region& region = found->second;
    if (owners_.find(region.owner)->live)
        return fail(busy("free region", region_name(region.owner, region.pxm), "the VM runs: stop it first"));
    return &region;
}

Result<const Region*> RegionAllocator::check_resize(const char* call, int id, std::uint64_t size,
                                                    LiveResize needed) const {
    const auto found = regions_.find(id);
    if (found == regions_.end())
        return fail(rule_error(call, "#" + std::to_string(id), "no such region"));
    const Region& region = found->second;
    const std::string object = region_name(region.owner, region.pxm);
    if (policy_.sharing == Sharing::kWholeTray)
        return fail(rule_error(call, object, "the whole tray goes to one VM: its memory is all of the carveout"));
    if (!is_aligned(size, page_size_))
        return fail(
            rule_error(call, object, "the size must be a multiple of the host's page, " + in_binary_units(page_size_)));
    if (owners_.find(region.owner)->live && policy_.live_resize < needed)
        return fail(
            busy(call, object, "the VM runs, and its guest has been told how much memory it has: stop it first"));
    return &region;
}

Result<void> RegionAllocator::adopt(const Region& region, const std::vector<std::string>& gpu_bdfs) {
    const std::string object = region_name(region.owner, region.pxm);
    const auto refuse = [&](std::string why) { return fail(rule_error(kPlan, object, std::move(why))); };
    const auto found = spaces_.find(region.pxm);
    if (found == spaces_.end())
        return refuse("this machine has no such carveout");
    if (region.id < 0 || region.id == std::numeric_limits<int>::max() || regions_.contains(region.id))
        return refuse("the region's number is impossible or used twice");
    if (region.size == 0 || region.size > region.reserved)
        return refuse("a region has at least one byte, and takes at least its size");
    if (!is_aligned(region.size | region.reserved | region.file_offset, page_size_))
        return refuse("size and offset must be multiples of the host's page, " + in_binary_units(page_size_));
    if (region.gpu_visible && policy_.offset_zero && region.file_offset != 0)
        return refuse("a region that a GPU reaches must start at offset 0 of its carveout");
    const RegionOwners::Owner* const known = owners_.find(region.owner);
    if (region.gpu_visible && known)
        if (const auto share = known->shares.find(region.pxm);
            share != known->shares.end() && share->second.gpu_visible)
            return refuse("a VM has one base, so its GPUs reach at most one region of a carveout");
    if (!found->second.is_free({region.file_offset, region.reserved}))
        return refuse("it overlaps another region, or ends behind the carveout");
    if (auto allowed = check_sharing(region.owner, region.pxm, object); !allowed)
        return allowed;
    if (auto allowed = check_gpu_owners(region.owner, gpu_bdfs, object); !allowed)
        return allowed;
    hold(region);
    owners_.add_gpus(region.owner, gpu_bdfs);
    return {};
}

} // namespace egm
