// iommufd's calls of later kernels, and its compatibility with VFIO: what a kernel without them answers, and what their
// arguments must be.
#include "tests/contract/iommufd.h"
#include "tests/contract/suite.h"

namespace contract {

namespace {

constexpr std::uint64_t kIova = Iommufd::kIova;
constexpr auto kContext = Iommufd::kContext;

enum Operation : std::uint16_t { kGet, kSet, kClear };

/// IOMMU_VFIO_IOAS: the IOAS that VFIO's own calls on /dev/iommu would use.
std::int64_t vfio_ioas(Iommufd& iommufd, std::uint16_t operation, std::uint32_t& ioas, std::uint16_t reserved = 0) {
    uapi::IommuVfioIoas call{sizeof call, ioas, operation, reserved};
    const std::int64_t result = iommufd.ioctl(iommufd.context, uapi::kIommuVfioIoas, &call);
    ioas = call.ioas_id;
    return result;
}

std::string map_file(World& world, std::int32_t fd, std::uint32_t flags, std::uint64_t pages) {
    Iommufd i(world);
    if (fd == 0)
        fd = static_cast<std::int32_t>(i.device);
    uapi::IommuIoasMapFile call{sizeof call, flags, i.ioas, fd, 0, pages * i.page(), kIova};
    return text(i.ioctl(i.context, uapi::kIommuIoasMapFile, &call));
}

std::string fault_queue(World& world, std::uint32_t flags) {
    Iommufd i(world, kContext);
    uapi::IommuFaultAlloc call{sizeof call, flags, 0, 0};
    const std::int64_t result = i.ioctl(i.context, uapi::kIommuFaultQueueAlloc, &call);
    if (result == 0)
        i.adopt(call.out_fault_fd);
    return text(result);
}

std::string change_process(World& world, std::uint32_t reserved, bool with_anonymous_memory) {
    Iommufd i(world, kContext);
    if (with_anonymous_memory)
        i.must_map(i.memory(1), kIova, i.page());
    uapi::IommuIoasChangeProcess call{sizeof call, reserved};
    return text(i.ioctl(i.context, uapi::kIommuIoasChangeProcess, &call));
}

std::string track_dirty(World& world, std::uint32_t hwpt, std::uint32_t flags) {
    Iommufd i(world);
    uapi::IommuHwptSetDirtyTracking call{sizeof call, flags, hwpt == 0 ? i.hwpt_id : hwpt, 0};
    return text(i.ioctl(i.context, uapi::kIommuHwptSetDirtyTracking, &call));
}

std::string viommu(World& world, std::uint32_t flags, std::uint32_t type, std::uint32_t hwpt) {
    Iommufd i(world);
    uapi::IommuViommuAlloc call{};
    call.size = sizeof call;
    call.flags = flags;
    call.type = type;
    call.dev_id = i.device_id;
    call.hwpt_id = hwpt == 0 ? i.hwpt_id : hwpt;
    return text(i.ioctl(i.context, uapi::kIommuViommuAlloc, &call));
}

} // namespace

Cases iommufd_newer_cases() {
    return {
        {"iommufd.vfio_ioas.get_without_one", kIommufd,
         [](World& w) {
             Iommufd i(w, kContext);
             std::uint32_t id = 0;
             return text(vfio_ioas(i, kGet, id));
         },
         "ENODEV"},
        {"iommufd.vfio_ioas.set", kIommufd,
         [](World& w) {
             Iommufd i(w, kContext);
             std::uint32_t id = i.ioas, got = 0;
             const std::string set = text(vfio_ioas(i, kSet, id));
             Process::must(vfio_ioas(i, kGet, got), "get");
             return set + (got == i.ioas ? ", the same" : ", another");
         },
         "ok, the same"},
        {"iommufd.vfio_ioas.set_an_unknown_one", kIommufd,
         [](World& w) {
             Iommufd i(w, kContext);
             std::uint32_t id = 9999;
             return text(vfio_ioas(i, kSet, id));
         },
         "ENOENT"},
        {"iommufd.vfio_ioas.clear", kIommufd,
         [](World& w) {
             Iommufd i(w, kContext);
             std::uint32_t id = i.ioas;
             Process::must(vfio_ioas(i, kSet, id), "set");
             return in_turn({text(vfio_ioas(i, kClear, id)), text(vfio_ioas(i, kGet, id))});
         },
         "ok then ENODEV"},
        {"iommufd.vfio_ioas.unknown_operation", kIommufd,
         [](World& w) {
             Iommufd i(w, kContext);
             std::uint32_t id = i.ioas;
             return text(vfio_ioas(i, 9, id));
         },
         "EOPNOTSUPP"},
        {"iommufd.vfio_ioas.reserved_field", kIommufd,
         [](World& w) {
             Iommufd i(w, kContext);
             std::uint32_t id = i.ioas;
             return text(vfio_ioas(i, kSet, id, 1));
         },
         "EOPNOTSUPP"},
        {"iommufd.vfio_compatibility.api_version", kIommufd,
         [](World& w) {
             Iommufd i(w, kContext);
             return number(i.ioctl(i.context, uapi::kVfioGetApiVersion));
         },
         "0"},
        {"iommufd.map_file.bad_descriptor", kIommufd, [](World& w) { return map_file(w, 987, Iommufd::kAll, 1); },
         Expected("ENOTTY").from(613, "EBADF")},
        {"iommufd.map_file.of_a_device", kIommufd, [](World& w) { return map_file(w, 0, Iommufd::kAll, 1); },
         Expected("ENOTTY").from(613, "EINVAL")},
        {"iommufd.map_file.flags_unknown", kIommufd,
         [](World& w) { return map_file(w, 987, Iommufd::kAll | 1u << 31, 1); },
         Expected("ENOTTY").from(613, "EOPNOTSUPP")},
        {"iommufd.map_file.no_access", kIommufd, [](World& w) { return map_file(w, 987, Iommufd::kFixed, 1); },
         Expected("ENOTTY").from(613, "EINVAL")},
        {"iommufd.fault_queue", kIommufd, [](World& w) { return fault_queue(w, 0); },
         Expected("ENOTTY").from(611, "ok")},
        {"iommufd.fault_queue.flags", kIommufd, [](World& w) { return fault_queue(w, 1); },
         Expected("ENOTTY").from(611, "EOPNOTSUPP")},
        {"iommufd.change_process.nothing_mapped", kIommufd, [](World& w) { return change_process(w, 0, false); },
         Expected("ENOTTY").from(613, "ok")},
        {"iommufd.change_process.anonymous_memory", kIommufd, [](World& w) { return change_process(w, 0, true); },
         Expected("ENOTTY").from(613, "EINVAL")},
        {"iommufd.change_process.reserved_field", kIommufd, [](World& w) { return change_process(w, 1, false); },
         Expected("ENOTTY").from(613, "EOPNOTSUPP")},
        {"iommufd.dirty_tracking.unknown_page_table", kIommufd, [](World& w) { return track_dirty(w, 9999, 0); },
         "ENOENT"},
        {"iommufd.dirty_tracking.flags_unknown", kIommufd, [](World& w) { return track_dirty(w, 0, 1u << 31); },
         "EOPNOTSUPP"},
        {"iommufd.viommu.unknown_type", kIommufd, [](World& w) { return viommu(w, 0, 99, 0); },
         Expected("ENOTTY").from(613, "EOPNOTSUPP")},
        {"iommufd.viommu.flags", kIommufd, [](World& w) { return viommu(w, 1u << 31, 1, 0); },
         Expected("ENOTTY").from(613, "EOPNOTSUPP")},
        {"iommufd.invalidate.unknown_page_table", kIommufd,
         [](World& w) {
             Iommufd i(w);
             std::uint32_t entry[4] = {};
             uapi::IommuHwptInvalidate call{};
             call.size = sizeof call;
             call.hwpt_id = 9999;
             call.data_uptr = reinterpret_cast<std::uint64_t>(entry);
             call.data_type = 1;
             call.entry_len = sizeof entry;
             call.entry_num = 1;
             return text(i.ioctl(i.context, uapi::kIommuHwptInvalidate, &call));
         },
         "ENOENT"},
        {"iommufd.allow.unknown_ioas", kIommufd,
         [](World& w) {
             Iommufd i(w, kContext);
             i.ioas = 9999;
             return text(i.allow({{0, 0xFFF'FFFF}}));
         },
         "ENOENT"},
    };
}

} // namespace contract
