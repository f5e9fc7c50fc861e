// VFIO_IOMMU_UNMAP_DMA and VFIO_IOMMU_GET_INFO.
#include "tests/contract/suite.h"
#include "tests/contract/type1.h"

namespace contract {

namespace {

constexpr std::uint64_t kIova = Type1::kIova;

/// What an unmap says where [kIova, +8 pages) is one mapping and [kIova + 16 pages, +2) another. In pages from kIova.
std::string unmap(World& world, std::int64_t first, std::uint64_t size) {
    Type1 t(world);
    const std::uint64_t memory = t.memory(8);
    t.must_map(memory, kIova, 8 * t.page());
    t.must_map(memory, kIova + 16 * t.page(), 2 * t.page());
    return t.unmap(kIova + static_cast<std::uint64_t>(first) * t.page(), size * t.page());
}

std::uint64_t page(const World& world) { return world.facts().page_size; }

/// UNMAP_DMA with fields bent, where one page is mapped at kIova.
std::string bent(World& world, std::uint64_t iova, std::uint64_t size, std::uint32_t flags = 0,
                 std::uint32_t argsz = sizeof(uapi::VfioIommuType1DmaUnmap)) {
    Type1 t(world);
    t.must_map(t.memory(1), kIova, t.page());
    return t.unmap(iova, size, flags, argsz);
}

} // namespace

Cases type1_unmap_cases() {
    constexpr std::uint32_t kAll = uapi::kVfioDmaUnmapFlagAll;
    constexpr std::uint32_t kBitmap = uapi::kVfioDmaUnmapFlagGetDirtyBitmap;
    constexpr std::uint32_t kVaddr = uapi::kVfioDmaUnmapFlagVaddr;
    return {
        {"type1.unmap.exact", kType1, [](World& w) { return unmap(w, 0, 8); }, "8 pages"},
        {"type1.unmap.nothing_there", kType1, [](World& w) { return unmap(w, 100, 8); }, "0 pages"},
        {"type1.unmap.between_two", kType1, [](World& w) { return unmap(w, 8, 8); }, "0 pages"},
        {"type1.unmap.head_of_a_mapping", kType1, [](World& w) { return unmap(w, 0, 4); }, "EINVAL"},
        {"type1.unmap.tail_of_a_mapping", kType1, [](World& w) { return unmap(w, 4, 4); }, "EINVAL"},
        {"type1.unmap.middle_of_a_mapping", kType1, [](World& w) { return unmap(w, 2, 2); }, "EINVAL"},
        {"type1.unmap.all_but_the_last_page", kType1, [](World& w) { return unmap(w, -4, 11); }, "EINVAL"},
        {"type1.unmap.one_whole_one_cut", kType1, [](World& w) { return unmap(w, 0, 17); }, "EINVAL"},
        {"type1.unmap.around_one", kType1, [](World& w) { return unmap(w, -4, 14); }, "8 pages"},
        {"type1.unmap.around_both", kType1, [](World& w) { return unmap(w, -4, 40); }, "10 pages"},
        {"type1.unmap.twice", kType1,
         [](World& w) {
             Type1 t(w);
             t.must_map(t.memory(1), kIova, t.page());
             return in_turn({t.unmap(kIova, t.page()), t.unmap(kIova, t.page())});
         },
         "1 page then 0 pages"},
        {"type1.unmap.a_refused_one_leaves_all", kType1,
         [](World& w) {
             Type1 t(w);
             const std::uint64_t memory = t.memory(8);
             t.must_map(memory, kIova, t.page());
             t.must_map(memory, kIova + 2 * t.page(), 4 * t.page());
             const std::string refused = t.unmap(kIova, 4 * t.page());
             return refused + " then " + t.unmap_all();
         },
         "EINVAL then 5 pages"},
        {"type1.unmap.from_zero_to_the_aperture", kType1, [](World& w) { return bent(w, 0, std::uint64_t{1} << 38); },
         "1 page"},
        {"type1.unmap.size_zero", kType1, [](World& w) { return bent(w, kIova, 0); }, "EINVAL"},
        {"type1.unmap.size_misaligned", kType1, [](World& w) { return bent(w, kIova, page(w) / 2); }, "EINVAL"},
        {"type1.unmap.iova_misaligned", kType1, [](World& w) { return bent(w, kIova + page(w) / 2, page(w)); },
         "EINVAL"},
        {"type1.unmap.wraps", kType1, [](World& w) { return bent(w, kMaxU64 - page(w) + 1, 2 * page(w)); },
         Expected("EINVAL").from(700, "EOVERFLOW")},
        {"type1.unmap.argsz_short", kType1, [](World& w) { return bent(w, kIova, page(w), 0, 23); }, "EINVAL"},
        {"type1.unmap.argsz_longer", kType1, [](World& w) { return bent(w, kIova, page(w), 0, 64); }, "1 page"},
        {"type1.unmap.null", kType1,
         [](World& w) {
             Type1 t(w);
             return text(t.ioctl(t.container, uapi::kVfioIommuUnmapDma, nullptr));
         },
         "EFAULT"},
        {"type1.unmap.flags_unknown", kType1, [](World& w) { return bent(w, kIova, page(w), 1u << 31); }, "EINVAL"},
        {"type1.unmap.bitmap_without_room", kType1, [](World& w) { return bent(w, kIova, page(w), kBitmap); },
         "EINVAL"},
        {"type1.unmap.bitmap_and_all", kType1, [](World& w) { return bent(w, 0, 0, kBitmap | kAll); }, "EINVAL"},
        {"type1.unmap.bitmap_and_vaddr", kType1, [](World& w) { return bent(w, kIova, page(w), kBitmap | kVaddr); },
         "EINVAL"},
        {"type1.unmap_all.empty", kType1, [](World& w) { return Type1(w).unmap_all(); }, "0 pages"},
        {"type1.unmap_all", kType1,
         [](World& w) {
             Type1 t(w);
             const std::uint64_t memory = t.memory(4);
             t.must_map(memory, 0, t.page());
             t.must_map(memory, kIova, 4 * t.page());
             return t.unmap_all();
         },
         "5 pages"},
        {"type1.unmap_all.with_a_size", kType1, [](World& w) { return bent(w, 0, page(w), kAll); }, "EINVAL"},
        {"type1.unmap_all.with_an_iova", kType1, [](World& w) { return bent(w, kIova, 0, kAll); }, "EINVAL"},
    };
}

Cases type1_info_cases() {
    return {
        {"type1.info.flags", kType1, [](World& w) { return hex(Type1(w).info().head.flags); }, "0x3"},
        {"type1.info.capabilities", kType1, [](World& w) { return Type1(w).info().capability_ids; }, "1 2 3"},
        {"type1.info.short", kType1,
         [](World& w) {
             Type1 t(w);
             uapi::VfioIommuType1Info info{};
             info.argsz = 15;
             return text(t.ioctl(t.container, uapi::kVfioIommuGetInfo, &info));
         },
         "EINVAL"},
        {"type1.info.null", kType1,
         [](World& w) {
             Type1 t(w);
             return text(t.ioctl(t.container, uapi::kVfioIommuGetInfo, nullptr));
         },
         "EFAULT"},
        {"type1.info.no_room_for_capabilities", kType1,
         [](World& w) {
             Type1 t(w);
             uapi::VfioIommuType1Info info{};
             info.argsz = sizeof info;
             const std::int64_t result = t.ioctl(t.container, uapi::kVfioIommuGetInfo, &info);
             return text(result) + (info.argsz > sizeof info ? ", asks for more" : ", asks for no more") +
                    (info.cap_offset == 0 ? ", no capability" : ", a capability");
         },
         "ok, asks for more, no capability"},
        {"type1.info.oldest_struct", kType1,
         [](World& w) {
             Type1 t(w);
             uapi::VfioIommuType1Info info{};
             info.argsz = uapi::kVfioIommuType1InfoSizeMin;
             const std::int64_t result = t.ioctl(t.container, uapi::kVfioIommuGetInfo, &info);
             return text(result) + (info.iova_pgsizes != 0 ? ", with page sizes" : ", without page sizes");
         },
         "ok, with page sizes"},
        {"type1.info.smallest_page", kType1,
         [](World& w) {
             const std::uint64_t sizes = Type1(w).info().head.iova_pgsizes;
             return pages(sizes & (~sizes + 1), w.facts().page_size);
         },
         "1 page"},
        {"type1.info.entries_left", kType1, [](World& w) { return std::to_string(Type1(w).info().avail); }, "65535"},
        {"type1.info.entries_left_after_a_map", kType1,
         [](World& w) {
             Type1 t(w);
             t.must_map(t.memory(1), kIova, t.page());
             return std::to_string(t.info().avail);
         },
         "65534"},
        {"type1.info.entries_left_after_an_unmap", kType1,
         [](World& w) {
             Type1 t(w);
             t.must_map(t.memory(1), kIova, t.page());
             t.unmap(kIova, t.page());
             return std::to_string(t.info().avail);
         },
         "65535"},
        {"type1.info.entries_run_out", kType1,
         [](World& w) {
             Type1 t(w);
             const std::uint64_t memory = t.memory(1);
             constexpr std::uint64_t kAbove = 0x1'0000'0000; // every interrupt window
             std::uint64_t count = 0;
             while (count < 70'000 && t.map(memory, kAbove + count * t.page(), t.page()) == 0)
                 ++count;
             const std::string refused = text(t.map(memory, 0, t.page()));
             t.unmap(kAbove, t.page());
             return std::to_string(count) + " then " + in_turn({refused, text(t.map(memory, 0, t.page()))});
         },
         "65535 then ENOSPC then ok"},
        {"type1.info.ranges", kType1,
         [](World& w) {
             std::string list;
             for (const uapi::VfioIovaRange& range : Type1(w).info().ranges)
                 list += (list.empty() ? "" : " ") + hex(range.start) + "-" + hex(range.end);
             return list;
         },
         Expected("0x0-0xfedfffff 0xfef00000-0xffffffffffff")
             .on(Arch::kArm64, "0x0-0x7ffffff 0x8100000-0xffffffffffff")},
    };
}

} // namespace contract
