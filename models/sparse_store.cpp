#include "models/sparse_store.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace models {

void SparseStore::write(egm::Spa at, const void* from, std::size_t size) {
    assert(size == 0 || at.value + (size - 1) >= at.value);
    const auto* bytes = static_cast<const std::byte*>(from);
    while (size > 0) {
        const std::uint64_t offset = at.value % kPageBytes;
        const std::size_t piece = std::min<std::uint64_t>(size, kPageBytes - offset);
        auto& page = pages_[at.value / kPageBytes];
        if (!page) {
            page = std::make_unique<std::byte[]>(kPageBytes);
        }
        std::memcpy(page.get() + offset, bytes, piece);
        at.value += piece;
        bytes += piece;
        size -= piece;
    }
}

void SparseStore::read(egm::Spa at, void* into, std::size_t size) const {
    assert(size == 0 || at.value + (size - 1) >= at.value);
    auto* bytes = static_cast<std::byte*>(into);
    while (size > 0) {
        const std::uint64_t offset = at.value % kPageBytes;
        const std::size_t piece = std::min<std::uint64_t>(size, kPageBytes - offset);
        const auto page = pages_.find(at.value / kPageBytes);
        if (page == pages_.end()) {
            std::memset(bytes, 0, piece);
        } else {
            std::memcpy(bytes, page->second.get() + offset, piece);
        }
        at.value += piece;
        bytes += piece;
        size -= piece;
    }
}

void SparseStore::clear(egm::Range<egm::Spa> range) {
    const std::uint64_t begin = range.begin.value;
    const std::uint64_t end = begin + range.size;
    assert(end >= begin);
    auto page = pages_.lower_bound(begin / kPageBytes);
    while (page != pages_.end() && page->first * kPageBytes < end) {
        const std::uint64_t page_begin = page->first * kPageBytes;
        const std::uint64_t from = std::max(begin, page_begin);
        const std::uint64_t to = std::min(end, page_begin + kPageBytes);
        if (to - from == kPageBytes) {
            page = pages_.erase(page);
        } else {
            std::memset(page->second.get() + (from - page_begin), 0, to - from);
            ++page;
        }
    }
}

} // namespace models
