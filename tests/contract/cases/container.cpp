// VFIO containers and groups: who may open, join, leave, and what answers before the IOMMU is set.
#include "tests/contract/suite.h"
#include "tests/contract/type1.h"

namespace contract {

namespace {

template <unsigned long extension, Type1::Stage stage>
std::string check(World& world) {
    return number(Type1(world, stage).check(extension));
}

std::string status(World& world, Type1::Stage stage) {
    Type1 t(world, stage);
    uapi::VfioGroupStatus status{sizeof status, 0};
    const std::int64_t result = t.ioctl(t.group, uapi::kVfioGroupGetStatus, &status);
    return result < 0 ? text(result) : "flags " + hex(status.flags);
}

} // namespace

Cases container_cases() {
    constexpr auto kOpened = Type1::kOpened;
    constexpr auto kReady = Type1::kReady;
    constexpr unsigned long kNoIommu = 8;
    return {
        {"container.open.twice", kType1,
         [](World& w) {
             Type1 t(w, kOpened);
             return text(t.open("/dev/vfio/vfio"));
         },
         "ok"},
        {"container.api_version", kType1,
         [](World& w) {
             Type1 t(w, kOpened);
             return number(t.ioctl(t.container, uapi::kVfioGetApiVersion));
         },
         "0"},
        {"container.check.type1", kType1, check<uapi::kVfioType1Iommu, kOpened>, "1"},
        {"container.check.type1v2", kType1, check<uapi::kVfioType1v2Iommu, kOpened>, "1"},
        {"container.check.nesting", kType1, check<uapi::kVfioType1NestingIommu, kOpened>, Expected("1").from(613, "0")},
        {"container.check.unmap_all", kType1, check<uapi::kVfioUnmapAll, kOpened>, "1"},
        {"container.check.no_iommu", kType1, check<kNoIommu, kOpened>, "0"},
        {"container.check.cache_coherency_before_a_group", kType1, check<uapi::kVfioDmaCcIommu, kOpened>, "0"},
        {"container.check.unknown", kType1, check<999, kOpened>, "0"},
        {"container.check.type1v2_when_ready", kType1, check<uapi::kVfioType1v2Iommu, kReady>, "1"},
        {"container.check.unmap_all_when_ready", kType1, check<uapi::kVfioUnmapAll, kReady>, "1"},
        {"container.check.unknown_when_ready", kType1, check<999, kReady>, "0"},
        {"container.set_iommu.without_a_group", kType1, [](World& w) { return text(Type1(w, kOpened).set_iommu()); },
         "EINVAL"},
        {"container.set_iommu.type1v2", kType1, [](World& w) { return text(Type1(w, Type1::kJoined).set_iommu()); },
         "ok"},
        {"container.set_iommu.type1", kType1,
         [](World& w) { return text(Type1(w, Type1::kJoined).set_iommu(uapi::kVfioType1Iommu)); }, "ok"},
        {"container.set_iommu.unknown", kType1, [](World& w) { return text(Type1(w, Type1::kJoined).set_iommu(99)); },
         "ENODEV"},
        {"container.set_iommu.after_an_unknown_one", kType1,
         [](World& w) {
             Type1 t(w, Type1::kJoined);
             t.set_iommu(99);
             return text(t.set_iommu());
         },
         "ok"},
        {"container.set_iommu.twice", kType1, [](World& w) { return text(Type1(w).set_iommu()); }, "EINVAL"},
        {"container.map.before_set_iommu", kType1,
         [](World& w) {
             Type1 t(w, Type1::kJoined);
             return text(t.map(t.memory(1), Type1::kIova, t.page()));
         },
         "EINVAL"},
        {"container.unmap.before_set_iommu", kType1,
         [](World& w) { return Type1(w, Type1::kJoined).unmap(Type1::kIova, w.facts().page_size); }, "EINVAL"},
        {"container.info.before_set_iommu", kType1,
         [](World& w) { return text(Type1(w, Type1::kJoined).info().result); }, "EINVAL"},
        {"container.ioctl.unknown_before_set_iommu", kType1,
         [](World& w) {
             Type1 t(w, kOpened);
             return text(t.ioctl(t.container, 0x3BFF));
         },
         "EINVAL"},
        {"container.ioctl.unknown", kType1,
         [](World& w) {
             Type1 t(w);
             return text(t.ioctl(t.container, 0x3BFF));
         },
         "ENOTTY"},
        {"container.mmap", kType1,
         [](World& w) {
             Type1 t(w);
             return text(t.map_file(t.container, t.page()));
         },
         "ENODEV"},
        {"container.pread", kType1,
         [](World& w) {
             Type1 t(w);
             char byte;
             return text(t.pread(t.container, &byte, 1, 0));
         },
         "EINVAL"},
        {"container.close.mappings_go_with_the_group", kType1,
         [](World& w) {
             Type1 t(w);
             t.must_map(t.memory(1), Type1::kIova, t.page());
             Process::must(t.ioctl(t.group, uapi::kVfioGroupUnsetContainer), "UNSET_CONTAINER");
             Process::must(t.join(), "SET_CONTAINER");
             Process::must(t.set_iommu(), "SET_IOMMU");
             return t.unmap(Type1::kIova, t.page());
         },
         "0 pages"},
        {"container.close.while_the_group_holds_it", kType1,
         [](World& w) {
             Type1 t(w);
             Process::must(t.close(t.container), "close");
             return text(t.device(w.facts().device_bdf));
         },
         "ok"},
    };
}

Cases group_cases() {
    constexpr auto kOpened = Type1::kOpened;
    constexpr auto kJoined = Type1::kJoined;
    return {
        {"group.open.missing", kType1, [](World& w) { return text(Process(w).open("/dev/vfio/9999")); }, "ENOENT"},
        {"group.open.twice", kType1, [](World& w) { return text(Type1(w, kOpened).open(w.facts().group_path)); },
         "EBUSY"},
        {"group.open.again_after_close", kType1,
         [](World& w) {
             Type1 t(w, kOpened);
             Process::must(t.close(t.group), "close");
             return text(t.open(w.facts().group_path));
         },
         "ok"},
        {"group.open.closed_but_its_device_is_open", kType1,
         [](World& w) {
             Type1 t(w);
             const std::int64_t device = t.must_device();
             Process::must(t.close(t.group), "close");
             const std::string held = text(t.open(w.facts().group_path));
             Process::must(t.close(device), "close");
             return held + " then " + text(t.open(w.facts().group_path));
         },
         "EBUSY then ok"},
        {"group.status.alone", kType1, [](World& w) { return status(w, kOpened); }, "flags 0x1"},
        {"group.status.in_a_container", kType1, [](World& w) { return status(w, kJoined); }, "flags 0x3"},
        {"group.status.short", kType1,
         [](World& w) {
             Type1 t(w, kOpened);
             uapi::VfioGroupStatus status{4, 0};
             return text(t.ioctl(t.group, uapi::kVfioGroupGetStatus, &status));
         },
         "EINVAL"},
        {"group.status.null", kType1,
         [](World& w) {
             Type1 t(w, kOpened);
             return text(t.ioctl(t.group, uapi::kVfioGroupGetStatus, nullptr));
         },
         "EFAULT"},
        {"group.ioctl.unknown", kType1,
         [](World& w) {
             Type1 t(w, kOpened);
             return text(t.ioctl(t.group, 0x3BFF));
         },
         "ENOTTY"},
        {"group.set_container", kType1, [](World& w) { return text(Type1(w, kOpened).join()); }, "ok"},
        {"group.set_container.twice", kType1, [](World& w) { return text(Type1(w, kJoined).join()); }, "EINVAL"},
        {"group.set_container.negative", kType1, [](World& w) { return text(Type1(w, kOpened).set_container(-1)); },
         "EBADF"},
        {"group.set_container.bad_descriptor", kType1,
         [](World& w) { return text(Type1(w, kOpened).set_container(987)); }, "EBADF"},
        {"group.set_container.not_a_container", kType1,
         [](World& w) {
             Type1 t(w, kOpened);
             return text(t.set_container(t.group));
         },
         Expected("EINVAL").from(602, "EBADFD")},
        {"group.set_container.null", kType1,
         [](World& w) {
             Type1 t(w, kOpened);
             return text(t.ioctl(t.group, uapi::kVfioGroupSetContainer, nullptr));
         },
         "EFAULT"},
        {"group.unset_container", kType1,
         [](World& w) {
             Type1 t(w);
             return text(t.ioctl(t.group, uapi::kVfioGroupUnsetContainer));
         },
         "ok"},
        {"group.unset_container.none", kType1,
         [](World& w) {
             Type1 t(w, kOpened);
             return text(t.ioctl(t.group, uapi::kVfioGroupUnsetContainer));
         },
         "EINVAL"},
        {"group.unset_container.device_open", kType1,
         [](World& w) {
             Type1 t(w);
             t.must_device();
             return text(t.ioctl(t.group, uapi::kVfioGroupUnsetContainer));
         },
         "EBUSY"},
        {"group.moves_to_another_container", kType1,
         [](World& w) {
             Type1 t(w);
             Process::must(t.ioctl(t.group, uapi::kVfioGroupUnsetContainer), "UNSET_CONTAINER");
             const std::int64_t other = t.must_open("/dev/vfio/vfio");
             Process::must(t.set_container(other), "SET_CONTAINER");
             return text(t.ioctl_value(other, uapi::kVfioSetIommu, uapi::kVfioType1v2Iommu));
         },
         "ok"},
        {"group.device.before_a_container", kType1,
         [](World& w) { return text(Type1(w, kOpened).device(w.facts().device_bdf)); }, "EINVAL"},
        {"group.device.before_set_iommu", kType1,
         [](World& w) { return text(Type1(w, kJoined).device(w.facts().device_bdf)); }, "EINVAL"},
        {"group.device", kType1, [](World& w) { return text(Type1(w).device(w.facts().device_bdf)); }, "ok"},
        {"group.device.twice", kType1,
         [](World& w) {
             Type1 t(w);
             t.must_device();
             return text(t.device(w.facts().device_bdf));
         },
         "ok"},
        {"group.device.wrong_name", kType1, [](World& w) { return text(Type1(w).device("ffff:00:1f.7")); }, "ENODEV"},
        {"group.device.empty_name", kType1, [](World& w) { return text(Type1(w).device("")); }, "ENODEV"},
        {"group.device.null", kType1,
         [](World& w) {
             Type1 t(w);
             return text(t.ioctl(t.group, uapi::kVfioGroupGetDeviceFd, nullptr));
         },
         "EFAULT"},
    };
}

} // namespace contract
