#include "tests/contract/iommufd.h"

#include <algorithm>

namespace contract {

Iommufd::Iommufd(World& world, Stage stage) : Process(world) {
    context = must_open("/dev/iommu");
    ioas = new_ioas();
    if (stage >= kOpened)
        device = must_open(world.facts().device_path);
    if (stage >= kBound)
        must(bind(context), "BIND_IOMMUFD");
    if (stage >= kAttached)
        must(attach(ioas), "ATTACH_IOMMUFD_PT");
}

std::uint32_t Iommufd::new_ioas() {
    uapi::IommuIoasAlloc call{sizeof call, 0, 0};
    must(ioctl(context, uapi::kIommuIoasAlloc, &call), "IOAS_ALLOC");
    return call.out_ioas_id;
}

std::int64_t Iommufd::destroy(std::uint32_t id) {
    uapi::IommuDestroy call{sizeof call, id};
    return ioctl(context, uapi::kIommuDestroy, &call);
}

std::int64_t Iommufd::bind(std::int64_t iommufd, std::uint32_t flags, std::uint32_t argsz) {
    uapi::VfioDeviceBindIommufd call{argsz, flags, static_cast<std::int32_t>(iommufd), 0};
    const std::int64_t result = ioctl(device, uapi::kVfioDeviceBindIommufd, &call);
    if (result == 0)
        device_id = call.out_devid;
    return result;
}

std::int64_t Iommufd::attach(std::uint32_t page_table, std::uint32_t flags, std::uint32_t argsz) {
    uapi::VfioDeviceAttachIommufdPt call{argsz, flags, page_table};
    const std::int64_t result = ioctl(device, uapi::kVfioDeviceAttachIommufdPt, &call);
    if (result == 0)
        hwpt_id = call.pt_id;
    return result;
}

std::int64_t Iommufd::detach(std::uint32_t flags, std::uint32_t argsz) {
    uapi::VfioDeviceDetachIommufdPt call{argsz, flags};
    return ioctl(device, uapi::kVfioDeviceDetachIommufdPt, &call);
}

std::int64_t Iommufd::map(std::uint64_t memory, std::uint64_t iova, std::uint64_t size, std::uint32_t flags) {
    uapi::IommuIoasMap call{sizeof call, flags, ioas, 0, memory, size, iova};
    const std::int64_t result = ioctl(context, uapi::kIommuIoasMap, &call);
    if (result == 0)
        mapped_iova = call.iova;
    return result;
}

std::string Iommufd::unmap(std::uint64_t iova, std::uint64_t size) {
    uapi::IommuIoasUnmap call{sizeof call, ioas, iova, size};
    const std::int64_t result = ioctl(context, uapi::kIommuIoasUnmap, &call);
    return result < 0 ? text(result) : pages(call.length, page());
}

std::int64_t Iommufd::copy(std::uint32_t to, std::uint64_t to_iova, std::uint32_t from, std::uint64_t from_iova,
                           std::uint64_t size, std::uint32_t flags) {
    uapi::IommuIoasCopy call{sizeof call, flags, to, from, size, to_iova, from_iova};
    return ioctl(context, uapi::kIommuIoasCopy, &call);
}

std::int64_t Iommufd::alloc_hwpt(std::uint32_t over, std::uint32_t flags, std::uint32_t data_type) {
    uapi::IommuHwptAlloc call{};
    call.size = sizeof call;
    call.flags = flags;
    call.dev_id = device_id;
    call.pt_id = over;
    call.data_type = data_type;
    const std::int64_t result = ioctl(context, uapi::kIommuHwptAlloc, &call);
    if (result == 0)
        hwpt_id = call.out_hwpt_id;
    return result;
}

std::int64_t Iommufd::option(std::uint32_t option, std::uint16_t operation, std::uint32_t object,
                             std::uint64_t& value) {
    uapi::IommuOption call{sizeof call, option, operation, 0, object, value};
    const std::int64_t result = ioctl(context, uapi::kIommuOption, &call);
    value = call.val64;
    return result;
}

Iommufd::Ranges Iommufd::ranges(std::uint32_t room) {
    std::vector<uapi::IommuIovaRange> list(room + 1);
    uapi::IommuIoasIovaRanges call{};
    call.size = sizeof call;
    call.ioas_id = ioas;
    call.num_iovas = room;
    call.allowed_iovas = reinterpret_cast<std::uint64_t>(list.data());
    Ranges answer;
    answer.result = ioctl(context, uapi::kIommuIoasIovaRanges, &call);
    answer.count = call.num_iovas;
    answer.alignment = call.out_iova_alignment;
    list.resize(std::min(room, call.num_iovas));
    answer.ranges = std::move(list);
    return answer;
}

std::int64_t Iommufd::allow(std::vector<uapi::IommuIovaRange> ranges, std::uint32_t reserved) {
    uapi::IommuIoasAllowIovas call{sizeof call, ioas, static_cast<std::uint32_t>(ranges.size()), reserved,
                                   reinterpret_cast<std::uint64_t>(ranges.data())};
    return ioctl(context, uapi::kIommuIoasAllowIovas, &call);
}

} // namespace contract
