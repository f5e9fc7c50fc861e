#pragma once

#include "egm/dma_mapper.h"
#include "egm/owned_stack.h"

namespace egm {

/// DMA by an IOAS of /dev/iommu and the devices' own VFIO nodes. Source: Linux
/// Documentation/userspace-api/iommufd.rst and Documentation/driver-api/vfio.rst.
///
/// Closing a device's node detaches and unbinds it; closing /dev/iommu destroys the IOAS.
class IommufdMapper final : public DmaMapper {
public:
    struct Device {
        FileDescriptor file;  ///< named by its PCI address
        std::uint32_t id = 0; ///< in the iommufd
    };

    /// `tolerant`: a refusal to map EGM (EFAULT) is reported in the outcome and is no error.
    static Result<std::unique_ptr<IommufdMapper>> open(Syscalls& syscalls, bool tolerant);

    const FileDescriptor* device(const std::string& bdf) const override;

    // For what is built upon the IOAS: nested translation.
    const FileDescriptor& iommu() const { return iommu_; }
    std::uint32_t ioas() const { return ioas_; }
    const Device* find_device(const std::string& bdf) const;

private:
    IommufdMapper(Syscalls& syscalls, FileDescriptor iommu, std::uint32_t ioas, bool tolerant)
        : syscalls_(syscalls), iommu_(std::move(iommu)), ioas_(ioas), tolerant_(tolerant) {}

    Result<void> attach_device(const std::string& bdf) override;
    Result<IovaSpace> read_iova_space() override;
    Result<DmaOutcome> map_memory(Iova iova, Hva hva, std::uint64_t size, MemoryKind kind,
                                  const std::string& name) override;
    Result<void> map_file(Iova iova, const FileDescriptor& file, std::uint64_t start, std::uint64_t size,
                          const std::string& name) override;
    Result<std::uint64_t> unmap_whole(const Range<Iova>& range) override;

    Syscalls& syscalls_;
    FileDescriptor iommu_;
    std::uint32_t ioas_;
    bool tolerant_;
    OwnedStack<Device> devices_;
};

} // namespace egm
