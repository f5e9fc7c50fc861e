#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "egm/address.h"
#include "egm/file_descriptor.h"
#include "egm/iova_space.h"
#include "egm/result.h"
#include "egm/syscalls.h"

namespace egm {

/// How devices get their view of the VM's memory.
enum class IommuMode {
    kType1,           ///< VFIO container and groups: maps EGM
    kIommufdStrict,   ///< iommufd: mainline kernels refuse to map EGM (EFAULT), and that is an error
    kIommufdTolerant, ///< iommufd: the refusal is accepted for EGM and reported; no device reaches EGM by DMA then
    kIommufdDmaBuf,   ///< iommufd, EGM as a dma-buf of its driver: mainline refuses foreign dma-bufs (EOPNOTSUPP)
};

const char* to_string(IommuMode mode);

/// What kind of memory is mapped. EGM and device regions have no struct page, and not every interface takes such
/// memory.
enum class MemoryKind { kEgm, kOrdinary, kDeviceRegion };

struct DmaOutcome {
    bool mapped = true;
    std::string note; ///< why not, a sentence; empty when mapped
};

/// The devices of one VM and the IOVAs they may use: a type1 container or an IOAS, with the differences hidden.
///
///     what                     type1                iommufd           here
///     unmap of nothing         success, 0 bytes     ENOENT            success, 0 bytes
///     unmap of a part          EINVAL               ENOENT            EINVAL
///     range that wraps         EINVAL or EOVERFLOW  EOVERFLOW         EOVERFLOW
///     alignment                smallest IOMMU page  told by the IOAS  told and checked before the call
///     reserved window          EINVAL               EINVAL            EINVAL with the window's name, before the call
///     entries                  65535 a container    no limit          ENOSPC says what to do
///     memory without page      maps                 EFAULT            by `IommuMode`
///     locked memory counts     for the process      for the user      for the process, where we may choose
///
/// Guest RAM is mapped at IOVA = IPA. The destructor closes the devices, last first, then what holds the mappings.
class DmaMapper {
public:
    /// Opens the container or the IOAS. Errors: those of open(2).
    static Result<std::unique_ptr<DmaMapper>> create(Syscalls& syscalls, IommuMode mode);

    virtual ~DmaMapper() = default;

    /// Opens the device and puts it behind this address space. Opening resets a GPU and may wait for it: ETIME when
    /// its memory or its link to the CPU does not come up. EBUSY or EINVAL when another VM holds it.
    Result<void> attach(const std::string& bdf);

    /// An attached device's file, or null.
    virtual const FileDescriptor* device(const std::string& bdf) const = 0;

    /// What may be mapped. Precondition: a device is attached. Read before the first mapping, and anew after each
    /// attach, since a further device may take IOVAs away.
    Result<IovaSpace> iova_space();

    /// Maps `size` bytes at `iova` to `hva`, readable and writable. Precondition: a device is attached. `name` is what
    /// errors call the memory. Errors: those of `IovaSpace::check`; EEXIST (overlap), ENOMEM, ENOSPC, EFAULT.
    Result<DmaOutcome> map(Iova iova, Hva hva, std::uint64_t size, MemoryKind kind, const std::string& name);

    /// Maps `size` bytes at `iova` to a dma-buf, from its offset `start`. Precondition: a device is attached.
    /// Errors: EOPNOTSUPP for type1, and where the kernel takes no dma-buf of this exporter; ENODEV when the exporter
    /// has revoked it; those of `map`.
    Result<void> map_dma_buf(Iova iova, const FileDescriptor& dma_buf, std::uint64_t start, std::uint64_t size,
                             const std::string& name);

    /// Whether `range` is mapped, and known to be physically contiguous: EGM and device regions are, ordinary memory is
    /// within a page.
    bool is_contiguous(const Range<Iova>& range, std::uint64_t page_size) const;

    /// Unmaps whole mappings inside `range` and returns their bytes: 0 when there are none. EINVAL when a mapping lies
    /// across an end of it, or `range` is empty; EOVERFLOW when it wraps.
    Result<std::uint64_t> unmap(const Range<Iova>& range);

protected:
    virtual Result<void> attach_device(const std::string& bdf) = 0;
    virtual Result<IovaSpace> read_iova_space() = 0;
    virtual Result<DmaOutcome> map_memory(Iova iova, Hva hva, std::uint64_t size, MemoryKind kind,
                                          const std::string& name) = 0;
    virtual Result<void> map_file(Iova iova, const FileDescriptor& file, std::uint64_t start, std::uint64_t size,
                                  const std::string& name) = 0;
    /// Returns what the kernel says it has unmapped.
    virtual Result<std::uint64_t> unmap_whole(const Range<Iova>& range) = 0;

private:
    struct Mapped {
        std::uint64_t size = 0; ///< bytes
        bool linear = false;    ///< physically contiguous from end to end
    };

    bool splits_a_mapping(const Range<Iova>& range) const;

    std::optional<IovaSpace> iova_space_;
    std::map<Iova, Mapped> mapped_; ///< by begin: kernels differ in what they say of nothing and of a part
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
