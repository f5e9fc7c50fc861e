#pragma once

#include <cstdint>

#include "egm/address.h"
#include "egm/result.h"
#include "egm/syscalls.h"

namespace egm {

/// A range of this process's address space of which this object is the only owner: the destructor unmaps it.
class MappedRange {
public:
    MappedRange() = default;
    /// Takes over [`hva`, `hva` + `size`), which is mapped. Both are page multiples; `size` is in bytes.
    MappedRange(Syscalls& syscalls, Hva hva, std::uint64_t size);
    MappedRange(MappedRange&& other) noexcept;
    MappedRange& operator=(MappedRange&& other) noexcept;
    ~MappedRange();

    Hva hva() const { return range_.begin; }
    std::uint64_t size() const { return range_.size; }

    /// Unmaps everything outside `kept`, which lies inside the range. On failure the rest stays owned.
    Result<void> shrink_to(const Range<Hva>& kept);

private:
    Result<void> unmap(const Range<Hva>& piece);
    void release();

    Syscalls* syscalls_ = nullptr;
    Range<Hva> range_;
};

/// Where a mapping shall lie.
struct Placement {
    /// The address equals file offset + `phase`, modulo this many bytes: a power of two, at least the page size.
    std::uint64_t alignment = 0;
    /// 0 for the best blocks; half of `alignment` for an address that is no better aligned than that half.
    std::uint64_t phase = 0;
};

/// Maps `size` bytes, readable and writable, at an address that satisfies `placement`: reserves enough address space
/// without access rights, maps over the part of it that fits, and gives the rest back.
///
/// With `fd` >= 0 the file is mapped shared, from `file_offset`: a private mapping of EGM would copy on write. With
/// `fd` -1 it is anonymous, private memory. `name` is what errors call it. Errors: those of mmap(2).
Result<MappedRange> map_placed(Syscalls& syscalls, int fd, std::uint64_t file_offset, std::uint64_t size,
                               const Placement& placement, const std::string& name);

} // namespace egm
