// The EGM device's ioctl: the retired pages and the protocol of their buffer; and the calls that it does not have.
#include <set>

#include "egm/uapi/egm.h"
#include "tests/contract/egm_file.h"
#include "tests/contract/suite.h"

namespace contract {

namespace uapi = egm::uapi;

namespace {

std::uint64_t page(const World& world) { return world.facts().page_size; }

/// Room for the header and for every entry of the test machine's list.
struct List {
    uapi::EgmRetiredPagesList head{};
    uapi::EgmRetiredPage entries[64]{};
};

std::string header(World& world, std::uint32_t argsz, unsigned long request = uapi::kEgmRetiredPagesList) {
    Egm e(world);
    List list;
    list.head = {argsz, 99};
    const std::int64_t result = e.ioctl(e.fd, request, &list);
    if (result < 0)
        return text(result);
    return (list.head.argsz == argsz ? "argsz kept" : "argsz " + std::to_string(list.head.argsz)) + ", count " +
           std::to_string(list.head.count);
}

std::uint32_t needed(const World& world) {
    const std::uint64_t entries = world.facts().egm_retired_blocks * (uapi::kRetiredBlockBytes / page(world));
    return static_cast<std::uint32_t>(sizeof(uapi::EgmRetiredPagesList) + entries * sizeof(uapi::EgmRetiredPage));
}

std::string short_answer(World& world, std::uint32_t argsz) {
    const std::string want = "argsz " + std::to_string(needed(world)) + ", count 0";
    const std::string got = header(world, argsz);
    return got == want ? "the size that is needed, count 0" : got;
}

std::string full_answer(World& world, std::uint32_t argsz) {
    Egm e(world);
    List list;
    list.head = {argsz, 99};
    const std::int64_t result = e.ioctl(e.fd, uapi::kEgmRetiredPagesList, &list);
    if (result < 0)
        return text(result);
    std::set<std::uint64_t> blocks;
    std::uint64_t bytes = 0;
    for (std::uint32_t i = 0; i < list.head.count; ++i) {
        blocks.insert(egm::align_down(list.entries[i].offset, uapi::kRetiredBlockBytes));
        bytes += list.entries[i].size;
    }
    std::string all = list.head.argsz == argsz ? "argsz kept, " : "argsz changed, ";
    all += std::to_string(bytes / egm::kKiB) + " KiB at";
    for (const std::uint64_t block : blocks)
        all += " " + hex(block);
    return all;
}

} // namespace

Cases egm_ioctl_cases() {
    return {
        {"egm.retired.header_only", kEgm, [](World& w) { return short_answer(w, 8); },
         "the size that is needed, count 0"},
        {"egm.retired.room_for_one", kEgm, [](World& w) { return short_answer(w, 24); },
         "the size that is needed, count 0"},
        {"egm.retired.one_byte_short", kEgm, [](World& w) { return short_answer(w, needed(w) - 1); },
         "the size that is needed, count 0"},
        {"egm.retired.exact", kEgm, [](World& w) { return full_answer(w, needed(w)); },
         "argsz kept, 128 KiB at 0x10000 0xff0000"},
        {"egm.retired.more_than_needed", kEgm, [](World& w) { return full_answer(w, sizeof(List)); },
         "argsz kept, 128 KiB at 0x10000 0xff0000"},
        {"egm.retired.entries_are_host_pages", kEgm,
         [](World& w) {
             Egm e(w);
             List list;
             list.head = {sizeof list, 0};
             Process::must(e.ioctl(e.fd, uapi::kEgmRetiredPagesList, &list), "EGM_RETIRED_PAGES_LIST");
             return pages(list.entries[0].size, e.page());
         },
         "1 page"},
        {"egm.retired.argsz_short", kEgm, [](World& w) { return header(w, 7); }, "EINVAL"},
        {"egm.retired.argsz_zero", kEgm, [](World& w) { return header(w, 0); }, "EINVAL"},
        {"egm.retired.null", kEgm,
         [](World& w) {
             Egm e(w);
             return text(e.ioctl(e.fd, uapi::kEgmRetiredPagesList, nullptr));
         },
         "EFAULT"},
        {"egm.retired.by_a_reader", kEgm,
         [](World& w) {
             Egm e(w, O_RDONLY);
             List list;
             list.head = {8, 0};
             return text(e.ioctl(e.fd, uapi::kEgmRetiredPagesList, &list));
         },
         "ok"},
        {"egm.ioctl.unknown", kEgm, [](World& w) { return header(w, 8, 0x4501); }, "EINVAL"},
        {"egm.ioctl.unknown_reads_the_header_first", kEgm,
         [](World& w) {
             Egm e(w);
             return text(e.ioctl(e.fd, 0x4501, nullptr));
         },
         "EFAULT"},
        {"egm.ioctl.no_dma_buf_in_this_shape", kEgm, [](World& w) { return header(w, 32, uapi::kEgmExportDmabuf); },
         "EINVAL"},
        {"egm.pread", kEgm,
         [](World& w) {
             Egm e(w);
             char bytes[8];
             return text(e.pread(e.fd, bytes, sizeof bytes, 0));
         },
         "EINVAL"},
        {"egm.pwrite", kEgm,
         [](World& w) {
             Egm e(w);
             return text(e.pwrite(e.fd, "12345678", 8, 0));
         },
         "EINVAL"},
    };
}

} // namespace contract
