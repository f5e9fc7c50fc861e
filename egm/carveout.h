#pragma once

#include <cstdint>
#include <memory>
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

/// An open carveout. What the kernel calls it, and how it is mapped and queried, hides here, since that interface still
/// moves: a character device in six shapes (`CharDeviceCarveout`), or a device region of a GPU's VFIO device
/// (`ExperimentalVfioCarveout`).
///
/// The carveout stays busy until this object and every `Mapping` of it are gone; the kernel clears it at the next
/// first open.
class Carveout {
public:
    /// Opens a carveout that `discover` has found. Slow: the kernel clears all of it, however little is mapped later.
    /// Errors: EBUSY (someone holds it), ENOENT, ENXIO, EACCES, ENOMEM, EINTR.
    static Result<std::unique_ptr<Carveout>> open(Syscalls& syscalls, const CarveoutInfo& info);

    virtual ~Carveout() = default;
    Carveout(const Carveout&) = delete;

    int pxm() const { return info_.pxm; }
    std::uint64_t size() const { return info_.size; } ///< bytes
    const std::vector<std::string>& gpu_bdfs() const { return info_.gpu_bdfs; }
    /// What the driver may be; calls that only some drivers answer narrow it.
    ShapeSet shapes() const { return info_.shapes; }

    /// Which memory is retired: sorted, merged, whole 64 KiB blocks. Asks anew each time, since with some drivers
    /// memory that fails at run time joins the list.
    virtual Result<std::vector<RetiredRange>> retired() = 0;

    /// Maps `size` bytes from `file_offset` at an address equal to `file_offset` + `phase`, modulo `alignment`.
    /// `alignment` is a power of two and at least a page; KVM takes stage-2 blocks up to it when `phase` is 0.
    /// Slow: the kernel fills every page-table entry now. Errors: EINVAL outside the carveout or at an offset that the
    /// driver may ignore, EBUSY, ENOMEM.
    virtual Result<Mapping> map(std::uint64_t file_offset, std::uint64_t size, std::uint64_t alignment,
                                std::uint64_t phase = 0) = 0;

    /// A dma-buf of a part, for an IOAS. EOPNOTSUPP where the driver has none.
    virtual Result<FileDescriptor> export_dma_buf(std::uint64_t file_offset, std::uint64_t size) = 0;

protected:
    explicit Carveout(CarveoutInfo info) : info_(std::move(info)) {}

    /// EINVAL unless [`file_offset`, `file_offset` + `size`) is not empty and lies inside the carveout. Drivers A to D
    /// do not check it: they would map whatever memory follows.
    Result<void> check_inside(const char* call, std::uint64_t file_offset, std::uint64_t size) const;

    CarveoutInfo info_;
};

} // namespace egm
