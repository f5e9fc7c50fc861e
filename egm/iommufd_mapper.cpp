#include "egm/iommufd_mapper.h"

#include <cerrno>

#include <fcntl.h>

#include "egm/errors.h"
#include "egm/sysfs.h"
#include "egm/uapi/iommufd.h"
#include "egm/uapi/vfio.h"

namespace egm {
namespace {

constexpr const char* kNoStructPage =
    "this kernel's iommufd cannot map EGM, which is memory without struct page: use the type1 container, or the "
    "tolerant mode if no device needs to reach EGM by DMA";

} // namespace

Result<std::unique_ptr<DmaMapper>> IommufdMapper::open(Syscalls& syscalls, bool tolerant) {
    auto iommu = FileDescriptor::open(syscalls, "/dev/iommu", O_RDWR);
    if (!iommu)
        return fail(iommu.error());
    uapi::IommuIoasAlloc request{.size = sizeof request, .flags = 0, .out_ioas_id = 0};
    if (auto done = iommu->ioctl(uapi::kIommuIoasAlloc, &request, "IOMMU_IOAS_ALLOC"); !done)
        return fail(done.error());
    return std::unique_ptr<DmaMapper>(new IommufdMapper(syscalls, std::move(*iommu), request.out_ioas_id, tolerant));
}

Result<void> IommufdMapper::attach(const std::string& bdf) {
    auto name = vfio_device_name(syscalls_, bdf);
    if (!name)
        return fail(name.error());
    auto device = FileDescriptor::open(syscalls_, "/dev/vfio/devices/" + *name, O_RDWR);
    if (!device)
        return fail(device.error());
    uapi::VfioDeviceBindIommufd bind{.argsz = sizeof bind, .flags = 0, .iommufd = iommu_.get(), .out_devid = 0};
    if (auto done = device->ioctl(uapi::kVfioDeviceBindIommufd, &bind, "VFIO_DEVICE_BIND_IOMMUFD", bdf); !done)
        return fail(done.error());
    uapi::VfioDeviceAttachIommufdPt attach{.argsz = sizeof attach, .flags = 0, .pt_id = ioas_};
    auto attached = device->ioctl(uapi::kVfioDeviceAttachIommufdPt, &attach, "VFIO_DEVICE_ATTACH_IOMMUFD_PT", bdf);
    if (!attached)
        return fail(attached.error());
    uapi::VfioDeviceInfo info{.argsz = sizeof info};
    if (auto done = device->ioctl(uapi::kVfioDeviceGetInfo, &info, "VFIO_DEVICE_GET_INFO", bdf); !done)
        return fail(done.error());
    devices_.push(std::move(*device));
    return {};
}

Result<DmaOutcome> IommufdMapper::map(Iova iova, Hva hva, std::uint64_t size, MemoryKind kind,
                                      const std::string& name) {
    uapi::IommuIoasMap request{.size = sizeof request,
                               .flags = uapi::kIommuIoasMapFixedIova | uapi::kIommuIoasMapReadable |
                                        uapi::kIommuIoasMapWriteable,
                               .ioas_id = ioas_,
                               .reserved = 0,
                               .user_va = hva.value,
                               .length = size,
                               .iova = iova.value};
    auto done = iommu_.ioctl(uapi::kIommuIoasMap, &request, "IOMMU_IOAS_MAP", name);
    if (done) {
        mapped_[iova] = size;
        return DmaOutcome{};
    }
    Error error = done.error();
    if (error.error_number != EFAULT || kind != MemoryKind::kEgm)
        return fail(std::move(error));
    if (tolerant_)
        return DmaOutcome{.mapped = false,
                          .note = "EFAULT tolerated: " + error.call + " " + name +
                                  ": no device reaches this memory by DMA; GPUs reach it as EGM"};
    error.advice = kNoStructPage;
    return fail(std::move(error));
}

bool IommufdMapper::splits_a_mapping(const Range<Iova>& range) const {
    for (const auto& [begin, size] : mapped_) {
        const Iova end = begin + size;
        const bool touches = begin < range.end() && range.begin < end;
        const bool inside = range.begin <= begin && end <= range.end();
        if (touches && !inside)
            return true;
    }
    return false;
}

Result<std::uint64_t> IommufdMapper::unmap(const Range<Iova>& range) {
    if (range.size == 0 || splits_a_mapping(range))
        return fail(rule_error("ioctl IOMMU_IOAS_UNMAP", iommu_.name(), "only whole mappings can be unmapped"));
    uapi::IommuIoasUnmap request{
        .size = sizeof request, .ioas_id = ioas_, .iova = range.begin.value, .length = range.size};
    auto done = iommu_.ioctl(uapi::kIommuIoasUnmap, &request, "IOMMU_IOAS_UNMAP");
    if (!done && done.error().error_number == ENOENT)
        return 0;
    if (!done)
        return fail(done.error());
    std::erase_if(mapped_, [&](const auto& entry) { return range.contains(entry.first); });
    return request.length;
}

} // namespace egm
