#include "egm/carveout_space.h"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <set>

#include "egm/address.h"
#include "egm/block_size.h"

namespace egm {

CarveoutSpace::CarveoutSpace(std::uint64_t size, std::uint64_t page_size)
    : size_(size), page_size_(page_size), pages_(align_down(size, page_size)), free_(pages_, block_sizes(page_size)) {
    if (pages_ != 0)
        account_.add(of_free({0, pages_}));
    account_.add(of_tail());
}

bool CarveoutSpace::is_free(const Extent& piece) const { return piece.size <= free_from(piece.offset); }

std::uint64_t CarveoutSpace::free_from(std::uint64_t offset) const {
    const auto extent = free_.extent_at(offset);
    return extent ? extent->end() - offset : 0;
}

std::optional<std::uint64_t> CarveoutSpace::place(std::uint64_t size) const {
    const auto blocks = block_sizes(page_size_);
    for (std::size_t i = 0; i < blocks.size(); ++i)
        if (blocks[i] <= size || blocks[i] == page_size_)
            if (const auto offset = free_.best_fit(size, i))
                return offset;
    return std::nullopt;
}

void CarveoutSpace::hold(std::uint64_t offset, const Holding& holding) {
    assert(0 < holding.size && holding.size <= holding.reserved);
    follow(free_.take({offset, holding.reserved}));
    holdings_.emplace(offset, holding);
    account_.add(of_holding(offset, holding));
}

void CarveoutSpace::release(std::uint64_t offset) {
    const auto found = holdings_.find(offset);
    assert(found != holdings_.end());
    account_.subtract(of_holding(offset, found->second));
    follow(free_.give({offset, found->second.reserved}));
    holdings_.erase(found);
}

void CarveoutSpace::resize(std::uint64_t offset, std::uint64_t size, std::uint64_t reserved) {
    assert(0 < size && size <= reserved);
    Holding& holding = holdings_.at(offset);
    account_.subtract(of_holding(offset, holding));
    if (reserved > holding.reserved)
        follow(free_.take({offset + holding.reserved, reserved - holding.reserved}));
    else if (reserved < holding.reserved)
        follow(free_.give({offset + reserved, holding.reserved - reserved}));
    holding.size = size;
    holding.reserved = reserved;
    account_.add(of_holding(offset, holding));
}

void CarveoutSpace::set_retired(std::vector<RetiredRange> ranges) {
    std::vector<RetiredRange> changed = retired_.ranges();
    changed.insert(changed.end(), ranges.begin(), ranges.end());
    account_.subtract(of_pieces_touching(changed));
    retired_ = RetiredIndex(std::move(ranges));
    account_.add(of_pieces_touching(changed));
}

void CarveoutSpace::follow(const FreeSpace::Change& change) {
    for (const Extent& extent : change.gone)
        account_.subtract(of_free(extent));
    for (const Extent& extent : change.come)
        account_.add(of_free(extent));
}

CarveoutSpace::Account CarveoutSpace::of_holding(std::uint64_t offset, const Holding& holding) const {
    const std::uint64_t in_guest = retired_.bytes_in(offset, holding.size);
    const std::uint64_t behind = retired_.bytes_in(offset + holding.size, holding.reserved - holding.size);
    return {.usable = holding.size - in_guest,
            .lost = {.retired = in_guest + behind, .internal = holding.reserved - holding.size - behind}};
}

CarveoutSpace::Account CarveoutSpace::of_free(const Extent& extent) const {
    const std::uint64_t block = block_size_max(page_size_);
    Extent whole = aligned_part(extent, block);
    whole.size = align_down(whole.size, block);
    const std::uint64_t retired = retired_.bytes_in(extent.offset, extent.size);
    const std::uint64_t retired_in_blocks = retired_.bytes_in(whole.offset, whole.size);
    const std::uint64_t rest = extent.size - whole.size - (retired - retired_in_blocks);
    Account account{.lost = {.retired = retired, .unassigned = whole.size - retired_in_blocks}};
    (whole.size == 0 ? account.lost.external : account.lost.alignment) = rest;
    return account;
}

CarveoutSpace::Account CarveoutSpace::of_tail() const {
    const std::uint64_t retired = retired_.bytes_in(pages_, size_ - pages_);
    return {.lost = {.retired = retired, .alignment = size_ - pages_ - retired}};
}

CarveoutSpace::Account CarveoutSpace::of_pieces_touching(const std::vector<RetiredRange>& ranges) const {
    std::set<std::uint64_t> held;
    std::set<std::uint64_t> free;
    const auto collect = [](const auto& pieces, const RetiredRange& range, std::set<std::uint64_t>& offsets) {
        auto piece = pieces.upper_bound(range.offset);
        if (piece != pieces.begin())
            --piece; // this one may reach into the range, or end before it: counted out and in again, it does no harm
        for (; piece != pieces.end() && piece->first < range.offset + range.size; ++piece)
            offsets.insert(piece->first);
    };
    for (const RetiredRange& range : ranges) {
        collect(holdings_, range, held);
        collect(free_.extents(), range, free);
    }
    Account account = of_tail();
    for (const std::uint64_t offset : held)
        account.add(of_holding(offset, holdings_.at(offset)));
    for (const std::uint64_t offset : free)
        account.add(of_free({offset, free_.extents().at(offset)}));
    return account;
}

void CarveoutSpace::Account::add(const Account& other) {
    usable += other.usable;
    lost.retired += other.lost.retired;
    lost.internal += other.lost.internal;
    lost.external += other.lost.external;
    lost.alignment += other.lost.alignment;
    lost.unassigned += other.lost.unassigned;
}

void CarveoutSpace::Account::subtract(const Account& other) {
    usable -= other.usable;
    lost.retired -= other.lost.retired;
    lost.internal -= other.lost.internal;
    lost.external -= other.lost.external;
    lost.alignment -= other.lost.alignment;
    lost.unassigned -= other.lost.unassigned;
}

} // namespace egm
