// iommufd's common rules, its objects, and the questions about an IOAS: sizes, ids, ranges, options.
#include <cstring>

#include "tests/contract/iommufd.h"
#include "tests/contract/suite.h"

namespace contract {

namespace {

std::string with_size(World& world, std::uint32_t size, unsigned char tail) {
    Iommufd i(world, Iommufd::kContext);
    alignas(8) unsigned char buffer[64] = {};
    std::memcpy(buffer, &size, sizeof size);
    buffer[40] = tail;
    return text(i.ioctl(i.context, uapi::kIommuIoasAlloc, buffer));
}

std::string list(const std::vector<uapi::IommuIovaRange>& ranges) {
    std::string all;
    for (const uapi::IommuIovaRange& range : ranges)
        all += (all.empty() ? "" : " ") + hex(range.start) + "-" + hex(range.last);
    return all;
}

std::string option(World& world, std::uint32_t id, std::uint16_t operation, std::uint64_t value,
                   Iommufd::Stage stage = Iommufd::kContext) {
    Iommufd i(world, stage);
    const std::int64_t result = i.option(id, operation, id == uapi::kIommuOptionHugePages ? i.ioas : 0, value);
    return result < 0 ? text(result) : std::to_string(value);
}

constexpr auto kGet = uapi::kIommuOptionOpGet;
constexpr auto kSet = uapi::kIommuOptionOpSet;

} // namespace

Cases iommufd_object_cases() {
    constexpr auto kContext = Iommufd::kContext;
    return {
        {"iommufd.open.twice", kIommufd,
         [](World& w) {
             Process p(w);
             p.must_open("/dev/iommu");
             return text(p.open("/dev/iommu"));
         },
         "ok"},
        {"iommufd.ioctl.unknown", kIommufd,
         [](World& w) {
             Iommufd i(w, kContext);
             std::uint32_t argument[8] = {sizeof argument};
             return text(i.ioctl(i.context, 0x3BF0, argument));
         },
         "ENOTTY"},
        {"iommufd.pread", kIommufd,
         [](World& w) {
             Iommufd i(w, kContext);
             char byte;
             return text(i.pread(i.context, &byte, 1, 0));
         },
         "EINVAL"},
        {"iommufd.ioas_alloc", kIommufd, [](World& w) { return with_size(w, 12, 0); }, "ok"},
        {"iommufd.ioas_alloc.null", kIommufd,
         [](World& w) {
             Iommufd i(w, kContext);
             return text(i.ioctl(i.context, uapi::kIommuIoasAlloc, nullptr));
         },
         "EFAULT"},
        {"iommufd.ioas_alloc.size_zero", kIommufd, [](World& w) { return with_size(w, 0, 0); }, "EINVAL"},
        {"iommufd.ioas_alloc.size_short", kIommufd, [](World& w) { return with_size(w, 11, 0); }, "EINVAL"},
        {"iommufd.ioas_alloc.size_longer", kIommufd, [](World& w) { return with_size(w, 64, 0); }, "ok"},
        {"iommufd.ioas_alloc.size_longer_with_something_in_it", kIommufd, [](World& w) { return with_size(w, 64, 1); },
         "E2BIG"},
        {"iommufd.ioas_alloc.size_ends_before_it", kIommufd, [](World& w) { return with_size(w, 40, 1); }, "ok"},
        {"iommufd.ioas_alloc.flags", kIommufd,
         [](World& w) {
             Iommufd i(w, kContext);
             uapi::IommuIoasAlloc call{sizeof call, 1, 0};
             return text(i.ioctl(i.context, uapi::kIommuIoasAlloc, &call));
         },
         "EOPNOTSUPP"},
        {"iommufd.ioas_alloc.each_its_own_id", kIommufd,
         [](World& w) {
             Iommufd i(w, kContext);
             return i.new_ioas() != i.ioas ? "another" : "the same";
         },
         "another"},
        {"iommufd.destroy", kIommufd,
         [](World& w) {
             Iommufd i(w, kContext);
             return text(i.destroy(i.ioas));
         },
         "ok"},
        {"iommufd.destroy.twice", kIommufd,
         [](World& w) {
             Iommufd i(w, kContext);
             Process::must(i.destroy(i.ioas), "DESTROY");
             return text(i.destroy(i.ioas));
         },
         "ENOENT"},
        {"iommufd.destroy.unknown", kIommufd, [](World& w) { return text(Iommufd(w, kContext).destroy(9999)); },
         "ENOENT"},
        {"iommufd.destroy.id_zero", kIommufd, [](World& w) { return text(Iommufd(w, kContext).destroy(0)); }, "ENOENT"},
        {"iommufd.destroy.of_another_context", kIommufd,
         [](World& w) {
             Iommufd one(w, kContext), other(w, kContext);
             const std::uint32_t id = one.new_ioas();
             return text(other.destroy(id));
         },
         "ENOENT"},
        {"iommufd.destroy.with_mappings", kIommufd,
         [](World& w) {
             Iommufd i(w, kContext);
             i.must_map(i.memory(1), Iommufd::kIova, i.page());
             return text(i.destroy(i.ioas));
         },
         "ok"},
        {"iommufd.destroy.attached", kIommufd,
         [](World& w) {
             Iommufd i(w);
             return text(i.destroy(i.ioas));
         },
         "EBUSY"},
        {"iommufd.destroy.page_table_in_use", kIommufd,
         [](World& w) {
             Iommufd i(w);
             return text(i.destroy(i.hwpt_id));
         },
         "EBUSY"},
        {"iommufd.destroy.bound_device", kIommufd,
         [](World& w) {
             Iommufd i(w, Iommufd::kBound);
             return text(i.destroy(i.device_id));
         },
         "EBUSY"},
        {"iommufd.destroy.after_detach", kIommufd,
         [](World& w) {
             Iommufd i(w);
             Process::must(i.detach(), "DETACH");
             return text(i.destroy(i.ioas));
         },
         "ok"},
        {"iommufd.ranges.nothing_attached", kIommufd,
         [](World& w) { return list(Iommufd(w, kContext).ranges().ranges); }, "0x0-0xffffffffffffffff"},
        {"iommufd.ranges.attached", kIommufd, [](World& w) { return list(Iommufd(w).ranges().ranges); },
         Expected("0x0-0xfedfffff 0xfef00000-0xffffffffffff")
             .on(Arch::kArm64, "0x0-0x7ffffff 0x8100000-0xffffffffffff")},
        {"iommufd.ranges.after_detach", kIommufd,
         [](World& w) {
             Iommufd i(w);
             Process::must(i.detach(), "DETACH");
             return list(i.ranges().ranges);
         },
         "0x0-0xffffffffffffffff"},
        {"iommufd.ranges.alignment_of_nothing", kIommufd,
         [](World& w) { return std::to_string(Iommufd(w, kContext).ranges().alignment); }, "1"},
        {"iommufd.ranges.alignment_when_attached", kIommufd,
         [](World& w) { return pages(Iommufd(w).ranges().alignment, w.facts().page_size); }, "1 page"},
        {"iommufd.ranges.no_room", kIommufd,
         [](World& w) {
             const auto ranges = Iommufd(w).ranges(0);
             return text(ranges.result) + ", there are " + std::to_string(ranges.count);
         },
         "EMSGSIZE, there are 2"},
        {"iommufd.ranges.room_for_one_of_two", kIommufd,
         [](World& w) {
             const auto ranges = Iommufd(w).ranges(1);
             return text(ranges.result) + ", there are " + std::to_string(ranges.count);
         },
         "EMSGSIZE, there are 2"},
        {"iommufd.ranges.unknown_ioas", kIommufd,
         [](World& w) {
             Iommufd i(w, kContext);
             i.ioas = 9999;
             return text(i.ranges().result);
         },
         "ENOENT"},
        {"iommufd.ranges.of_a_device", kIommufd,
         [](World& w) {
             Iommufd i(w, Iommufd::kBound);
             i.ioas = i.device_id;
             return text(i.ranges().result);
         },
         "ENOENT"},
        {"iommufd.allow.one_range", kIommufd,
         [](World& w) {
             return text(Iommufd(w, kContext).allow({{0x100'0000, 0x1FF'FFFF}}));
         },
         "ok"},
        {"iommufd.allow.nothing", kIommufd, [](World& w) { return text(Iommufd(w, kContext).allow({})); }, "ok"},
        {"iommufd.allow.backwards", kIommufd,
         [](World& w) {
             return text(Iommufd(w, kContext).allow({{0x1FF'FFFF, 0x100'0000}}));
         },
         "EINVAL"},
        {"iommufd.allow.overlapping", kIommufd,
         [](World& w) {
             return text(Iommufd(w, kContext).allow({{0x100'0000, 0x1FF'FFFF}, {0x180'0000, 0x2FF'FFFF}}));
         },
         "EINVAL"},
        {"iommufd.allow.reserved_field", kIommufd,
         [](World& w) {
             return text(Iommufd(w, kContext).allow({{0x100'0000, 0x1FF'FFFF}}, 1));
         },
         "EOPNOTSUPP"},
        {"iommufd.allow.the_interrupt_window", kIommufd,
         [](World& w) {
             Iommufd i(w);
             return text(i.allow({{0, i.ranges().ranges.at(0).last + 1}}));
         },
         "EADDRINUSE"},
        {"iommufd.allow.the_kernel_chooses_inside", kIommufd,
         [](World& w) {
             Iommufd i(w);
             Process::must(i.allow({{0x300'0000, 0x3FF'FFFF}}), "IOAS_ALLOW_IOVAS");
             const std::int64_t result = i.map(i.memory(1), 0, i.page(), Iommufd::kReadable | Iommufd::kWriteable);
             if (result < 0)
                 return text(result);
             return i.mapped_iova >= 0x300'0000 && i.mapped_iova <= 0x3FF'FFFF ? std::string("inside")
                                                                               : hex(i.mapped_iova);
         },
         "inside"},
        {"iommufd.option.rlimit_mode", kIommufd,
         [](World& w) { return option(w, uapi::kIommuOptionRlimitMode, kGet, 7); }, "0"},
        {"iommufd.option.rlimit_mode_once_there_are_objects", kIommufd,
         [](World& w) { return option(w, uapi::kIommuOptionRlimitMode, kSet, 1); }, "EBUSY"},
        {"iommufd.option.rlimit_mode_of_an_empty_context", kIommufd,
         [](World& w) {
             Iommufd i(w, kContext);
             Process::must(i.destroy(i.ioas), "DESTROY");
             std::uint64_t value = 1;
             const std::string set = text(i.option(uapi::kIommuOptionRlimitMode, kSet, 0, value));
             value = 7;
             Process::must(i.option(uapi::kIommuOptionRlimitMode, kGet, 0, value), "OPTION");
             return set + ", " + std::to_string(value);
         },
         "ok, 1"},
        {"iommufd.option.huge_pages", kIommufd,
         [](World& w) { return option(w, uapi::kIommuOptionHugePages, kGet, 7); }, "1"},
        {"iommufd.option.huge_pages_off", kIommufd,
         [](World& w) { return option(w, uapi::kIommuOptionHugePages, kSet, 0); }, "0"},
        {"iommufd.option.huge_pages_two", kIommufd,
         [](World& w) { return option(w, uapi::kIommuOptionHugePages, kSet, 2); }, "EINVAL"},
        {"iommufd.option.huge_pages_off_when_attached", kIommufd,
         [](World& w) { return option(w, uapi::kIommuOptionHugePages, kSet, 0, Iommufd::kAttached); }, "0"},
        {"iommufd.option.unknown", kIommufd, [](World& w) { return option(w, 99, kGet, 0); }, "EOPNOTSUPP"},
        {"iommufd.option.unknown_operation", kIommufd,
         [](World& w) { return option(w, uapi::kIommuOptionHugePages, 9, 0); }, "EOPNOTSUPP"},
    };
}

} // namespace contract
