#include "models/linux/iommu_domain.h"

#include <cassert>

#include "models/linux/blocks.h"

namespace models::linux {

std::uint64_t IommuDomain::map(egm::Iova at, const Host::Piece& piece, Access access) {
    const Entry entry{piece.spa, piece.size, large_pages_, access, piece.frames};
    const bool inserted = entries_.emplace(at.value, entry).second;
    assert(inserted);
    return blocks(at.value, entry);
}

std::uint64_t IommuDomain::unmap(egm::Range<egm::Iova> range) {
    std::uint64_t removed = 0;
    for (auto entry = entries_.lower_bound(range.begin.value);
         entry != entries_.end() && entry->first - range.begin.value < range.size;) {
        removed += blocks(entry->first, entry->second);
        entry = entries_.erase(entry);
    }
    return removed;
}

std::map<std::uint64_t, IommuDomain::Entry>::const_iterator IommuDomain::find(egm::Iova at) const {
    auto found = entries_.upper_bound(at.value);
    if (found == entries_.begin()) {
        return entries_.end();
    }
    --found;
    return at.value - found->first < found->second.size ? found : entries_.end();
}

std::optional<egm::Spa> IommuDomain::reach(egm::Iova at, bool write) const {
    const auto found = find(at);
    if (found == entries_.end() || !(write ? found->second.access.write : found->second.access.read)) {
        return std::nullopt;
    }
    if (write && notes_dirty_) {
        dirty_.insert(egm::align_down(at.value, page_size_));
    }
    return found->second.spa + (at.value - found->first);
}

void IommuDomain::set_dirty_tracking(bool on) {
    if (on && !notes_dirty_) {
        dirty_.clear();
    }
    notes_dirty_ = on;
}

bool IommuDomain::is_dirty(egm::Range<egm::Iova> range) const {
    const auto found = dirty_.lower_bound(egm::align_down(range.begin.value, page_size_));
    return found != dirty_.end() && *found - range.begin.value < range.size;
}

void IommuDomain::clean(egm::Range<egm::Iova> range) {
    auto found = dirty_.lower_bound(range.begin.value);
    while (found != dirty_.end() && *found - range.begin.value < range.size) {
        found = dirty_.erase(found);
    }
}

std::optional<Translation> IommuDomain::translate(egm::Iova at) const {
    const auto found = find(at);
    if (found == entries_.end()) {
        return std::nullopt;
    }
    const auto& [iova, entry] = *found;
    const auto sizes = block_sizes(page_size_);
    const std::uint64_t block =
        entry.large_pages ? block_at({iova, entry.spa.value, entry.size}, at.value, sizes) : page_size_;
    return Translation{entry.spa + (at.value - iova), block};
}

std::uint64_t IommuDomain::blocks(std::uint64_t iova, const Entry& entry) const {
    return entry.large_pages ? count_blocks({iova, entry.spa.value, entry.size}, block_sizes(page_size_))
                             : entry.size / page_size_;
}

} // namespace models::linux
