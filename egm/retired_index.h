#pragma once

#include <cstdint>
#include <vector>

#include "egm/retired_ranges.h"

namespace egm {

/// The retired ranges of one carveout, ready to be asked how many bytes of any part are retired: running sums over the
/// sorted ranges, O(log n) a question.
class RetiredIndex {
public:
    RetiredIndex() = default;
    /// `ranges`: normalised.
    explicit RetiredIndex(std::vector<RetiredRange> ranges);

    const std::vector<RetiredRange>& ranges() const { return ranges_; }
    /// Retired bytes in [`offset`, `offset` + `size`).
    std::uint64_t bytes_in(std::uint64_t offset, std::uint64_t size) const;

private:
    std::uint64_t bytes_below(std::uint64_t offset) const;

    std::vector<RetiredRange> ranges_;
    std::vector<std::uint64_t> before_; ///< by range: retired bytes in the ranges before it
};

} // namespace egm
