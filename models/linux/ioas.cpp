#include "models/linux/ioas.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <iterator>
#include <limits>

#include "models/linux/blocks.h"
#include "models/linux/dma_buf.h"
#include "models/linux/memfd.h"

namespace models::linux {

namespace {

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

bool lies_in(const std::vector<IovaRange>& ranges, std::uint64_t iova, std::uint64_t last) {
    return std::any_of(ranges.begin(), ranges.end(),
                       [&](const IovaRange& range) { return range.first.value <= iova && last <= range.last.value; });
}

} // namespace

Ioas::Ioas(Host& host)
    : host_(host), domain_(std::make_shared<IommuDomain>(host.page_size(), host.config.iommu_dirty_tracking)) {}

Ioas::~Ioas() {
    for (auto area = areas_.begin(); area != areas_.end();) {
        area = erase(area);
    }
}

std::vector<IovaRange> Ioas::usable() const {
    return page_tables_ > 0 ? iova_ranges(host_.config) : std::vector<IovaRange>{{{0}, {kMax}}};
}

bool Ioas::overlaps(std::uint64_t iova, std::uint64_t last) const {
    const auto next = areas_.upper_bound(last);
    return next != areas_.begin() && std::prev(next)->first + (std::prev(next)->second.length - 1) >= iova;
}

bool Ioas::is_filled(std::uint64_t iova, std::uint64_t last) const {
    for (std::uint64_t at = iova;;) {
        const auto next = areas_.upper_bound(at);
        if (next == areas_.begin() || at - std::prev(next)->first >= std::prev(next)->second.length) {
            return false;
        }
        const std::uint64_t end = std::prev(next)->first + (std::prev(next)->second.length - 1);
        if (end >= last) {
            return true;
        }
        at = end + 1;
    }
}

bool Ioas::all_of_files() const {
    return std::all_of(areas_.begin(), areas_.end(), [](const auto& entry) { return entry.second.memory.file; });
}

int Ioas::allow(std::vector<IovaRange> ranges) {
    const auto here = usable();
    for (const IovaRange& range : ranges) {
        if (!lies_in(here, range.first.value, range.last.value)) {
            return -EADDRINUSE;
        }
    }
    std::sort(ranges.begin(), ranges.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    allowed_ = std::move(ranges);
    return 0;
}

int Ioas::check(std::uint64_t iova, std::uint64_t length) const {
    if (iova % alignment() != 0) {
        return -EINVAL;
    }
    const std::uint64_t last = iova + (length - 1);
    if (last < iova) {
        return -EOVERFLOW;
    }
    if (!lies_in(usable(), iova, last)) {
        return -EINVAL;
    }
    return overlaps(iova, last) ? -EEXIST : 0;
}

int Ioas::choose(std::uint64_t start, std::uint64_t length, std::uint64_t& iova) const {
    if (length >= kMax / 2) {
        return -EOVERFLOW;
    }
    // As much of the memory's own alignment as helps, so that large blocks remain possible.
    std::uint64_t step = std::bit_ceil(length);
    if (start != 0) {
        step = std::min(step, std::uint64_t{1} << std::countr_zero(start));
    }
    step = std::min(step, pmd_bytes(host_.page_size()));
    if (step < alignment()) {
        return -EINVAL;
    }
    const std::uint64_t page = host_.page_size(); // IOVA 0 is never chosen
    for (const IovaRange& range : usable()) {
        for (const IovaRange& allowed : allowed_.empty() ? std::vector<IovaRange>{{{0}, {kMax}}} : allowed_) {
            const IovaRange both{std::max({range.first, allowed.first, egm::Iova{page}}),
                                 std::min(range.last, allowed.last)};
            if (both.first <= both.last && choose_in(both, step, length, iova) == 0) {
                return 0;
            }
        }
    }
    return -ENOSPC;
}

int Ioas::choose_in(const IovaRange& range, std::uint64_t step, std::uint64_t length, std::uint64_t& iova) const {
    std::uint64_t at = egm::align_up(range.first.value, step);
    for (auto area = areas_.lower_bound(range.first.value);; ++area) {
        const bool fits = at >= range.first.value && at <= range.last.value && range.last.value - at >= length - 1;
        if (fits && !overlaps(at, at + (length - 1))) {
            iova = at;
            return 0;
        }
        if (area == areas_.end() || area->first > range.last.value) {
            return -ENOSPC;
        }
        at = std::max(at, egm::align_up(area->first + area->second.length, step));
    }
}

int Ioas::map(const Memory& memory, std::uint64_t length, IommuDomain::Access access, bool fixed, std::uint64_t& iova) {
    if (length == 0 || length % alignment() != 0) {
        return -EINVAL;
    }
    std::uint64_t at = iova;
    if (const int error = fixed ? check(at, length) : choose(memory.start, length, at); error < 0) {
        return error;
    }
    if (memory.start % alignment() != 0) {
        return -EINVAL;
    }
    Area area{.memory = memory, .length = length, .access = access, .writable = access.write};
    if (page_tables_ > 0) {
        if (const int refused = fill(at, area); refused < 0) {
            return refused;
        }
    }
    areas_.emplace(at, std::move(area));
    ++host_.dma_entries;
    iova = at;
    return 0;
}

int Ioas::pieces_of(const Area& area, std::vector<Host::Piece>& pieces, std::uint64_t& pinned) const {
    pinned = 0;
    if (const auto memfd = std::dynamic_pointer_cast<MemfdFile>(area.memory.file)) {
        if (area.memory.start > memfd->size() || area.length > memfd->size() - area.memory.start) {
            return -EINVAL;
        }
        const auto frames = memfd->memory();
        if (!frames) {
            return -ENOMEM;
        }
        pieces.push_back({.spa = frames->range().begin + area.memory.start, .size = area.length, .frames = frames});
        pinned = area.length;
        return 0;
    }
    if (const auto buffer = std::dynamic_pointer_cast<DmaBufFile>(area.memory.file)) {
        std::uint64_t skip = area.memory.start;
        std::uint64_t done = 0;
        for (const auto& piece : buffer->pieces) {
            const std::uint64_t from = std::min(skip, piece.size);
            skip -= from;
            const std::uint64_t size = std::min(piece.size - from, area.length - done);
            if (size > 0) {
                pieces.push_back({.offset = done, .spa = piece.begin + from, .size = size, .pfnmap = true});
                done += size;
            }
        }
        return 0;
    }
    if (area.memory.file) {
        return -EINVAL; // not a file of shared memory
    }
    if (const int error = host_.walk({{area.memory.start}, area.length}, area.access.write, pieces); error < 0) {
        return error;
    }
    for (const auto& piece : pieces) {
        if (piece.pfnmap && !host_.config.iommufd_pfnmap_bypass) {
            return -EFAULT;
        }
        pinned += piece.pfnmap ? 0 : piece.size;
    }
    return 0;
}

int Ioas::fill(std::uint64_t iova, Area& area) {
    std::vector<Host::Piece> pieces;
    std::uint64_t pinned = 0;
    if (const int error = pieces_of(area, pieces, pinned); error < 0) {
        return error;
    }
    std::uint64_t time = 0;
    if (!area.pin) {
        if (const int error = Pin::take(host_, pinned, area.pin); error < 0) {
            return error;
        }
        area.pages = pinned / host_.page_size();
        time += area.pages * host_.costs().pin_page_ps;
    }
    for (const auto& piece : pieces) {
        if (!piece.pfnmap || area.memory.file || host_.config.iommufd_bypass_reaches_smmu) {
            time += domain_->map({iova + piece.offset}, piece, area.access) * host_.costs().iommu_block_ps;
        }
    }
    host_.pass(time);
    return 0;
}

void Ioas::empty(std::uint64_t iova, Area& area) {
    const std::uint64_t blocks = domain_->unmap({{iova}, area.length});
    const std::uint64_t pages = area.pin && area.pin.use_count() == 1 ? area.pages : 0;
    area.pin.reset();
    host_.pass(blocks * host_.costs().iommu_block_ps + pages * host_.costs().unpin_page_ps);
}

Ioas::Areas::iterator Ioas::erase(Areas::iterator area) {
    auto gone = areas_.extract(area++);
    --host_.dma_entries;
    empty(gone.key(), gone.mapped());
    return area;
}

int Ioas::unmap(std::uint64_t iova, std::uint64_t length, std::uint64_t& unmapped) {
    unmapped = 0;
    const bool all = iova == 0 && length == kMax;
    if (!all && (iova == kMax || length == kMax)) {
        return -EOVERFLOW;
    }
    if (length == 0) {
        return -EINVAL;
    }
    const std::uint64_t last = all ? kMax : iova + (length - 1);
    if (last < iova) {
        return -EOVERFLOW;
    }
    auto area = areas_.upper_bound(iova);
    if (area != areas_.begin() && std::prev(area)->first + (std::prev(area)->second.length - 1) >= iova) {
        --area;
    }
    while (area != areas_.end() && area->first <= last) {
        if (area->first < iova || area->first + (area->second.length - 1) > last) {
            return -ENOENT; // what came before it is gone already
        }
        if (area->second.locks > 0) {
            return -EBUSY;
        }
        unmapped += area->second.length;
        area = erase(area);
    }
    return unmapped > 0 || all ? 0 : -ENOENT;
}

int Ioas::copy(const Ioas& source, std::uint64_t source_iova, std::uint64_t length, IommuDomain::Access access,
               bool fixed, std::uint64_t& iova) {
    if (length == 0) {
        return -EINVAL;
    }
    const std::uint64_t last = source_iova + (length - 1);
    if (last < source_iova) {
        return -EOVERFLOW;
    }
    if (!source.is_filled(source_iova, last)) {
        return -ENOENT;
    }
    Areas copies; // by offset from source_iova
    bool writable = true;
    for (std::uint64_t at = source_iova; at - source_iova < length;) {
        const auto& [begin, area] = *std::prev(source.areas_.upper_bound(at));
        writable = writable && area.writable;
        Area piece = area;
        piece.memory.start += at - begin;
        piece.length = std::min(area.length - (at - begin), length - (at - source_iova));
        piece.access = access;
        piece.locks = 0;
        copies.emplace(at - source_iova, piece);
        at += piece.length;
    }
    if (length % alignment() != 0) {
        return -EINVAL;
    }
    std::uint64_t target = iova;
    const int error = fixed ? check(target, length) : choose(copies.begin()->second.memory.start, length, target);
    if (error < 0) {
        return error;
    }
    if (access.write && !writable) {
        return -EPERM;
    }
    for (auto& [offset, area] : copies) {
        if (page_tables_ > 0) {
            if (const int refused = fill(target + offset, area); refused < 0) {
                std::uint64_t undone = 0;
                unmap(target, length, undone);
                return refused;
            }
        }
        areas_.emplace(target + offset, area);
        ++host_.dma_entries;
    }
    iova = target;
    return 0;
}

int Ioas::add_page_table() {
    if (page_tables_ == 0) {
        page_tables_ = 1;
        const auto ranges = usable();
        const auto refused = [&](const auto& entry) { // notes taken before there were rules
            const auto& [iova, area] = entry;
            return !lies_in(ranges, iova, iova + (area.length - 1)) ||
                   !egm::is_aligned(iova | area.memory.start | area.length, alignment());
        };
        const bool forbidden = std::any_of(allowed_.begin(), allowed_.end(), [&](const IovaRange& range) {
            return !lies_in(ranges, range.first.value, range.last.value);
        });
        if (forbidden || std::any_of(areas_.begin(), areas_.end(), refused)) {
            page_tables_ = 0;
            return -EADDRINUSE;
        }
        for (auto& [iova, area] : areas_) {
            if (const int error = fill(iova, area); error < 0) {
                remove_page_table();
                return error;
            }
        }
        return 0;
    }
    ++page_tables_;
    return 0;
}

void Ioas::remove_page_table() {
    if (--page_tables_ == 0) {
        for (auto& [iova, area] : areas_) {
            empty(iova, area);
        }
    }
}

int Ioas::lock(std::uint64_t iova, std::uint64_t length, egm::Spa& begin) {
    const std::uint64_t last = iova + (length - 1);
    if (!is_filled(iova, last)) {
        return -ENOENT;
    }
    const std::uint64_t page = host_.page_size();
    const auto first = domain_->translate({iova});
    for (std::uint64_t at = egm::align_down(iova, page); at <= last; at += page) {
        const auto here = domain_->translate({std::max(at, iova)});
        if (!first || !here || here->spa != first->spa + (std::max(at, iova) - iova)) {
            return -EFAULT;
        }
    }
    begin = first->spa;
    for (auto area = std::prev(areas_.upper_bound(iova)); area != areas_.end() && area->first <= last; ++area) {
        ++area->second.locks;
    }
    return 0;
}

void Ioas::unlock(std::uint64_t iova, std::uint64_t length) {
    for (auto area = std::prev(areas_.upper_bound(iova)); area != areas_.end() && area->first <= iova + (length - 1);
         ++area) {
        --area->second.locks;
    }
}

int Ioas::set_large_pages(bool on) {
    if (!on && large_pages_ && page_tables_ > 0 && !areas_.empty()) {
        return -EINVAL;
    }
    large_pages_ = on;
    domain_->set_large_pages(on);
    return 0;
}

} // namespace models::linux
