#pragma once

#include <map>

#include "egm/dma_mapper.h"
#include "egm/file_descriptor.h"
#include "egm/owned_stack.h"

namespace egm {

/// DMA by an IOAS of /dev/iommu and the devices' own VFIO nodes. Source: Linux
/// Documentation/userspace-api/iommufd.rst and Documentation/driver-api/vfio.rst.
///
/// Closing a device's node detaches and unbinds it; closing /dev/iommu destroys the IOAS.
class IommufdMapper final : public DmaMapper {
public:
    /// `tolerant`: a refusal to map EGM (EFAULT) is reported in the outcome and is no error.
    static Result<std::unique_ptr<DmaMapper>> open(Syscalls& syscalls, bool tolerant);

    Result<void> attach(const std::string& bdf) override;
    Result<DmaOutcome> map(Iova iova, Hva hva, std::uint64_t size, MemoryKind kind, const std::string& name) override;
    Result<std::uint64_t> unmap(const Range<Iova>& range) override;

private:
    IommufdMapper(Syscalls& syscalls, FileDescriptor iommu, std::uint32_t ioas, bool tolerant)
        : syscalls_(syscalls), iommu_(std::move(iommu)), ioas_(ioas), tolerant_(tolerant) {}

    bool splits_a_mapping(const Range<Iova>& range) const;

    Syscalls& syscalls_;
    FileDescriptor iommu_;
    std::uint32_t ioas_;
    bool tolerant_;
    OwnedStack<FileDescriptor> devices_;
    std::map<Iova, std::uint64_t> mapped_; ///< size by begin: the kernel answers ENOENT to nothing and to a part
};

} // namespace egm
