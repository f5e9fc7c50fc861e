#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace egm {

/// Who has regions, and which GPUs. An owner is here as long as it has a region; its GPUs go with the last one.
/// Every change takes O(log n) for n owners.
class RegionOwners {
public:
    /// What an owner has of one carveout.
    struct Share {
        std::size_t regions = 0;
        bool gpu_visible = false; ///< one of them is reached by a GPU
    };
    struct Owner {
        std::set<int> regions;       ///< by number
        std::map<int, Share> shares; ///< by proximity domain, none empty
        std::set<std::string> gpus;  ///< PCI addresses
        bool live = false;           ///< its VM runs
    };

    const std::map<std::string, Owner>& all() const { return owners_; }
    /// None: it has no region.
    const Owner* find(const std::string& name) const;
    /// Whose GPU this is; none when it is free.
    const std::string* owner_of_gpu(const std::string& bdf) const;

    void add_region(const std::string& name, int id, int pxm, bool gpu_visible);
    /// Precondition: that was added.
    void remove_region(const std::string& name, int id, int pxm, bool gpu_visible);
    /// Precondition: `name` has a region, and none of the GPUs belongs to another owner.
    void add_gpus(const std::string& name, const std::vector<std::string>& bdfs);
    /// Precondition: `name` has a region.
    void set_live(const std::string& name, bool live) { owners_.at(name).live = live; }

private:
    std::map<std::string, Owner> owners_;
    std::map<std::string, std::string> gpu_owner_; ///< by PCI address
};

} // namespace egm
