// The device's own node with iommufd: bind, attach, detach, page tables.
#include "tests/contract/iommufd.h"
#include "tests/contract/suite.h"

namespace contract {

namespace {

constexpr std::uint64_t kIova = Iommufd::kIova;

std::string info(Iommufd& iommufd, std::int64_t fd) {
    uapi::VfioDeviceInfo info{};
    info.argsz = sizeof info;
    return text(iommufd.ioctl(fd, uapi::kVfioDeviceGetInfo, &info));
}

} // namespace

Cases iommufd_device_cases() {
    constexpr auto kOpened = Iommufd::kOpened;
    constexpr auto kBound = Iommufd::kBound;
    return {
        {"iommufd.bind", kIommufd,
         [](World& w) {
             Iommufd i(w, kOpened);
             return text(i.bind(i.context));
         },
         "ok"},
        {"iommufd.bind.twice", kIommufd,
         [](World& w) {
             Iommufd i(w, kBound);
             return text(i.bind(i.context));
         },
         "EINVAL"},
        {"iommufd.bind.through_a_second_file", kIommufd,
         [](World& w) {
             Iommufd i(w, kBound);
             i.device = i.must_open(w.facts().device_path);
             return text(i.bind(i.context));
         },
         "EINVAL"},
        {"iommufd.bind.again_after_close", kIommufd,
         [](World& w) {
             Iommufd i(w, kBound);
             Process::must(i.close(i.device), "close");
             i.device = i.must_open(w.facts().device_path);
             return text(i.bind(i.context));
         },
         "ok"},
        {"iommufd.bind.flags", kIommufd,
         [](World& w) {
             Iommufd i(w, kOpened);
             return text(i.bind(i.context, 1u << 31));
         },
         "EINVAL"},
        {"iommufd.bind.short", kIommufd,
         [](World& w) {
             Iommufd i(w, kOpened);
             return text(i.bind(i.context, 0, 12));
         },
         "EINVAL"},
        {"iommufd.bind.negative_descriptor", kIommufd, [](World& w) { return text(Iommufd(w, kOpened).bind(-1)); },
         "EINVAL"},
        {"iommufd.bind.bad_descriptor", kIommufd, [](World& w) { return text(Iommufd(w, kOpened).bind(987)); },
         "EBADF"},
        {"iommufd.bind.not_an_iommufd", kIommufd,
         [](World& w) {
             Iommufd i(w, kOpened);
             return text(i.bind(i.device));
         },
         "EBADFD"},
        {"iommufd.bind.while_the_group_is_open", kIommufd | kType1,
         [](World& w) {
             Iommufd i(w, kOpened);
             i.must_open(w.facts().group_path);
             return text(i.bind(i.context));
         },
         "EBUSY"},
        {"iommufd.bind.keeps_the_group_closed", kIommufd | kType1,
         [](World& w) {
             Iommufd i(w, kBound);
             return text(i.open(w.facts().group_path));
         },
         "EBUSY"},
        {"iommufd.unbound.info", kIommufd,
         [](World& w) {
             Iommufd i(w, kOpened);
             return info(i, i.device);
         },
         "EINVAL"},
        {"iommufd.unbound.pread", kIommufd,
         [](World& w) {
             Iommufd i(w, kOpened);
             std::uint32_t word;
             return text(i.pread(i.device, &word, 4, std::uint64_t{7} << 40));
         },
         "EINVAL"},
        {"iommufd.unbound.mmap", kIommufd,
         [](World& w) {
             Iommufd i(w, kOpened);
             return text(i.map_file(i.device, i.page()));
         },
         "EINVAL"},
        {"iommufd.unbound.attach", kIommufd,
         [](World& w) {
             Iommufd i(w, kOpened);
             return text(i.attach(i.ioas));
         },
         "EINVAL"},
        {"iommufd.bound.info", kIommufd,
         [](World& w) {
             Iommufd i(w, kBound);
             return info(i, i.device);
         },
         "ok"},
        {"iommufd.attach", kIommufd,
         [](World& w) {
             Iommufd i(w, kBound);
             return text(i.attach(i.ioas));
         },
         "ok"},
        {"iommufd.attach.makes_a_page_table", kIommufd,
         [](World& w) {
             Iommufd i(w);
             return i.hwpt_id != 0 && i.hwpt_id != i.ioas ? "another id" : "the same id";
         },
         "another id"},
        {"iommufd.attach.twice", kIommufd,
         [](World& w) {
             Iommufd i(w);
             return text(i.attach(i.ioas));
         },
         "ok"},
        {"iommufd.attach.to_another_space", kIommufd,
         [](World& w) {
             Iommufd i(w);
             const std::string moved = text(i.attach(i.new_ioas()));
             return moved + ", the first " + text(i.destroy(i.ioas));
         },
         "ok, the first ok"},
        {"iommufd.attach.unknown", kIommufd, [](World& w) { return text(Iommufd(w, kBound).attach(9999)); }, "ENOENT"},
        {"iommufd.attach.to_a_device", kIommufd,
         [](World& w) {
             Iommufd i(w, kBound);
             return text(i.attach(i.device_id));
         },
         "EINVAL"},
        {"iommufd.attach.flags", kIommufd,
         [](World& w) {
             Iommufd i(w, kBound);
             return text(i.attach(i.ioas, 1u << 31));
         },
         "EINVAL"},
        {"iommufd.attach.short", kIommufd,
         [](World& w) {
             Iommufd i(w, kBound);
             return text(i.attach(i.ioas, 0, 8));
         },
         "EINVAL"},
        {"iommufd.attach.to_a_space_with_bad_memory", kIommufd,
         [](World& w) {
             Iommufd i(w, kBound);
             i.must_map(0x10000, kIova, i.page());
             return text(i.attach(i.ioas));
         },
         "EFAULT"},
        {"iommufd.attach.to_a_space_that_uses_the_interrupt_window", kIommufd,
         [](World& w) {
             Iommufd i(w);
             const std::uint64_t window = i.ranges().ranges.at(0).last + 1;
             Process::must(i.detach(), "DETACH");
             i.must_map(i.memory(1), window, i.page());
             return text(i.attach(i.ioas));
         },
         "EADDRINUSE"},
        {"iommufd.attach.to_a_space_with_memory", kIommufd,
         [](World& w) {
             Iommufd i(w, kBound);
             i.must_map(i.memory(4), kIova, 4 * i.page());
             return text(i.attach(i.ioas));
         },
         "ok"},
        {"iommufd.detach", kIommufd, [](World& w) { return text(Iommufd(w).detach()); }, "ok"},
        {"iommufd.detach.twice", kIommufd,
         [](World& w) {
             Iommufd i(w);
             Process::must(i.detach(), "DETACH");
             return text(i.detach());
         },
         "ok"},
        {"iommufd.detach.flags", kIommufd, [](World& w) { return text(Iommufd(w).detach(1u << 31)); }, "EINVAL"},
        {"iommufd.detach.short", kIommufd, [](World& w) { return text(Iommufd(w).detach(0, 4)); }, "EINVAL"},
        {"iommufd.hw_info.unknown_device", kIommufd,
         [](World& w) {
             Iommufd i(w, kBound);
             uapi::IommuHwInfo call{};
             call.size = sizeof call;
             call.dev_id = 9999;
             return text(i.ioctl(i.context, uapi::kIommuGetHwInfo, &call));
         },
         "ENOENT"},
        {"iommufd.hw_info.flags", kIommufd,
         [](World& w) {
             Iommufd i(w, kBound);
             uapi::IommuHwInfo call{};
             call.size = sizeof call;
             call.dev_id = i.device_id;
             call.flags = 1u << 31;
             return text(i.ioctl(i.context, uapi::kIommuGetHwInfo, &call));
         },
         "EOPNOTSUPP"},
        {"iommufd.hwpt", kIommufd,
         [](World& w) {
             Iommufd i(w, kBound);
             return text(i.alloc_hwpt(i.ioas));
         },
         "ok"},
        {"iommufd.hwpt.attach", kIommufd,
         [](World& w) {
             Iommufd i(w, kBound);
             Process::must(i.alloc_hwpt(i.ioas), "HWPT_ALLOC");
             return text(i.attach(i.hwpt_id));
         },
         "ok"},
        {"iommufd.hwpt.keeps_its_space", kIommufd,
         [](World& w) {
             Iommufd i(w, kBound);
             Process::must(i.alloc_hwpt(i.ioas), "HWPT_ALLOC");
             return in_turn({text(i.destroy(i.ioas)), text(i.destroy(i.hwpt_id)), text(i.destroy(i.ioas))});
         },
         "EBUSY then ok then ok"},
        {"iommufd.hwpt.over_bad_memory", kIommufd,
         [](World& w) {
             Iommufd i(w, kBound);
             i.must_map(0x10000, kIova, i.page());
             return text(i.alloc_hwpt(i.ioas));
         },
         "EFAULT"},
        {"iommufd.hwpt.flags_unknown", kIommufd,
         [](World& w) {
             Iommufd i(w, kBound);
             return text(i.alloc_hwpt(i.ioas, 1u << 31));
         },
         "EOPNOTSUPP"},
        {"iommufd.hwpt.over_nothing", kIommufd, [](World& w) { return text(Iommufd(w, kBound).alloc_hwpt(9999)); },
         "EINVAL"},
        {"iommufd.hwpt.over_a_device", kIommufd,
         [](World& w) {
             Iommufd i(w, kBound);
             return text(i.alloc_hwpt(i.device_id));
         },
         "EINVAL"},
        {"iommufd.hwpt.for_no_device", kIommufd,
         [](World& w) {
             Iommufd i(w, kBound);
             i.device_id = 9999;
             return text(i.alloc_hwpt(i.ioas));
         },
         "ENOENT"},
    };
}

} // namespace contract
