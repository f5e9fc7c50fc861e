#include "egm/type1_mapper.h"

#include <cerrno>

#include <fcntl.h>

#include "egm/errors.h"
#include "egm/info_capabilities.h"
#include "egm/sysfs.h"
#include "egm/uapi/vfio.h"

namespace egm {

Result<std::unique_ptr<DmaMapper>> Type1Mapper::open(Syscalls& syscalls) {
    auto container = FileDescriptor::open(syscalls, "/dev/vfio/vfio", O_RDWR);
    if (!container)
        return fail(container.error());
    auto version = container->ioctl(uapi::kVfioGetApiVersion, 0ul, "VFIO_GET_API_VERSION");
    if (!version)
        return fail(version.error());
    if (*version != uapi::kVfioApiVersion)
        return fail(rule_error("ioctl VFIO_GET_API_VERSION", container->name(), "this VFIO is not the one we speak"));
    auto type1 = container->ioctl(uapi::kVfioCheckExtension, uapi::kVfioType1v2Iommu, "VFIO_CHECK_EXTENSION");
    if (!type1)
        return fail(type1.error());
    if (*type1 == 0)
        return fail(Error{ENODEV, "ioctl VFIO_CHECK_EXTENSION", container->name(),
                          "the kernel has no type1 IOMMU driver: load vfio_iommu_type1, or use iommufd"});
    return std::unique_ptr<DmaMapper>(new Type1Mapper(syscalls, std::move(*container)));
}

Result<const Type1Mapper::Group*> Type1Mapper::join_group(int number) {
    for (const Group& group : groups_)
        if (group.number == number)
            return &group;

    auto file = FileDescriptor::open(syscalls_, "/dev/vfio/" + std::to_string(number), O_RDWR);
    if (!file)
        return fail(file.error());
    uapi::VfioGroupStatus status{.argsz = sizeof status, .flags = 0};
    if (auto done = file->ioctl(uapi::kVfioGroupGetStatus, &status, "VFIO_GROUP_GET_STATUS"); !done)
        return fail(done.error());
    if (!(status.flags & uapi::kVfioGroupFlagsViable))
        return fail(Error{EPERM, "ioctl VFIO_GROUP_GET_STATUS", file->name(),
                          "the group is not viable: bind every device of it to a VFIO driver, or to none"});
    int container = container_.get();
    if (auto done = file->ioctl(uapi::kVfioGroupSetContainer, &container, "VFIO_GROUP_SET_CONTAINER"); !done)
        return fail(done.error());
    if (groups_.size() == 0) {
        auto done = container_.ioctl(uapi::kVfioSetIommu, uapi::kVfioType1v2Iommu, "VFIO_SET_IOMMU");
        if (!done)
            return fail(done.error());
    }
    return &groups_.push({number, std::move(*file)});
}

const FileDescriptor* Type1Mapper::device(const std::string& bdf) const {
    for (const FileDescriptor& device : devices_)
        if (device.name() == bdf)
            return &device;
    return nullptr;
}

Result<void> Type1Mapper::attach_device(const std::string& bdf) {
    auto number = iommu_group(syscalls_, bdf);
    if (!number)
        return fail(number.error());
    auto group = join_group(*number);
    if (!group)
        return fail(group.error());

    std::string name = bdf; // the kernel reads it, and takes a pointer to non-const
    auto fd = (*group)->file.ioctl(uapi::kVfioGroupGetDeviceFd, name.data(), "VFIO_GROUP_GET_DEVICE_FD", bdf);
    if (!fd)
        return fail(fd.error());
    const FileDescriptor& device = devices_.push(FileDescriptor(syscalls_, *fd, bdf));
    uapi::VfioDeviceInfo info{.argsz = sizeof info};
    if (auto done = device.ioctl(uapi::kVfioDeviceGetInfo, &info, "VFIO_DEVICE_GET_INFO"); !done)
        return fail(done.error());
    return {};
}

Result<IovaSpace> Type1Mapper::read_iova_space() {
    const uapi::VfioIommuType1Info request{.argsz = sizeof request};
    auto buffer = InfoBuffer::ask(container_, uapi::kVfioIommuGetInfo, &request, sizeof request, "VFIO_IOMMU_GET_INFO");
    if (!buffer)
        return fail(buffer.error());
    const auto info = *buffer->at<uapi::VfioIommuType1Info>(0);
    IovaSpace space;
    if (info.flags & uapi::kVfioIommuInfoPgsizes)
        space.alignment = info.iova_pgsizes & (~info.iova_pgsizes + 1); // the lowest bit: the smallest page
    if (!(info.flags & uapi::kVfioIommuInfoCaps))
        return space;
    const auto found = buffer->find(info.cap_offset, uapi::kVfioIommuType1InfoCapIovaRange);
    const auto head = found ? buffer->at<uapi::VfioIommuType1InfoCapIovaRange>(*found) : std::nullopt;
    for (std::uint32_t i = 0; head && i < head->nr_iovas; ++i) {
        const auto range = buffer->at<uapi::VfioIovaRange>(*found + sizeof *head + i * sizeof(uapi::VfioIovaRange));
        if (!range)
            break; // the kernel claims more ranges than it has written
        space.usable.push_back(inclusive(range->start, range->end));
    }
    return space;
}

Result<DmaOutcome> Type1Mapper::map_memory(Iova iova, Hva hva, std::uint64_t size, MemoryKind,
                                           const std::string& name) {
    uapi::VfioIommuType1DmaMap request{.argsz = sizeof request,
                                       .flags = uapi::kVfioDmaMapFlagRead | uapi::kVfioDmaMapFlagWrite,
                                       .vaddr = hva.value,
                                       .iova = iova.value,
                                       .size = size};
    if (auto done = container_.ioctl(uapi::kVfioIommuMapDma, &request, "VFIO_IOMMU_MAP_DMA", name); !done)
        return fail(done.error());
    return DmaOutcome{};
}

Result<void> Type1Mapper::map_file(Iova, const FileDescriptor&, std::uint64_t, std::uint64_t, const std::string& name) {
    return fail(Error{EOPNOTSUPP, "map DMA", name,
                      "a type1 container takes no dma-buf: it maps EGM by its address, without one"});
}

Result<std::uint64_t> Type1Mapper::unmap_whole(const Range<Iova>& range) {
    uapi::VfioIommuType1DmaUnmap request{
        .argsz = sizeof request, .flags = 0, .iova = range.begin.value, .size = range.size};
    if (auto done = container_.ioctl(uapi::kVfioIommuUnmapDma, &request, "VFIO_IOMMU_UNMAP_DMA"); !done)
        return fail(done.error());
    return request.size;
}

} // namespace egm
