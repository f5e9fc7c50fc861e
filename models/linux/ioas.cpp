#include "models/linux/ioas.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <iterator>
#include <limits>

#include "models/linux/blocks.h"

namespace models::linux {

namespace {
constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
}

Ioas::~Ioas() {
    for (auto area = areas_.begin(); area != areas_.end();) {
        area = erase(area);
    }
}

std::vector<IovaRange> Ioas::usable() const {
    return page_tables_ > 0 ? iova_ranges(host_.config.arch) : std::vector<IovaRange>{{{0}, {kMax}}};
}

bool Ioas::overlaps(std::uint64_t iova, std::uint64_t last) const {
    const auto next = areas_.upper_bound(last);
    return next != areas_.begin() && std::prev(next)->first + (std::prev(next)->second.length - 1) >= iova;
}

int Ioas::check(std::uint64_t iova, std::uint64_t length) const {
    if (iova % alignment() != 0) {
        return -EINVAL;
    }
    const std::uint64_t last = iova + (length - 1);
    if (last < iova) {
        return -EOVERFLOW;
    }
    const auto ranges = usable();
    if (std::none_of(ranges.begin(), ranges.end(),
                     [&](const IovaRange& range) { return range.first.value <= iova && last <= range.last.value; })) {
        return -EINVAL;
    }
    return overlaps(iova, last) ? -EEXIST : 0;
}

int Ioas::choose(std::uint64_t hva, std::uint64_t length, std::uint64_t& iova) const {
    if (length >= kMax / 2) {
        return -EOVERFLOW;
    }
    // As much of the memory's own alignment as helps, so that large blocks remain possible.
    std::uint64_t step = std::bit_ceil(length);
    if (hva != 0) {
        step = std::min(step, std::uint64_t{1} << std::countr_zero(hva));
    }
    step = std::min(step, pmd_bytes(host_.page_size()));
    if (step < alignment()) {
        return -EINVAL;
    }
    for (const IovaRange& range : usable()) {
        std::uint64_t at = egm::align_up(range.first.value, step);
        for (auto area = areas_.lower_bound(range.first.value);; ++area) {
            const bool fits = at >= range.first.value && at <= range.last.value && range.last.value - at >= length - 1;
            if (fits && !overlaps(at, at + (length - 1))) {
                iova = at;
                return 0;
            }
            if (area == areas_.end() || area->first > range.last.value) {
                break;
            }
            at = std::max(at, egm::align_up(area->first + area->second.length, step));
        }
    }
    return -ENOSPC;
}

int Ioas::map(egm::Range<egm::Hva> memory, IommuDomain::Access access, bool fixed, std::uint64_t& iova) {
    if (memory.size == 0) {
        return -EINVAL;
    }
    if (memory.begin.value + memory.size < memory.begin.value) {
        return -EOVERFLOW;
    }
    const int error = fixed ? check(iova, memory.size) : choose(memory.begin.value, memory.size, iova);
    if (error < 0) {
        return error;
    }
    if (memory.size % alignment() != 0 || memory.begin.value % alignment() != 0) {
        return -EINVAL;
    }
    Area area{.hva = memory.begin.value, .length = memory.size, .access = access};
    if (page_tables_ > 0) {
        if (const int refused = fill(iova, area); refused < 0) {
            return refused;
        }
    }
    areas_.emplace(iova, std::move(area));
    ++host_.dma_entries;
    return 0;
}

int Ioas::fill(std::uint64_t iova, Area& area) {
    std::vector<Host::Piece> pieces;
    if (const int error = host_.walk({{area.hva}, area.length}, area.access.write, pieces); error < 0) {
        return error;
    }
    const bool bypass = host_.config.iommufd_pfnmap_bypass;
    std::uint64_t pinned = 0;
    for (const auto& piece : pieces) {
        if (piece.pfnmap && !bypass) {
            return -EFAULT;
        }
        pinned += piece.pfnmap ? 0 : piece.size;
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
        if (!piece.pfnmap || host_.config.iommufd_bypass_reaches_smmu) {
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
    const std::uint64_t last = all ? kMax : iova + (length - 1);
    if (length == 0) {
        return -EINVAL;
    }
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
    Areas copies; // by offset from source_iova
    for (std::uint64_t at = source_iova; at - source_iova < length;) {
        const auto next = source.areas_.upper_bound(at);
        if (next == source.areas_.begin()) {
            return -ENOENT;
        }
        const auto& [begin, area] = *std::prev(next);
        if (at - begin >= area.length) {
            return -ENOENT;
        }
        if (access.write && !area.access.write) {
            return -EPERM;
        }
        Area piece = area;
        piece.hva += at - begin;
        piece.length = std::min(area.length - (at - begin), length - (at - source_iova));
        piece.access = access;
        copies.emplace(at - source_iova, piece);
        at += piece.length;
    }
    const int error = fixed ? check(iova, length) : choose(copies.begin()->second.hva, length, iova);
    if (error < 0) {
        return error;
    }
    if (length % alignment() != 0) {
        return -EINVAL;
    }
    for (auto& [offset, area] : copies) {
        if (page_tables_ > 0) {
            if (const int refused = fill(iova + offset, area); refused < 0) {
                std::uint64_t undone = 0;
                unmap(iova, length, undone);
                return refused;
            }
        }
        areas_.emplace(iova + offset, area);
        ++host_.dma_entries;
    }
    return 0;
}

int Ioas::add_page_table() {
    if (page_tables_ == 0) {
        page_tables_ = 1;
        for (const auto& [iova, area] : areas_) { // notes taken before there were rules
            const auto ranges = usable();
            const std::uint64_t first = iova;
            const std::uint64_t last = iova + (area.length - 1);
            const bool inside = std::any_of(ranges.begin(), ranges.end(), [&](const IovaRange& range) {
                return range.first.value <= first && last <= range.last.value;
            });
            if (!inside || !egm::is_aligned(iova | area.hva | area.length, alignment())) {
                page_tables_ = 0;
                return -EADDRINUSE;
            }
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

void Ioas::set_large_pages(bool on) {
    large_pages_ = on;
    domain_->set_large_pages(on);
}

} // namespace models::linux
