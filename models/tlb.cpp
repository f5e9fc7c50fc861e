#include "models/tlb.h"

#include <algorithm>
#include <cassert>

namespace models {

Tlb::Tlb(unsigned entries) : entries_((entries + kWays - 1) / kWays * kWays), sets_(entries_.size() / kWays) {
    assert(entries > 0);
}

/// Neighbouring pages lie in neighbouring sets, as in hardware, so a run of pages fills the whole of it.
Tlb::Entry* Tlb::set_of(std::uint32_t space, std::uint64_t page) {
    return &entries_[(page + space * 0x9E3779B9ull) % sets_ * kWays];
}

bool Tlb::holds(std::uint32_t space, std::uint64_t page) {
    Entry* const set = set_of(space, page);
    for (Entry* entry = set; entry != set + kWays; ++entry) {
        if (entry->used != 0 && entry->page == page && entry->space == space) {
            entry->used = ++clock_;
            return true;
        }
    }
    return false;
}

void Tlb::insert(std::uint32_t space, std::uint64_t page) {
    if (holds(space, page)) {
        return;
    }
    Entry* const set = set_of(space, page);
    Entry& oldest = *std::min_element(set, set + kWays, [](const Entry& a, const Entry& b) { return a.used < b.used; });
    oldest = {page, space, ++clock_};
}

bool Tlb::look_up(std::uint32_t space, std::uint64_t page) {
    if (holds(space, page)) {
        return true;
    }
    insert(space, page);
    return false;
}

void Tlb::flush() { std::fill(entries_.begin(), entries_.end(), Entry{}); }

} // namespace models
