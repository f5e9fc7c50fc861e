#include "models/linux/address_space.h"

#include <cerrno>
#include <iterator>
#include <utility>

#include <sys/mman.h>

namespace models::linux {

using egm::align_up;
using egm::is_aligned;

std::int64_t AddressSpace::map(const Request& request) {
    if (request.size == 0) {
        return -EINVAL;
    }
    const std::uint64_t size = align_up(request.size, page_size_);
    if (size == 0 || size > kSize) {
        return -ENOMEM;
    }
    if (request.offset + size < request.offset) {
        return -EOVERFLOW;
    }
    if (vmas_.size() >= vmas_max_) {
        return -ENOMEM;
    }
    const std::int64_t address = place(request, size);
    if (address < 0) {
        return address;
    }
    const auto begin = static_cast<std::uint64_t>(address);
    if ((request.flags & MAP_FIXED) != 0) {
        if (const int error = unmap(begin, size); error < 0) {
            return error;
        }
    }
    Vma vma{.begin = {begin},
            .size = size,
            .protection = request.protection,
            .shared = (request.flags & MAP_TYPE) != MAP_PRIVATE,
            .file_position = request.file ? request.offset : begin,
            .file = request.file};
    if (vma.file) {
        if (const int error = vma.file->mmap(vma); error < 0) {
            return error;
        }
    }
    vmas_.emplace(begin, std::move(vma));
    return address;
}

std::int64_t AddressSpace::place(const Request& request, std::uint64_t size) const {
    const bool fixed = (request.flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0;
    if (fixed) {
        if (request.address > kSize - size) {
            return -ENOMEM;
        }
        if (!is_aligned(request.address, page_size_)) {
            return -EINVAL;
        }
        if ((request.flags & MAP_FIXED_NOREPLACE) != 0 && !is_free(request.address, size)) {
            return -EEXIST;
        }
        return static_cast<std::int64_t>(request.address);
    }
    const std::uint64_t hint = align_up(request.address, page_size_);
    if (hint != 0 && hint <= kSize - size && is_free(hint, size)) {
        return static_cast<std::int64_t>(hint);
    }
    const auto gap = highest_gap(size);
    return gap ? static_cast<std::int64_t>(*gap) : -ENOMEM;
}

std::optional<std::uint64_t> AddressSpace::highest_gap(std::uint64_t size) const {
    std::uint64_t ceiling = kTop;
    for (auto vma = vmas_.rbegin(); vma != vmas_.rend(); ++vma) {
        const std::uint64_t end = vma->second.end().value;
        if (end <= ceiling && ceiling - end >= size) {
            return ceiling - size;
        }
        ceiling = std::min(ceiling, vma->first);
    }
    return ceiling >= size + page_size_ ? std::optional(ceiling - size) : std::nullopt; // page 0 stays empty
}

bool AddressSpace::is_free(std::uint64_t address, std::uint64_t size) const {
    return overlapping({{address}, size}).empty();
}

int AddressSpace::unmap(std::uint64_t address, std::uint64_t size) {
    if (size == 0 || !is_aligned(address, page_size_) || address > kSize || size > kSize - address) {
        return -EINVAL;
    }
    size = align_up(size, page_size_);
    const Vma* inside = find({address});
    if (inside && inside->begin.value < address && inside->end().value > address + size && vmas_.size() >= vmas_max_) {
        return -ENOMEM; // the hole would make two mappings of one
    }
    if (overlapping({{address}, size}).empty()) {
        return 0;
    }
    for (const auto& [who, notify] : watchers_) {
        notify({{address}, size});
    }
    split_at(address);
    split_at(address + size);
    const auto gone = take(address, size); // the files are released when the map is whole again
    return 0;
}

void AddressSpace::split_at(std::uint64_t address) {
    Vma* whole = find({address});
    if (!whole || whole->begin.value == address) {
        return;
    }
    Vma upper = *whole;
    const std::uint64_t lower_size = address - whole->begin.value;
    whole->size = lower_size;
    upper.begin = {address};
    upper.size -= lower_size;
    upper.file_position += lower_size;
    if (upper.spa) {
        upper.spa = *upper.spa + lower_size;
    }
    vmas_.emplace(address, std::move(upper));
}

std::vector<Vma> AddressSpace::take(std::uint64_t address, std::uint64_t size) {
    std::vector<Vma> gone;
    for (auto vma = vmas_.lower_bound(address); vma != vmas_.end() && vma->first < address + size;) {
        gone.push_back(std::move(vma->second));
        vma = vmas_.erase(vma);
    }
    return gone;
}

Vma* AddressSpace::find(egm::Hva address) { return const_cast<Vma*>(std::as_const(*this).find(address)); }

const Vma* AddressSpace::find(egm::Hva address) const {
    auto vma = vmas_.upper_bound(address.value);
    if (vma == vmas_.begin()) {
        return nullptr;
    }
    --vma;
    return vma->second.end() > address ? &vma->second : nullptr;
}

std::vector<const Vma*> AddressSpace::overlapping(egm::Range<egm::Hva> range) const {
    std::vector<const Vma*> found;
    if (const Vma* first = find(range.begin)) {
        found.push_back(first);
    }
    const std::uint64_t end = range.end().value;
    for (auto vma = vmas_.upper_bound(range.begin.value); vma != vmas_.end() && vma->first < end; ++vma) {
        found.push_back(&vma->second);
    }
    return found;
}

void AddressSpace::clear() { const auto vmas = std::exchange(vmas_, {}); }

} // namespace models::linux
