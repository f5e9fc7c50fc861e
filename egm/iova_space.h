#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "egm/address.h"
#include "egm/result.h"

namespace egm {

/// The IOVAs that all devices of a container or an IOAS can use, as the kernel tells them.
struct IovaSpace {
    std::vector<Range<Iova>> usable; ///< sorted, disjoint; empty: this kernel does not tell
    std::uint64_t alignment = 0;     ///< bytes, a power of two: addresses and sizes are multiples of it

    /// Whether `range`, backed by memory that begins at `begin`, can be mapped. Errors, without any call: EOVERFLOW
    /// when it wraps, EINVAL when it is empty, not aligned, or meets a reserved window, which the advice names.
    Result<void> check(const Range<Iova>& range, std::uint64_t begin, const std::string& name) const;
};

/// The range from `first` to `last`, inclusive as kernels tell it. That of all 2^64 addresses loses its last byte.
Range<Iova> inclusive(std::uint64_t first, std::uint64_t last);

} // namespace egm
