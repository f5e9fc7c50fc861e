#include "models/tlb.h"

#include <algorithm>
#include <cassert>

namespace models {

Tlb::Tlb(unsigned entries) : place_((entries + kWays - 1) / kWays) { assert(entries > 0); }

/// Neighbouring pages lie in neighbouring sets, as in hardware, so a run of pages fills the whole of it.
std::size_t Tlb::set_of(std::uint32_t space, std::uint64_t page) const {
    return (page + space * 0x9E3779B9ull) % place_.size();
}

bool Tlb::holds(std::uint32_t space, std::uint64_t page) {
    const std::uint32_t place = place_[set_of(space, page)];
    if (place == 0) {
        return false;
    }
    for (Entry& entry : sets_[place - 1]) {
        if (entry.used != 0 && entry.page == page && entry.space == space) {
            entry.used = ++clock_;
            return true;
        }
    }
    return false;
}

void Tlb::insert(std::uint32_t space, std::uint64_t page) {
    if (holds(space, page)) {
        return;
    }
    std::uint32_t& place = place_[set_of(space, page)];
    if (place == 0) {
        sets_.emplace_back();
        place = static_cast<std::uint32_t>(sets_.size());
    }
    Set& set = sets_[place - 1];
    Entry& oldest =
        *std::min_element(set.begin(), set.end(), [](const Entry& a, const Entry& b) { return a.used < b.used; });
    oldest = {page, space, ++clock_};
}

bool Tlb::look_up(std::uint32_t space, std::uint64_t page) {
    if (holds(space, page)) {
        return true;
    }
    insert(space, page);
    return false;
}

void Tlb::flush() {
    std::fill(place_.begin(), place_.end(), 0);
    sets_.clear();
}

} // namespace models
