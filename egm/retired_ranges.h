#pragma once

#include <compare>
#include <cstdint>
#include <vector>

namespace egm {

/// A range of a carveout that firmware took out of use because its memory failed.
struct RetiredRange {
    std::uint64_t offset = 0; ///< bytes from the start of the carveout
    std::uint64_t size = 0;   ///< bytes

    friend auto operator<=>(const RetiredRange&, const RetiredRange&) = default;
};

/// Sorted, disjoint ranges of whole 64 KiB blocks inside [0, `carveout_size`). Kernels promise neither order nor
/// uniqueness; the driver of 2025 reports only the first page of each block, and firmware retires whole blocks.
/// Ranges beyond the carveout are dropped, touching ones merged.
std::vector<RetiredRange> normalise(std::vector<RetiredRange> ranges, std::uint64_t carveout_size);

/// The parts of normalised `ranges` inside [`offset`, `offset` + `size`), still as offsets in the carveout.
std::vector<RetiredRange> clip(const std::vector<RetiredRange>& ranges, std::uint64_t offset, std::uint64_t size);

/// Bytes in disjoint ranges.
std::uint64_t total_bytes(const std::vector<RetiredRange>& ranges);

} // namespace egm
