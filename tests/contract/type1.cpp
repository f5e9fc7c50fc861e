#include "tests/contract/type1.h"

#include <cstring>
#include <set>

namespace contract {

Type1::Type1(World& world, Stage stage) : Process(world) {
    container = must_open("/dev/vfio/vfio");
    group = must_open(world.facts().group_path);
    if (stage >= kJoined)
        must(join(), "SET_CONTAINER");
    if (stage >= kReady)
        must(set_iommu(), "SET_IOMMU");
}

std::int64_t Type1::set_container(std::int64_t fd) {
    int argument = static_cast<int>(fd);
    return ioctl(group, uapi::kVfioGroupSetContainer, &argument);
}

std::int64_t Type1::map(std::uint64_t memory, std::uint64_t iova, std::uint64_t size, std::uint32_t flags,
                        std::uint32_t argsz) {
    uapi::VfioIommuType1DmaMap call{argsz, flags, memory, iova, size};
    return ioctl(container, uapi::kVfioIommuMapDma, &call);
}

std::string Type1::unmap(std::uint64_t iova, std::uint64_t size, std::uint32_t flags, std::uint32_t argsz) {
    struct { // room behind the call, for what a flag makes the kernel read
        uapi::VfioIommuType1DmaUnmap call;
        char rest[64];
    } argument{{argsz, flags, iova, size}, {}};
    const std::int64_t result = ioctl(container, uapi::kVfioIommuUnmapDma, &argument);
    return result < 0 ? text(result) : pages(argument.call.size, page());
}

Type1::Info Type1::info() {
    alignas(8) char buffer[4096] = {};
    Info info;
    info.head.argsz = sizeof buffer;
    std::memcpy(buffer, &info.head, sizeof info.head);
    info.result = ioctl(container, uapi::kVfioIommuGetInfo, buffer);
    if (info.result < 0)
        return info;
    std::memcpy(&info.head, buffer, sizeof info.head);
    std::set<int> ids;
    const std::uint32_t first = (info.head.flags & uapi::kVfioIommuInfoCaps) != 0 ? info.head.cap_offset : 0;
    for (std::uint32_t at = first; at != 0 && at < sizeof buffer - 64;) {
        uapi::VfioInfoCapHeader header;
        std::memcpy(&header, buffer + at, sizeof header);
        ids.insert(header.id);
        if (header.id == uapi::kVfioIommuType1InfoCapDmaAvail) {
            uapi::VfioIommuType1InfoDmaAvail avail;
            std::memcpy(&avail, buffer + at, sizeof avail);
            info.avail = avail.avail;
        } else if (header.id == uapi::kVfioIommuType1InfoCapIovaRange) {
            uapi::VfioIommuType1InfoCapIovaRange list;
            std::memcpy(&list, buffer + at, sizeof list);
            info.ranges.resize(list.nr_iovas);
            std::memcpy(info.ranges.data(), buffer + at + sizeof list, list.nr_iovas * sizeof(uapi::VfioIovaRange));
        }
        at = header.next;
    }
    for (const int id : ids)
        info.capability_ids += (info.capability_ids.empty() ? "" : " ") + std::to_string(id);
    return info;
}

} // namespace contract
