#pragma once

#include <algorithm>
#include <cassert>
#include <cstdint>

#include "models/specs.h"

namespace models {

/// A limit on bytes in flight that holds on average, whatever the size of a burst.
///
/// Hardware counts lines, and a burst stands for many of them. A burst that fits only in part may go when, over the
/// time so far, less than the limit has been in flight:
///
///     fits = used + burst <= limit, or used < limit and the integral of (used - limit) over time <= 0
///
/// so that a window of 4.75 bursts holds four for a quarter of the time and five for the rest.
class ByteWindow {
public:
    /// `limit` 0 = none.
    explicit ByteWindow(std::uint64_t limit = 0) : limit_(static_cast<std::int64_t>(limit)) {}

    bool limited() const { return limit_ != 0; }
    std::uint64_t limit() const { return static_cast<std::uint64_t>(limit_); }
    std::uint64_t used() const { return static_cast<std::uint64_t>(used_); }

    /// Whether a burst of `bytes` may go now. One always may when nothing is in flight.
    bool fits(std::uint64_t bytes, Picoseconds now) {
        advance(now);
        return limit_ == 0 || used_ == 0 || used_ + static_cast<std::int64_t>(bytes) <= limit_ ||
               (used_ < limit_ && excess_ <= 0);
    }
    void take(std::uint64_t bytes, Picoseconds now) {
        advance(now);
        used_ += static_cast<std::int64_t>(bytes);
    }
    void give(std::uint64_t bytes, Picoseconds now) {
        advance(now);
        used_ -= static_cast<std::int64_t>(bytes);
        assert(used_ >= 0);
    }

private:
    /// What was not used long ago earns nothing: the integral goes no further back than this many picoseconds.
    static constexpr std::int64_t kMemory = 200'000;

    void advance(Picoseconds now) {
        const auto passed = static_cast<std::int64_t>(std::min<Picoseconds>(now - last_, kMemory));
        last_ = now;
        const std::int64_t most = std::max<std::int64_t>(limit_, 1) * kMemory;
        excess_ = std::clamp(excess_ + (used_ - limit_) * passed, -most, most);
    }

    std::int64_t limit_;
    std::int64_t used_ = 0;
    std::int64_t excess_ = 0; ///< byte picoseconds
    Picoseconds last_ = 0;
};

} // namespace models
