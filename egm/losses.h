#pragma once

#include <cstdint>

namespace egm {

/// Where the bytes of a carveout are that no guest uses. With the usable bytes of its regions they add up to its size:
///
///     size = usable + retired + internal + external + alignment + unassigned
struct Losses {
    std::uint64_t retired = 0;  ///< on retired memory, in regions and outside
    std::uint64_t internal = 0; ///< in regions, behind what was asked for: sizes are rounded up to the policy's granule
    std::uint64_t external = 0; ///< free, in pieces that hold no whole aligned largest block: fragmentation
    /// Free, in front of the first and behind the last aligned largest block of a piece; and what the carveout's size
    /// is more than a multiple of the host's page.
    std::uint64_t alignment = 0;
    std::uint64_t unassigned = 0; ///< free, in whole aligned largest blocks: not lost, only not given out

    std::uint64_t total() const { return retired + internal + external + alignment + unassigned; }
    friend bool operator==(const Losses&, const Losses&) = default;
};

} // namespace egm
