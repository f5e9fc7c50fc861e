#include "egm/retired_ranges.h"

#include <algorithm>

#include "egm/address.h"
#include "egm/uapi/egm.h"

namespace egm {

std::vector<RetiredRange> normalise(std::vector<RetiredRange> ranges, std::uint64_t carveout_size) {
    std::sort(ranges.begin(), ranges.end());
    std::vector<RetiredRange> merged;
    for (const RetiredRange& range : ranges) {
        if (range.size == 0 || range.offset >= carveout_size)
            continue;
        // The kernel's word is not trusted: the end may wrap.
        const std::uint64_t end_inside = range.offset + std::min(range.size, carveout_size - range.offset);
        const std::uint64_t begin = align_down(range.offset, uapi::kRetiredBlockBytes);
        const std::uint64_t end = std::min(align_up(end_inside, uapi::kRetiredBlockBytes), carveout_size);
        if (!merged.empty() && begin <= merged.back().offset + merged.back().size)
            merged.back().size = std::max(merged.back().offset + merged.back().size, end) - merged.back().offset;
        else
            merged.push_back({begin, end - begin});
    }
    return merged;
}

std::vector<RetiredRange> clip(const std::vector<RetiredRange>& ranges, std::uint64_t offset, std::uint64_t size) {
    std::vector<RetiredRange> inside;
    for (const RetiredRange& range : ranges) {
        const std::uint64_t begin = std::max(range.offset, offset);
        const std::uint64_t end = std::min(range.offset + range.size, offset + size);
        if (begin < end)
            inside.push_back({begin, end - begin});
    }
    return inside;
}

std::uint64_t total_bytes(const std::vector<RetiredRange>& ranges) {
    std::uint64_t bytes = 0;
    for (const RetiredRange& range : ranges)
        bytes += range.size;
    return bytes;
}

} // namespace egm
