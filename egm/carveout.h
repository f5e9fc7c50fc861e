#pragma once

#include <cstdint>
#include <vector>

#include "egm/discovery.h"
#include "egm/file_descriptor.h"
#include "egm/mapped_range.h"
#include "egm/result.h"
#include "egm/retired_ranges.h"

namespace egm {

/// A part of a carveout in this process's address space.
struct Mapping {
    MappedRange range;
    std::uint64_t file_offset = 0; ///< of the first byte, in the carveout

    Hva hva() const { return range.hva(); }
    std::uint64_t size() const { return range.size(); }
};

/// An open carveout: how it is found, sized, mapped and queried hides here, since the kernel's interface still moves.
///
/// The carveout stays busy until this object and every `Mapping` of it are gone; the kernel clears it at the next
/// first open. Source: the EGM driver postings (RFC v2 and the stand-alone drivers of 2026).
class Carveout {
public:
    /// Opens the device once. Slow: the kernel clears the whole carveout, however little of it is mapped later.
    /// Errors: EBUSY (someone holds it), ENOENT, ENXIO, EACCES, ENOMEM, EINTR.
    static Result<Carveout> open(Syscalls& syscalls, const CarveoutInfo& info);

    int pxm() const { return info_.pxm; }
    std::uint64_t size() const { return info_.size; } ///< bytes
    const std::vector<std::string>& gpu_bdfs() const { return info_.gpu_bdfs; }

    /// Which memory firmware has retired: sorted, merged, whole 64 KiB blocks.
    Result<std::vector<RetiredRange>> retired() const;

    /// Maps `size` bytes from `file_offset` at an address equal to `file_offset` + `phase`, modulo `alignment`.
    /// `alignment` is a power of two and at least a page; KVM takes stage-2 blocks up to it when `phase` is 0.
    /// Slow: the kernel fills every page-table entry now. Errors: EINVAL or EOVERFLOW outside the carveout, ENOMEM.
    Result<Mapping> map(std::uint64_t file_offset, std::uint64_t size, std::uint64_t alignment,
                        std::uint64_t phase = 0) const;

private:
    Carveout(Syscalls& syscalls, CarveoutInfo info, FileDescriptor file)
        : syscalls_(&syscalls), info_(std::move(info)), file_(std::move(file)) {}

    Syscalls* syscalls_;
    CarveoutInfo info_;
    FileDescriptor file_;
};

} // namespace egm
