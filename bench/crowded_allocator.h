#pragma once

#include <cstdint>
#include <vector>

#include <fmt/format.h>

#include "egm/address.h"
#include "egm/region_allocator.h"

namespace bench {

inline constexpr std::uint64_t kPage = 64 * egm::kKiB;

/// One carveout that many VMs share, with a hole behind each region: as many free extents as regions.
class CrowdedAllocator {
public:
    explicit CrowdedAllocator(int live) : allocator_(carveout(live), kPage, egm::AllocationPolicy::base_per_vm()) {
        std::vector<int> ids;
        for (int i = 0; i < 2 * live; ++i)
            ids.push_back(allocator_.allocate(request(fmt::format("vm{}", i), kRegion + i % 3 * kStep))->id);
        for (int i = 1; i < 2 * live; i += 2)
            (void)allocator_.free(ids[std::size_t(i)]);
    }

    /// A region comes and goes; it fits best into one of the holes.
    void allocate_and_free(int i) {
        const auto region = allocator_.allocate(request("guest", kRegion + i % 3 * kStep));
        (void)allocator_.free(region->id);
    }
    /// A region in the middle takes what is free behind it, and gives it back.
    void grow_and_shrink() {
        const auto& middle = allocator_.regions().lower_bound(int(allocator_.regions().size()))->second;
        const std::uint64_t size = middle.size;
        (void)allocator_.grow(middle.id, size + kRegion);
        (void)allocator_.shrink(middle.id, size);
    }
    std::size_t live() const { return allocator_.regions().size(); }

private:
    static constexpr std::uint64_t kRegion = 16 * egm::kMiB;
    static constexpr std::uint64_t kStep = 2 * egm::kMiB;

    static std::vector<egm::CarveoutInfo> carveout(int live) {
        return {{.pxm = 4, .size = std::uint64_t(live) * 2 * (kRegion + 2 * kStep) + egm::kGiB}};
    }
    static egm::AllocationRequest request(std::string owner, std::uint64_t size) {
        return {.owner = std::move(owner), .pxm = 4, .size = size, .fixed_offset = false};
    }

    egm::RegionAllocator allocator_;
};

} // namespace bench
