#include "egm/mapped_range.h"

#include <bit>
#include <cassert>
#include <utility>

#include <sys/mman.h>

#include "egm/errors.h"

namespace egm {
namespace {

void* pointer(Hva hva) { return reinterpret_cast<void*>(static_cast<std::uintptr_t>(hva.value)); }

} // namespace

MappedRange::MappedRange(Syscalls& syscalls, Hva hva, std::uint64_t size) : syscalls_(&syscalls), range_{hva, size} {}

MappedRange::MappedRange(MappedRange&& other) noexcept
    : syscalls_(other.syscalls_), range_(std::exchange(other.range_, {})) {}

MappedRange& MappedRange::operator=(MappedRange&& other) noexcept {
    if (this != &other) {
        release();
        syscalls_ = other.syscalls_;
        range_ = std::exchange(other.range_, {});
    }
    return *this;
}

MappedRange::~MappedRange() { release(); }

void MappedRange::release() {
    if (range_.size != 0)
        syscalls_->munmap(pointer(range_.begin), range_.size);
    range_ = {};
}

Result<void> MappedRange::unmap(const Range<Hva>& piece) {
    if (piece.size != 0 && syscalls_->munmap(pointer(piece.begin), piece.size) < 0)
        return fail(call_error("munmap", "slack of a reservation"));
    return {};
}

Result<void> MappedRange::shrink_to(const Range<Hva>& kept) {
    assert(range_.begin <= kept.begin && kept.end() <= range_.end());
    if (auto done = unmap({range_.begin, kept.begin - range_.begin}); !done)
        return done;
    range_ = {kept.begin, range_.end() - kept.begin};
    if (auto done = unmap({kept.end(), range_.end() - kept.end()}); !done)
        return done;
    range_ = kept;
    return {};
}

Result<MappedRange> map_placed(Syscalls& syscalls, int fd, std::uint64_t file_offset, std::uint64_t size,
                               const Placement& placement, const std::string& name) {
    const std::uint64_t alignment = placement.alignment;
    assert(std::has_single_bit(alignment) && alignment >= syscalls.page_size());
    assert(is_aligned(placement.phase, syscalls.page_size()));

    if (size + alignment < size)
        return fail(rule_error("mmap", name, "the size wraps around the address space"));
    void* const reserved =
        syscalls.mmap(nullptr, size + alignment, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (reserved == kMapFailed)
        return fail(call_error("mmap", "address space for " + name));
    const Hva base{reinterpret_cast<std::uintptr_t>(reserved)};
    MappedRange range(syscalls, base, size + alignment);

    const std::uint64_t residue = (file_offset + placement.phase) & (alignment - 1);
    const Hva hva = base + ((residue - base.value) & (alignment - 1));
    const int sharing = fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
    const std::int64_t offset = fd >= 0 ? static_cast<std::int64_t>(file_offset) : 0;
    void* const mapped = syscalls.mmap(pointer(hva), size, PROT_READ | PROT_WRITE, sharing | MAP_FIXED, fd, offset);
    if (mapped == kMapFailed)
        return fail(call_error("mmap", name));
    assert(mapped == pointer(hva));
    if (auto done = range.shrink_to({hva, size}); !done)
        return fail(done.error());
    return range;
}

} // namespace egm
