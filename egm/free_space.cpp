#include "egm/free_space.h"

#include <cassert>
#include <iterator>

namespace egm {

Extent aligned_part(const Extent& extent, std::uint64_t alignment) {
    const std::uint64_t slack = -extent.offset & (alignment - 1);
    return slack < extent.size ? Extent{extent.offset + slack, extent.size - slack} : Extent{extent.end(), 0};
}

FreeSpace::FreeSpace(std::uint64_t size, std::span<const std::uint64_t> alignments)
    : alignments_(alignments), by_capacity_(alignments.size()) {
    Change ignored;
    if (size != 0)
        insert({0, size}, ignored);
}

std::optional<Extent> FreeSpace::extent_at(std::uint64_t offset) const {
    auto behind = extents_.upper_bound(offset);
    if (behind == extents_.begin())
        return std::nullopt;
    const auto& [begin, size] = *std::prev(behind);
    return offset - begin < size ? std::optional(Extent{begin, size}) : std::nullopt;
}

std::optional<std::uint64_t> FreeSpace::best_fit(std::uint64_t size, std::size_t i) const {
    const auto found = by_capacity_[i].lower_bound({size, 0});
    if (found == by_capacity_[i].end())
        return std::nullopt;
    return aligned_part({found->second, extents_.at(found->second)}, alignments_[i]).offset;
}

FreeSpace::Change FreeSpace::take(const Extent& piece) {
    const auto extent = extent_at(piece.offset);
    assert(extent && piece.size != 0 && piece.size <= extent->end() - piece.offset);
    Change change;
    erase(*extent, change);
    if (extent->offset < piece.offset)
        insert({extent->offset, piece.offset - extent->offset}, change);
    if (piece.end() < extent->end())
        insert({piece.end(), extent->end() - piece.end()}, change);
    return change;
}

FreeSpace::Change FreeSpace::give(const Extent& piece) {
    Change change;
    Extent merged = piece;
    const auto behind = extents_.lower_bound(piece.offset);
    assert(piece.size != 0 && (behind == extents_.end() || piece.end() <= behind->first));
    std::optional<Extent> before;
    if (behind != extents_.begin())
        before = Extent{std::prev(behind)->first, std::prev(behind)->second};
    assert(!before || before->end() <= piece.offset);
    if (behind != extents_.end() && behind->first == piece.end()) {
        const Extent next{behind->first, behind->second};
        merged.size += next.size;
        erase(next, change);
    }
    if (before && before->end() == piece.offset) {
        merged = {before->offset, before->size + merged.size};
        erase(*before, change);
    }
    insert(merged, change);
    return change;
}

void FreeSpace::insert(const Extent& extent, Change& change) {
    extents_.emplace(extent.offset, extent.size);
    for (std::size_t i = 0; i < alignments_.size(); ++i)
        if (const Extent part = aligned_part(extent, alignments_[i]); part.size != 0)
            by_capacity_[i].emplace(part.size, extent.offset);
    change.come.push_back(extent);
}

void FreeSpace::erase(const Extent& extent, Change& change) {
    extents_.erase(extent.offset);
    for (std::size_t i = 0; i < alignments_.size(); ++i)
        if (const Extent part = aligned_part(extent, alignments_[i]); part.size != 0)
            by_capacity_[i].erase({part.size, extent.offset});
    change.gone.push_back(extent);
}

} // namespace egm
