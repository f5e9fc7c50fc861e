#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

namespace egm {

/// A half-open piece [offset, offset + size) of a carveout, in bytes.
struct Extent {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;

    std::uint64_t end() const { return offset + size; }
    friend bool operator==(const Extent&, const Extent&) = default;
};

/// The part of `extent` from its first multiple of `alignment` on; its size is 0 when there is none inside. Never
/// wraps. Precondition: `alignment` is a power of two.
Extent aligned_part(const Extent& extent, std::uint64_t alignment);

/// What is free of one carveout: extents, of which no two touch.
///
/// Kept by offset, and for each alignment by how much an extent holds from its first aligned byte on. So finding the
/// neighbours of a piece and finding the best fit at an alignment each take O(log n) steps for n extents.
class FreeSpace {
public:
    /// What a change did to the extents: at most two went and at most two came.
    struct Change {
        std::vector<Extent> gone;
        std::vector<Extent> come;
    };

    /// All of [0, `size`) is free. `alignments`: powers of two, largest first, that fits are asked for.
    FreeSpace(std::uint64_t size, std::span<const std::uint64_t> alignments);

    /// Size by offset.
    const std::map<std::uint64_t, std::uint64_t>& extents() const { return extents_; }

    /// The extent that `offset` lies in.
    std::optional<Extent> extent_at(std::uint64_t offset) const;

    /// Where `size` bytes fit best on a multiple of `alignments[i]`: in the extent that holds least from its first
    /// aligned byte on, the lowest among equals. Precondition: `size` > 0.
    std::optional<std::uint64_t> best_fit(std::uint64_t size, std::size_t i) const;

    /// Precondition: `piece` lies inside one extent.
    Change take(const Extent& piece);
    /// Merges with what is free on both sides. Precondition: none of `piece` is free.
    Change give(const Extent& piece);

private:
    using ByCapacity = std::set<std::pair<std::uint64_t, std::uint64_t>>; ///< capacity, offset

    void insert(const Extent& extent, Change& change);
    void erase(const Extent& extent, Change& change);

    std::span<const std::uint64_t> alignments_; ///< of static storage, see `block_sizes`
    std::map<std::uint64_t, std::uint64_t> extents_;
    std::vector<ByCapacity> by_capacity_; ///< by alignment
};

} // namespace egm
