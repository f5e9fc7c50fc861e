#include "oracle.h"

#include <algorithm>
#include <cerrno>

#include "egm/address.h"
#include "egm/block_size.h"

namespace properties {

using egm::AllocationRequest;
using egm::CarveoutInfo;
using egm::Losses;
using egm::Region;
using egm::RetiredRange;
using egm::Sharing;

const CarveoutInfo* Oracle::carveout(int pxm) const {
    for (const CarveoutInfo& info : carveouts_)
        if (info.pxm == pxm)
            return &info;
    return nullptr;
}

std::uint64_t Oracle::pages(int pxm) const { return carveout(pxm)->size / page_size_ * page_size_; }

const std::vector<RetiredRange>& Oracle::retired(int pxm) const {
    static const std::vector<RetiredRange> kNone;
    const auto found = retired_.find(pxm);
    return found == retired_.end() ? kNone : found->second;
}

const Region* Oracle::find(int id) const {
    for (const Region& region : regions_)
        if (region.id == id)
            return &region;
    return nullptr;
}

bool Oracle::has_region(const std::string& owner) const {
    return std::any_of(regions_.begin(), regions_.end(), [&](const Region& region) { return region.owner == owner; });
}

std::vector<Oracle::Gap> Oracle::gaps(int pxm) const {
    std::vector<Gap> taken;
    for (const Region& region : regions_)
        if (region.pxm == pxm)
            taken.push_back({region.file_offset, region.file_offset + region.reserved});
    std::sort(taken.begin(), taken.end(), [](const Gap& a, const Gap& b) { return a.begin < b.begin; });
    taken.push_back({pages(pxm), pages(pxm)});
    std::vector<Gap> free;
    std::uint64_t at = 0;
    for (const Gap& each : taken) {
        if (at < each.begin)
            free.push_back({at, each.begin});
        at = each.end;
    }
    return free;
}

std::uint64_t Oracle::retired_bytes(int pxm, std::uint64_t begin, std::uint64_t end) const {
    std::uint64_t bytes = 0;
    for (const RetiredRange& range : retired(pxm)) {
        const std::uint64_t first = std::max(begin, range.offset);
        const std::uint64_t last = std::min(end, range.offset + range.size);
        bytes += first < last ? last - first : 0;
    }
    return bytes;
}

std::uint64_t Oracle::rounded(std::uint64_t size, std::uint64_t offset, int pxm) const {
    const std::uint64_t granule = std::max(policy_.granule, page_size_);
    return std::min((size + granule - 1) / granule * granule, pages(pxm) - offset);
}

int Oracle::refuse(const AllocationRequest& request) const {
    if (!carveout(request.pxm))
        return EINVAL;
    if (request.size % page_size_ != 0 || request.file_offset % page_size_ != 0)
        return EINVAL;
    if (policy_.offset_zero && request.gpu_visible && (!request.fixed_offset || request.file_offset != 0))
        return EINVAL;
    if (policy_.sharing == Sharing::kWholeTray && request.size != 0 && request.size != pages(request.pxm))
        return EINVAL;
    if (live_.contains(request.owner))
        return EBUSY;
    for (const Region& region : regions_) {
        const bool ours = region.owner == request.owner;
        if (ours && region.pxm == request.pxm && region.gpu_visible && request.gpu_visible && !policy_.offset_zero)
            return EINVAL;
    }
    for (const Region& region : regions_) {
        const bool ours = region.owner == request.owner;
        if (policy_.sharing == Sharing::kWholeTray && !ours)
            return EBUSY;
        if (policy_.sharing == Sharing::kVmPerSocket && ours && region.pxm != request.pxm)
            return EINVAL;
    }
    for (const Region& region : regions_)
        if (policy_.sharing == Sharing::kVmPerSocket && region.owner != request.owner && region.pxm == request.pxm)
            return EBUSY;
    const std::set<std::string> given(request.gpu_bdfs.begin(), request.gpu_bdfs.end());
    for (const CarveoutInfo& info : carveouts_)
        for (const std::string& bdf : info.gpu_bdfs) {
            const bool needed = info.pxm == request.pxm || policy_.sharing == Sharing::kWholeTray;
            if (policy_.all_gpus_together && needed && !given.contains(bdf))
                return EINVAL;
            if (policy_.sharing == Sharing::kVmPerSocket && info.pxm != request.pxm && given.contains(bdf))
                return EINVAL;
        }
    for (const auto& [owner, gpus] : gpus_)
        for (const std::string& bdf : given)
            if (owner != request.owner && gpus.contains(bdf))
                return EBUSY;
    return 0;
}

int Oracle::place(const AllocationRequest& request, Region& region) const {
    const std::uint64_t offset = request.fixed_offset ? request.file_offset : 0;
    const std::uint64_t whole = pages(request.pxm);
    const std::uint64_t size = request.size != 0 ? request.size : whole - std::min(whole, offset);
    if (size == 0)
        return EINVAL;
    if (offset > whole || size > whole - offset)
        return ENOSPC;
    const std::uint64_t reserved = rounded(size, offset, request.pxm);
    region = {next_id_, request.owner, request.pxm, offset, size, reserved, request.gpu_visible};
    const std::vector<Gap> free = gaps(request.pxm);
    if (request.fixed_offset) {
        for (const Gap& gap : free)
            if (gap.begin <= offset && offset + reserved <= gap.end)
                return 0;
        return ENOSPC;
    }
    for (const std::uint64_t block : egm::block_sizes(page_size_)) {
        if (block > reserved && block != page_size_)
            continue;
        std::uint64_t best = ~std::uint64_t{0};
        for (const Gap& gap : free) {
            const std::uint64_t first = (gap.begin + block - 1) / block * block;
            if (first < gap.end && reserved <= gap.end - first && gap.end - first < best) {
                best = gap.end - first;
                region.file_offset = first;
            }
        }
        if (best != ~std::uint64_t{0})
            return 0;
    }
    return ENOSPC;
}

int Oracle::allocate_all(const std::vector<AllocationRequest>& requests, std::vector<Region>& made) {
    const std::size_t regions_before = regions_.size();
    const int next_id_before = next_id_;
    const auto undo = [&](int error) {
        regions_.resize(regions_before);
        next_id_ = next_id_before;
        return error;
    };
    if (policy_.sharing == Sharing::kWholeTray)
        for (const CarveoutInfo& info : carveouts_) {
            const bool asked = std::any_of(requests.begin(), requests.end(),
                                           [&](const AllocationRequest& request) { return request.pxm == info.pxm; });
            const bool had = std::any_of(regions_.begin(), regions_.end(), [&](const Region& region) {
                return region.pxm == info.pxm && region.owner == requests.front().owner;
            });
            if (pages(info.pxm) != 0 && !asked && !had)
                return EINVAL;
        }
    made.clear();
    for (const AllocationRequest& request : requests) {
        if (const int error = refuse(request))
            return undo(error);
        Region region;
        if (const int error = place(request, region))
            return undo(error);
        regions_.push_back(region);
        made.push_back(region);
        ++next_id_;
    }
    for (const AllocationRequest& request : requests)
        gpus_[request.owner].insert(request.gpu_bdfs.begin(), request.gpu_bdfs.end());
    return 0;
}

void Oracle::drop(int id) {
    const std::string owner = find(id)->owner;
    std::erase_if(regions_, [&](const Region& region) { return region.id == id; });
    if (!has_region(owner)) {
        gpus_.erase(owner);
        live_.erase(owner);
    }
}

int Oracle::free(int id) {
    const Region* const region = find(id);
    if (!region)
        return EINVAL;
    if (live_.contains(region->owner))
        return EBUSY;
    drop(id);
    return 0;
}

int Oracle::free_all(const std::string& owner) {
    if (!has_region(owner))
        return EINVAL;
    if (live_.contains(owner))
        return EBUSY;
    const std::vector<Region> all = regions_;
    for (const Region& region : all)
        if (region.owner == owner)
            drop(region.id);
    return 0;
}

int Oracle::resize(int id, std::uint64_t size, bool grow) {
    const Region* const found = find(id);
    if (!found || policy_.sharing == Sharing::kWholeTray || size % page_size_ != 0)
        return EINVAL;
    const bool may = policy_.live_resize == egm::LiveResize::kGrowAndShrink ||
                     (policy_.live_resize == egm::LiveResize::kGrow && grow);
    if (live_.contains(found->owner) && !may)
        return EBUSY;
    if (grow ? size <= found->size : size == 0 || size >= found->size)
        return EINVAL;
    if (size > pages(found->pxm) - found->file_offset)
        return ENOSPC;
    Region changed = *found;
    changed.size = size;
    changed.reserved = rounded(size, found->file_offset, found->pxm);
    for (const Region& other : regions_)
        if (other.id != id && other.pxm == changed.pxm && other.file_offset >= changed.file_offset &&
            other.file_offset < changed.file_offset + changed.reserved)
            return ENOSPC;
    *std::find_if(regions_.begin(), regions_.end(), [&](const Region& region) { return region.id == id; }) = changed;
    return 0;
}

int Oracle::set_live(const std::string& owner, bool live) {
    if (!has_region(owner))
        return EINVAL;
    live_.erase(owner);
    if (live)
        live_.insert(owner);
    return 0;
}

void Oracle::set_retired(int pxm, std::vector<RetiredRange> ranges) { retired_[pxm] = std::move(ranges); }

std::uint64_t Oracle::usable(int pxm) const {
    std::uint64_t bytes = 0;
    for (const Region& region : regions_)
        if (region.pxm == pxm)
            bytes += region.size - retired_bytes(pxm, region.file_offset, region.file_offset + region.size);
    return bytes;
}

Losses Oracle::losses(int pxm) const {
    const std::uint64_t block = egm::block_sizes(page_size_).front();
    const std::uint64_t size = carveout(pxm)->size;
    const auto good = [&](std::uint64_t begin, std::uint64_t end) {
        return end - begin - retired_bytes(pxm, begin, end);
    };
    Losses losses{.retired = retired_bytes(pxm, 0, size), .alignment = good(pages(pxm), size)};
    for (const Region& region : regions_)
        if (region.pxm == pxm)
            losses.internal += good(region.file_offset + region.size, region.file_offset + region.reserved);
    for (const Gap& gap : gaps(pxm)) {
        const std::uint64_t first = (gap.begin + block - 1) / block * block;
        const std::uint64_t last = gap.end / block * block;
        if (first >= last) {
            losses.external += good(gap.begin, gap.end);
        } else {
            losses.alignment += good(gap.begin, first) + good(last, gap.end);
            losses.unassigned += good(first, last);
        }
    }
    return losses;
}

std::optional<std::string> Oracle::fault(const std::map<int, Region>& regions) const {
    const auto name = [](const Region& region) { return "region " + std::to_string(region.id); };
    for (const auto& [id, region] : regions) {
        if (!carveout(region.pxm) || region.file_offset > pages(region.pxm) ||
            region.reserved > pages(region.pxm) - region.file_offset)
            return name(region) + " lies outside its carveout";
        if (region.size == 0 || region.size > region.reserved || region.file_offset % page_size_ != 0 ||
            region.size % page_size_ != 0)
            return name(region) + " is not made of whole pages that it holds";
        if (policy_.offset_zero && region.gpu_visible && region.file_offset != 0)
            return name(region) + " is reached by a GPU and does not start at offset 0";
        for (const auto& [other_id, other] : regions) {
            const bool apart = region.file_offset + region.reserved <= other.file_offset ||
                               other.file_offset + other.reserved <= region.file_offset;
            if (id < other_id && region.pxm == other.pxm && !apart)
                return name(region) + " overlaps " + name(other);
            if (policy_.sharing == Sharing::kWholeTray && region.owner != other.owner)
                return "the tray has two owners";
        }
    }
    return std::nullopt;
}

} // namespace properties
