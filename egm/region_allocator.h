#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "egm/allocation_policy.h"
#include "egm/carveout_space.h"
#include "egm/discovery.h"
#include "egm/losses.h"
#include "egm/region_owners.h"
#include "egm/result.h"
#include "egm/retired_ranges.h"

namespace egm {

/// A region asked for: a part of one carveout for one owner.
struct AllocationRequest {
    std::string owner; ///< a VM's name
    int pxm = 0;
    std::uint64_t size = 0; ///< bytes, a multiple of the host's page; 0 for the carveout from `file_offset` on
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
    std::uint64_t size = 0;        ///< bytes for the guest
    std::uint64_t reserved = 0;    ///< bytes taken from the carveout: `size`, rounded up to the policy's granule
    bool gpu_visible = false;

    friend bool operator==(const Region&, const Region&) = default;
};

/// Which VM gets which part of which carveout.
///
/// The rules, and why: the GPU's page tables hold "address minus EGM base", which firmware fixed, so a region that a
/// GPU reaches must start at carveout offset 0 and be linear, or the GPU touches the wrong bytes and nothing notices.
/// Every GPU of a carveout can reach all of it, so they all go to the VM that uses it. A platform that programs a base
/// for each VM lifts the two rules (`AllocationPolicy::base_per_vm`); a region is linear always, and a VM has one base,
/// so at most one region of a carveout that its GPUs reach. Retired blocks are left out of the guest's memory map and
/// do not interrupt the region.
///
/// Where the offset is free, a region goes to a multiple of the largest block that it can be made of. The blocks of
/// KVM's stage 2 and of the SMMU are the same for a host page size (`block_sizes`), so one alignment serves both.
///
/// Every call takes O(log n) steps for n live regions (and is linear in the GPUs, carveouts and retired ranges that it
/// names). A refused call changes nothing.
class RegionAllocator {
public:
    using Policy = AllocationPolicy;

    /// `page_size`: the host's, in bytes: 4, 16 or 64 KiB.
    RegionAllocator(const std::vector<CarveoutInfo>& carveouts, std::uint64_t page_size, Policy policy);
    RegionAllocator(const std::vector<CarveoutInfo>& carveouts, std::uint64_t page_size)
        : RegionAllocator(carveouts, page_size, Policy{}) {}

    /// What is known to be retired in a carveout; replaces what was known. Precondition: the carveout exists.
    void set_retired(int pxm, std::vector<RetiredRange> ranges);

    /// Errors: EINVAL for a broken rule, ENOSPC when it does not fit, EBUSY when a GPU, the carveout or the tray
    /// belongs to another owner, or the owner's VM runs.
    Result<Region> allocate(const AllocationRequest& request);
    /// All regions of one owner, or none. Where the whole tray goes to one VM, it must ask for all of it in one call.
    Result<std::vector<Region>> allocate_all(std::span<const AllocationRequest> requests);

    /// Takes back one region; its owner's GPUs are free when this was the owner's last region. EINVAL when unknown,
    /// EBUSY while the owner's VM runs.
    Result<void> free(int id);
    /// Takes back all regions of an owner. Errors as `free`.
    Result<void> free_all(const std::string& owner);

    /// Makes a region `size` bytes long, in place: its offset stays, and what follows it must be free. EINVAL when
    /// unknown, not longer, or not the policy's way; ENOSPC when the bytes behind are not free; EBUSY for a VM that
    /// runs and may not.
    Result<Region> grow(int id, std::uint64_t size);
    /// Makes a region `size` bytes long and gives its tail back. EINVAL when unknown, 0, not shorter, or not the
    /// policy's way; EBUSY for a VM that runs and may not.
    Result<Region> shrink(int id, std::uint64_t size);

    /// Whether the owner's VM runs. EINVAL when it has no region.
    Result<void> set_live(const std::string& owner, bool live);

    /// Takes over a region with its number, offset and size from an earlier life of this allocator. The rules hold for
    /// it as for a new one, but that GPUs may have come and gone since. Errors as `allocate`.
    Result<void> adopt(const Region& region, const std::vector<std::string>& gpu_bdfs);
    /// The number of the next region. Precondition for the setter: larger than all in use.
    int next_id() const { return next_id_; }
    void set_next_id(int id);

    /// Regions by id.
    const std::map<int, Region>& regions() const { return regions_; }
    const RegionOwners& owners() const { return owners_; }
    /// The machine's carveouts, by ascending proximity domain.
    const std::map<int, CarveoutInfo>& carveouts() const { return carveouts_; }
    std::uint64_t page_size() const { return page_size_; }

    // Of one carveout. Precondition: it exists.
    Losses losses(int pxm) const { return spaces_.at(pxm).losses(); }
    /// Bytes of its regions that guests can use.
    std::uint64_t usable(int pxm) const { return spaces_.at(pxm).usable(); }

private:
    // The rules (allocation_rules.cpp).
    Result<void> check_request(const AllocationRequest& request, const std::string& object) const;
    Result<void> check_sharing(const std::string& owner, int pxm, const std::string& object) const;
    Result<void> check_gpus(const AllocationRequest& request, const std::string& object) const;
    Result<void> check_gpu_owners(const std::string& owner, const std::vector<std::string>& bdfs,
                                  const std::string& object) const;
    Result<void> check_complete(std::span<const AllocationRequest> requests) const;
    Result<const Region*> check_resize(const char* call, int id, std::uint64_t size, LiveResize needed) const;
    Result<const Region*> check_free(int id) const;

    std::uint64_t granule() const;
    Result<Region> place(const AllocationRequest& request, const std::string& object) const;
    void hold(const Region& region);
    void release(const Region& region);

    std::uint64_t page_size_;
    Policy policy_;
    std::map<int, CarveoutInfo> carveouts_; ///< by proximity domain
    std::map<int, CarveoutSpace> spaces_;   ///< by proximity domain
    std::map<std::string, int> gpu_home_;   ///< proximity domain of the carveout that a GPU reaches, by PCI address
    std::map<int, Region> regions_;
    RegionOwners owners_;
    int next_id_ = 0;
};

/// What errors call a region: "vm0/egm4".
std::string region_name(const std::string& owner, int pxm);

} // namespace egm
