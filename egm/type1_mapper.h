#pragma once

#include "egm/dma_mapper.h"
#include "egm/owned_stack.h"

namespace egm {

/// DMA by a VFIO container with the type1v2 IOMMU. Source: Linux drivers/vfio/vfio_iommu_type1.c.
///
/// The first group makes the container's IOMMU settable, so a device is attached before anything is mapped. A group is
/// opened once, however many of its devices the VM has. EGM is walked page by page, neither pinned nor accounted.
class Type1Mapper final : public DmaMapper {
public:
    static Result<std::unique_ptr<DmaMapper>> open(Syscalls& syscalls);

    const FileDescriptor* device(const std::string& bdf) const override;

private:
    struct Group {
        int number;
        FileDescriptor file;
    };

    Type1Mapper(Syscalls& syscalls, FileDescriptor container) : syscalls_(syscalls), container_(std::move(container)) {}

    Result<void> attach_device(const std::string& bdf) override;
    Result<IovaSpace> read_iova_space() override;
    Result<DmaOutcome> map_memory(Iova iova, Hva hva, std::uint64_t size, MemoryKind kind,
                                  const std::string& name) override;
    Result<void> map_file(Iova iova, const FileDescriptor& file, std::uint64_t start, std::uint64_t size,
                          const std::string& name) override;
    Result<std::uint64_t> unmap_whole(const Range<Iova>& range) override;

    Result<const Group*> join_group(int number);

    Syscalls& syscalls_;
    FileDescriptor container_;
    OwnedStack<Group> groups_;
    OwnedStack<FileDescriptor> devices_; ///< named by their PCI addresses
};

} // namespace egm
