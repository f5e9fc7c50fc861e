#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "egm/discovery.h"
#include "egm/result.h"
#include "egm/retired_ranges.h"

namespace egm {

/// A region asked for: a part of one carveout for one owner.
struct AllocationRequest {
    std::string owner; ///< a VM's name
    int pxm = 0;
    std::uint64_t size = 0; ///< bytes, a multiple of the host's page; 0 for the whole carveout
    std::uint64_t file_offset = 0;
    bool fixed_offset = true;          ///< at `file_offset`; else where it fits best
    bool gpu_visible = true;           ///< some GPU of the owner reaches it as EGM
    std::vector<std::string> gpu_bdfs; ///< the owner's GPUs
};

struct Region {
    int id = 0;
    std::string owner;
    int pxm = 0;
    std::uint64_t file_offset = 0; ///< in the carveout
    std::uint64_t size = 0;        ///< bytes
};

/// Where the bytes of a carveout go that no guest can use.
struct Losses {
    std::uint64_t retired = 0;    ///< inside regions, on retired memory
    std::uint64_t alignment = 0;  ///< free, but in pieces that hold no whole aligned largest block
    std::uint64_t unassigned = 0; ///< free, in whole aligned largest blocks

    friend bool operator==(const Losses&, const Losses&) = default;
};

/// Which VM gets which part of which carveout.
///
/// The rules, and why: the GPU's page tables hold "address minus EGM base", which firmware fixed, so a region that a
/// GPU reaches must start at carveout offset 0 and be linear, or the GPU touches the wrong bytes and nothing notices.
/// Every GPU of a carveout can reach all of it, so they all go to the VM that uses it. Retired blocks are left out of
/// the guest's memory map and do not interrupt the region.
///
/// Free space is kept as extents, by offset; an extent is never next to another one.
class RegionAllocator {
public:
    struct Policy {
        bool offset_zero = true;       ///< enforce offset 0 for regions that a GPU reaches
        bool all_gpus_together = true; ///< enforce that all GPUs of a used carveout have the same owner
    };

    /// `page_size`: the host's, in bytes: 4, 16 or 64 KiB.
    RegionAllocator(const std::vector<CarveoutInfo>& carveouts, std::uint64_t page_size, Policy policy);
    RegionAllocator(const std::vector<CarveoutInfo>& carveouts, std::uint64_t page_size)
        : RegionAllocator(carveouts, page_size, Policy{}) {}

    /// What is known to be retired in a carveout, normalised. Precondition: the carveout exists.
    void set_retired(int pxm, std::vector<RetiredRange> ranges);

    /// Errors: EINVAL for a broken rule, ENOSPC when it does not fit, EBUSY when a GPU belongs to another owner. A
    /// refused request changes nothing.
    Result<Region> allocate(const AllocationRequest& request);

    /// Takes back one region; its owner's GPUs are free when this was the owner's last region. EINVAL when unknown.
    Result<void> free(int id);

    /// Regions by id.
    const std::map<int, Region>& regions() const { return regions_; }
    Losses losses(int pxm) const;

private:
    struct Space {
        CarveoutInfo info;
        std::map<std::uint64_t, std::uint64_t> free_extents; ///< size by offset
        std::vector<RetiredRange> retired;
    };

    Result<void> check_rules(const AllocationRequest& request, const Space& space, const std::string& object) const;
    Result<std::uint64_t> place(const AllocationRequest& request, const Space& space, std::uint64_t size,
                                const std::string& object) const;

    std::uint64_t page_size_;
    Policy policy_;
    std::map<int, Space> spaces_; ///< by proximity domain
    std::map<int, Region> regions_;
    std::map<std::string, std::string> gpu_owner_; ///< by PCI address
    int next_id_ = 0;
};

} // namespace egm
