#include "egm/retired_index.h"

#include <algorithm>

namespace egm {

RetiredIndex::RetiredIndex(std::vector<RetiredRange> ranges) : ranges_(std::move(ranges)) {
    before_.reserve(ranges_.size());
    std::uint64_t bytes = 0;
    for (const RetiredRange& range : ranges_) {
        before_.push_back(bytes);
        bytes += range.size;
    }
}

std::uint64_t RetiredIndex::bytes_in(std::uint64_t offset, std::uint64_t size) const {
    return ranges_.empty() ? 0 : bytes_below(offset + size) - bytes_below(offset);
}

std::uint64_t RetiredIndex::bytes_below(std::uint64_t offset) const {
    const auto behind = std::partition_point(ranges_.begin(), ranges_.end(),
                                             [&](const RetiredRange& range) { return range.offset < offset; });
    if (behind == ranges_.begin())
        return 0;
    const std::size_t last = std::size_t(behind - ranges_.begin()) - 1;
    return before_[last] + std::min(ranges_[last].size, offset - ranges_[last].offset);
}

} // namespace egm
