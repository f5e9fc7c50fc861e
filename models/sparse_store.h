#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>

#include "egm/address.h"

namespace models {

/// The bytes of all physical memory, by SPA. Knows no time.
///
/// A 64 KiB page of host memory is committed when a byte of it is first written; everything else reads 0. So a machine
/// of terabytes costs what a run writes.
class SparseStore {
public:
    static constexpr std::uint64_t kPageBytes = 64 * 1024;

    /// Precondition (both): the range does not wrap.
    void write(egm::Spa at, const void* from, std::size_t size);
    void read(egm::Spa at, void* into, std::size_t size) const;

    /// The range reads 0 afterwards. Pages that it covers whole are given back.
    void clear(egm::Range<egm::Spa> range);

    /// Host memory held: whole pages.
    std::uint64_t committed_bytes() const { return pages_.size() * kPageBytes; }

private:
    std::map<std::uint64_t, std::unique_ptr<std::byte[]>> pages_; ///< by SPA / kPageBytes
};

} // namespace models
