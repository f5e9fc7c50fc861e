#include "egm/region_owners.h"

#include <cassert>

namespace egm {

const RegionOwners::Owner* RegionOwners::find(const std::string& name) const {
    const auto found = owners_.find(name);
    return found == owners_.end() ? nullptr : &found->second;
}

const std::string* RegionOwners::owner_of_gpu(const std::string& bdf) const {
    const auto found = gpu_owner_.find(bdf);
    return found == gpu_owner_.end() ? nullptr : &found->second;
}

void RegionOwners::add_region(const std::string& name, int id, int pxm, bool gpu_visible) {
    Owner& owner = owners_[name];
    owner.regions.insert(id);
    Share& share = owner.shares[pxm];
    ++share.regions;
    share.gpu_visible |= gpu_visible;
}

void RegionOwners::remove_region(const std::string& name, int id, int pxm, bool gpu_visible) {
    const auto owner = owners_.find(name);
    assert(owner != owners_.end());
    owner->second.regions.erase(id);
    const auto share = owner->second.shares.find(pxm);
    assert(share != owner->second.shares.end());
    if (gpu_visible)
        share->second.gpu_visible = false; // there is at most one
    if (--share->second.regions == 0)
        owner->second.shares.erase(share);
    if (owner->second.shares.empty()) {
        for (const std::string& bdf : owner->second.gpus)
            gpu_owner_.erase(bdf);
        owners_.erase(owner);
    }
}

void RegionOwners::add_gpus(const std::string& name, const std::vector<std::string>& bdfs) {
    Owner& owner = owners_.at(name);
    for (const std::string& bdf : bdfs) {
        gpu_owner_[bdf] = name;
        owner.gpus.insert(bdf);
    }
}

} // namespace egm
