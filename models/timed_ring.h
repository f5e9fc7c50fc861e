#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "models/specs.h"

namespace models {

/// What happens at times to come, earliest first; of the same instant, in the order in which it was put in. Made for
/// entries that come nearly in order: one that is late moves up from the back.
template <class T>
class TimedRing {
public:
    struct Entry {
        Picoseconds time;
        T what;
    };

    bool empty() const { return first_ == last_; }
    std::size_t size() const { return last_ - first_; }
    /// Precondition: `index < size()`.
    const Entry& operator[](std::size_t index) const { return ring_[(first_ + index) & mask()]; }
    const Entry& front() const { return ring_[first_ & mask()]; }
    void pop() { ++first_; }

    void push(Picoseconds time, T what) {
        if (size() == capacity_) {
            grow();
        }
        std::size_t at = last_++;
        while (at != first_ && ring_[(at - 1) & mask()].time > time) {
            ring_[at & mask()] = ring_[(at - 1) & mask()];
            --at;
        }
        ring_[at & mask()] = {time, what};
    }

private:
    std::size_t mask() const { return capacity_ - 1; }

    void grow() {
        std::vector<Entry> larger(std::max<std::size_t>(8, 2 * ring_.size()));
        const std::size_t held = size();
        for (std::size_t i = 0; i < held; ++i) {
            larger[i] = (*this)[i];
        }
        ring_ = std::move(larger);
        capacity_ = ring_.size();
        first_ = 0;
        last_ = held;
    }

    std::vector<Entry> ring_;
    std::size_t capacity_ = 0; ///< its size, a power of two; an entry's is none, and dividing by it takes long
    std::size_t first_ = 0;
    std::size_t last_ = 0;
};

} // namespace models
