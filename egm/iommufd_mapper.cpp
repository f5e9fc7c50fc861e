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

constexpr std::uint32_t kMapFlags =
    uapi::kIommuIoasMapFixedIova | uapi::kIommuIoasMapReadable | uapi::kIommuIoasMapWriteable;

/// Counts locked memory for the process, as type1 does: the default counts it for the user, so that two VMs of one user
/// share one limit. Only a privileged process may choose, and old kernels have no choice; either is fine.
Result<void> account_by_process(const FileDescriptor& iommu) {
    uapi::IommuOption option{.size = sizeof option,
                             .option_id = uapi::kIommuOptionRlimitMode,
                             .op = uapi::kIommuOptionOpSet,
                             .reserved = 0,
                             .object_id = 0,
                             .val64 = 1};
    auto done = iommu.ioctl(uapi::kIommuOption, &option, "IOMMU_OPTION");
    if (done)
        return {};
    const int number = done.error().error_number;
    if (number == EPERM || number == EOPNOTSUPP || number == ENOTTY)
        return {};
    return fail(done.error());
}

} // namespace

Result<std::unique_ptr<IommufdMapper>> IommufdMapper::open(Syscalls& syscalls, bool tolerant) {
    auto iommu = FileDescriptor::open(syscalls, "/dev/iommu", O_RDWR);
    if (!iommu)
        return fail(iommu.error());
    if (auto done = account_by_process(*iommu); !done)
        return fail(done.error());
    uapi::IommuIoasAlloc request{.size = sizeof request, .flags = 0, .out_ioas_id = 0};
    if (auto done = iommu->ioctl(uapi::kIommuIoasAlloc, &request, "IOMMU_IOAS_ALLOC"); !done)
        return fail(done.error());
    return std::unique_ptr<IommufdMapper>(
        new IommufdMapper(syscalls, std::move(*iommu), request.out_ioas_id, tolerant));
}

const IommufdMapper::Device* IommufdMapper::find_device(const std::string& bdf) const {
    for (const Device& device : devices_)
        if (device.file.name() == bdf)
            return &device;
    return nullptr;
}

const FileDescriptor* IommufdMapper::device(const std::string& bdf) const {
    const Device* const found = find_device(bdf);
    return found ? &found->file : nullptr;
}

Result<void> IommufdMapper::attach_device(const std::string& bdf) {
    auto name = vfio_device_name(syscalls_, bdf);
    if (!name)
        return fail(name.error());
    const std::string path = "/dev/vfio/devices/" + *name;
    const int fd = syscalls_.open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return fail(call_error("open", path));
    FileDescriptor device(syscalls_, fd, bdf);
    uapi::VfioDeviceBindIommufd bind{.argsz = sizeof bind, .flags = 0, .iommufd = iommu_.get(), .out_devid = 0};
    if (auto done = device.ioctl(uapi::kVfioDeviceBindIommufd, &bind, "VFIO_DEVICE_BIND_IOMMUFD"); !done)
        return fail(done.error());
    uapi::VfioDeviceAttachIommufdPt attach{.argsz = sizeof attach, .flags = 0, .pt_id = ioas_};
    if (auto done = device.ioctl(uapi::kVfioDeviceAttachIommufdPt, &attach, "VFIO_DEVICE_ATTACH_IOMMUFD_PT"); !done)
        return fail(done.error());
    uapi::VfioDeviceInfo info{.argsz = sizeof info};
    if (auto done = device.ioctl(uapi::kVfioDeviceGetInfo, &info, "VFIO_DEVICE_GET_INFO"); !done)
        return fail(done.error());
    devices_.push({std::move(device), bind.out_devid});
    return {};
}

Result<IovaSpace> IommufdMapper::read_iova_space() {
    std::vector<uapi::IommuIovaRange> ranges(64); // enough for every IOMMU seen, so that one call does
    for (int round = 0; round < 8; ++round) {
        uapi::IommuIoasIovaRanges request{.size = sizeof request,
                                          .ioas_id = ioas_,
                                          .num_iovas = std::uint32_t(ranges.size()),
                                          .reserved = 0,
                                          .allowed_iovas = reinterpret_cast<std::uintptr_t>(ranges.data()),
                                          .out_iova_alignment = 0};
        auto done = iommu_.ioctl(uapi::kIommuIoasIovaRanges, &request, "IOMMU_IOAS_IOVA_RANGES");
        if (done && request.num_iovas <= ranges.size()) {
            IovaSpace space{.usable = {}, .alignment = request.out_iova_alignment};
            for (std::uint32_t i = 0; i < request.num_iovas; ++i)
                space.usable.push_back(inclusive(ranges[i].start, ranges[i].last));
            return space;
        }
        constexpr std::uint32_t kRangesMax = 65536;
        const bool told_to_grow = request.num_iovas > ranges.size() && request.num_iovas <= kRangesMax;
        if (!done && !(done.error().error_number == EMSGSIZE && told_to_grow))
            return fail(done.error());
        if (!told_to_grow)
            break;
        ranges.resize(request.num_iovas);
    }
    return fail(Error{EPROTO, "ioctl IOMMU_IOAS_IOVA_RANGES", iommu_.name(),
                      "the kernel keeps telling of more ranges than it had room for"});
}

Result<DmaOutcome> IommufdMapper::map_memory(Iova iova, Hva hva, std::uint64_t size, MemoryKind kind,
                                             const std::string& name) {
    uapi::IommuIoasMap request{.size = sizeof request,
                               .flags = kMapFlags,
                               .ioas_id = ioas_,
                               .reserved = 0,
                               .user_va = hva.value,
                               .length = size,
                               .iova = iova.value};
    auto done = iommu_.ioctl(uapi::kIommuIoasMap, &request, "IOMMU_IOAS_MAP", name);
    if (done)
        return DmaOutcome{};
    Error error = done.error();
    if (error.error_number != EFAULT || kind == MemoryKind::kOrdinary)
        return fail(std::move(error));
    const std::string note = "EFAULT tolerated: " + error.call + " " + name + ": ";
    if (kind == MemoryKind::kDeviceRegion)
        return DmaOutcome{.mapped = false, .note = note + "no other device reaches this GPU's memory by DMA"};
    if (tolerant_)
        return DmaOutcome{.mapped = false, .note = note + "no device reaches this memory by DMA; GPUs reach it as EGM"};
    error.advice = kNoStructPage;
    return fail(std::move(error));
}

Result<void> IommufdMapper::map_file(Iova iova, const FileDescriptor& file, std::uint64_t start, std::uint64_t size,
                                     const std::string& name) {
    uapi::IommuIoasMapFile request{.size = sizeof request,
                                   .flags = kMapFlags,
                                   .ioas_id = ioas_,
                                   .fd = file.get(),
                                   .start = start,
                                   .length = size,
                                   .iova = iova.value};
    if (auto done = iommu_.ioctl(uapi::kIommuIoasMapFile, &request, "IOMMU_IOAS_MAP_FILE", name); !done)
        return fail(done.error());
    return {};
}

Result<std::uint64_t> IommufdMapper::unmap_whole(const Range<Iova>& range) {
    uapi::IommuIoasUnmap request{
        .size = sizeof request, .ioas_id = ioas_, .iova = range.begin.value, .length = range.size};
    if (auto done = iommu_.ioctl(uapi::kIommuIoasUnmap, &request, "IOMMU_IOAS_UNMAP"); !done)
        return fail(done.error());
    return request.length;
}

} // namespace egm
