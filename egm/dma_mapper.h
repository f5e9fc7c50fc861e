#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "egm/address.h"
#include "egm/result.h"
#include "egm/syscalls.h"

namespace egm {

/// How devices get their view of the VM's memory.
enum class IommuMode {
    kType1,           ///< VFIO container and groups: maps EGM
    kIommufdStrict,   ///< iommufd: mainline kernels refuse to map EGM (EFAULT), and that is an error
    kIommufdTolerant, ///< iommufd: the refusal is accepted for EGM and reported; no device reaches EGM by DMA then
    kIommufdDmaBuf,   ///< iommufd with a dma-buf for EGM: not supported by any kernel yet
};

const char* to_string(IommuMode mode);

/// What kind of memory is mapped: EGM has no struct page, and not every interface takes such memory.
enum class MemoryKind { kEgm, kOrdinary };

struct DmaOutcome {
    bool mapped = true;
    std::string note; ///< why not, a sentence; empty when mapped
};

/// The GPUs of one VM and the IOVAs they may use: a type1 container or an IOAS, with the differences hidden.
///
/// Guest RAM is mapped at IOVA = IPA. The destructor closes the devices, last first, then what holds the mappings.
class DmaMapper {
public:
    /// Opens the container or the IOAS. Errors: those of open(2), EOPNOTSUPP for `kIommufdDmaBuf`.
    static Result<std::unique_ptr<DmaMapper>> create(Syscalls& syscalls, IommuMode mode);

    virtual ~DmaMapper() = default;

    /// Opens the device and puts it behind this address space. Opening resets a GPU and may wait for it: ETIME when
    /// its memory or its link to the CPU does not come up. EBUSY or EINVAL when another VM holds it.
    virtual Result<void> attach(const std::string& bdf) = 0;

    /// Maps `size` bytes at `iova` to `hva`, readable and writable. Precondition: a device is attached. `name` is what
    /// errors call the memory. Errors: EEXIST (overlap), EINVAL (outside what the IOMMU can), ENOMEM, ENOSPC, EFAULT.
    virtual Result<DmaOutcome> map(Iova iova, Hva hva, std::uint64_t size, MemoryKind kind,
                                   const std::string& name) = 0;

    /// Unmaps whole mappings inside `range` and returns their bytes: 0 when there are none. EINVAL when a mapping lies
    /// across an end of it.
    virtual Result<std::uint64_t> unmap(const Range<Iova>& range) = 0;
};

/// One mapping made by a `DmaMapper`, which must outlive it: the destructor unmaps.
class DmaMapping {
public:
    DmaMapping(DmaMapper& mapper, const Range<Iova>& range) : mapper_(&mapper), range_(range) {}
    DmaMapping(DmaMapping&& other) noexcept : mapper_(other.mapper_), range_(other.range_) { other.mapper_ = nullptr; }
    DmaMapping& operator=(DmaMapping&&) = delete;
    ~DmaMapping() {
        // A refusal cannot be answered here; closing the container or the IOAS drops what is left.
        if (mapper_)
            (void)mapper_->unmap(range_);
    }

    const Range<Iova>& range() const { return range_; }

private:
    DmaMapper* mapper_;
    Range<Iova> range_;
};

} // namespace egm
