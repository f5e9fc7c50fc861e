// VFIO_IOMMU_MAP_DMA: what it takes, what it refuses, and in which order it looks.
#include "tests/contract/suite.h"
#include "tests/contract/type1.h"

namespace contract {

namespace {

constexpr std::uint64_t kIova = Type1::kIova;

/// The answer to one more mapping, beside [kIova, kIova + 8 pages), which is mapped. In pages from there.
std::string beside_eight_pages(World& world, std::int64_t first, std::uint64_t size) {
    Type1 t(world);
    const std::uint64_t memory = t.memory(16);
    t.must_map(memory, kIova, 8 * t.page());
    return text(t.map(memory, kIova + static_cast<std::uint64_t>(first) * t.page(), size * t.page()));
}

/// One mapping of a single page of fresh memory, with some of its fields bent.
std::string one_page(World& world, std::uint64_t memory_offset, std::uint64_t iova_offset, std::uint64_t size,
                     std::uint32_t flags = Type1::kRead | Type1::kWrite,
                     std::uint32_t argsz = sizeof(uapi::VfioIommuType1DmaMap)) {
    Type1 t(world);
    return text(t.map(t.memory(4) + memory_offset, kIova + iova_offset, size, flags, argsz));
}

std::uint64_t page(const World& world) { return world.facts().page_size; }

/// Memory that the device may use, or not, by its protection.
std::string of_protection(World& world, int protection, std::uint32_t flags) {
    Type1 t(world);
    return text(t.map(t.memory(1, protection), kIova, t.page(), flags));
}

std::vector<uapi::VfioIovaRange> ranges(Type1& type1) {
    const Type1::Info info = type1.info();
    if (info.ranges.empty())
        throw SetupFailed("IOMMU_GET_INFO lists no IOVA range");
    return info.ranges;
}

} // namespace

Cases type1_map_cases() {
    constexpr std::uint32_t kBoth = Type1::kRead | Type1::kWrite;
    return {
        {"type1.map.one_page", kType1, [](World& w) { return one_page(w, 0, 0, page(w)); }, "ok"},
        {"type1.map.read_only", kType1, [](World& w) { return one_page(w, 0, 0, page(w), Type1::kRead); }, "ok"},
        {"type1.map.write_only", kType1, [](World& w) { return one_page(w, 0, 0, page(w), Type1::kWrite); }, "ok"},
        {"type1.map.argsz_longer", kType1, [](World& w) { return one_page(w, 0, 0, page(w), kBoth, 256); }, "ok"},
        {"type1.map.argsz_short", kType1, [](World& w) { return one_page(w, 0, 0, page(w), kBoth, 31); }, "EINVAL"},
        {"type1.map.argsz_zero", kType1, [](World& w) { return one_page(w, 0, 0, page(w), kBoth, 0); }, "EINVAL"},
        {"type1.map.null", kType1,
         [](World& w) {
             Type1 t(w);
             return text(t.ioctl(t.container, uapi::kVfioIommuMapDma, nullptr));
         },
         "EFAULT"},
        {"type1.map.flags_none", kType1, [](World& w) { return one_page(w, 0, 0, page(w), 0); }, "EINVAL"},
        {"type1.map.flags_unknown", kType1, [](World& w) { return one_page(w, 0, 0, page(w), kBoth | 1u << 31); },
         "EINVAL"},
        {"type1.map.flags_vaddr_and_access", kType1,
         [](World& w) { return one_page(w, 0, 0, page(w), kBoth | uapi::kVfioDmaMapFlagVaddr); }, "EINVAL"},
        {"type1.map.size_zero", kType1, [](World& w) { return one_page(w, 0, 0, 0); }, "EINVAL"},
        {"type1.map.size_misaligned", kType1, [](World& w) { return one_page(w, 0, 0, page(w) / 2); }, "EINVAL"},
        {"type1.map.size_one_too_many", kType1, [](World& w) { return one_page(w, 0, 0, page(w) + 1); }, "EINVAL"},
        {"type1.map.iova_misaligned", kType1, [](World& w) { return one_page(w, 0, page(w) / 2, page(w)); }, "EINVAL"},
        {"type1.map.memory_misaligned", kType1, [](World& w) { return one_page(w, page(w) / 2, 0, page(w)); },
         "EINVAL"},
        {"type1.map.both_misaligned_alike", kType1,
         [](World& w) { return one_page(w, page(w) / 2, page(w) / 2, page(w)); }, "EINVAL"},
        {"type1.map.iova_wraps", kType1,
         [](World& w) {
             Type1 t(w);
             return text(t.map(t.memory(2), kMaxU64 - t.page() + 1, 2 * t.page()));
         },
         Expected("EINVAL").from(700, "EOVERFLOW")},
        {"type1.map.memory_wraps", kType1,
         [](World& w) { return text(Type1(w).map(kMaxU64 - page(w) + 1, kIova, 2 * page(w))); },
         Expected("EINVAL").from(700, "EOVERFLOW")},
        {"type1.map.size_wraps", kType1,
         [](World& w) {
             Type1 t(w);
             return text(t.map(t.memory(1), kIova, egm::align_down(kMaxU64, t.page())));
         },
         Expected("EINVAL").from(700, "EOVERFLOW")},
        {"type1.map.last_iova_of_64_bits", kType1,
         [](World& w) {
             Type1 t(w);
             return text(t.map(t.memory(1), kMaxU64 - t.page() + 1, t.page()));
         },
         "EINVAL"},
        {"type1.map.overlap_same", kType1, [](World& w) { return beside_eight_pages(w, 0, 8); }, "EEXIST"},
        {"type1.map.overlap_head", kType1, [](World& w) { return beside_eight_pages(w, -1, 2); }, "EEXIST"},
        {"type1.map.overlap_tail", kType1, [](World& w) { return beside_eight_pages(w, 7, 2); }, "EEXIST"},
        {"type1.map.overlap_inside", kType1, [](World& w) { return beside_eight_pages(w, 3, 1); }, "EEXIST"},
        {"type1.map.overlap_around", kType1, [](World& w) { return beside_eight_pages(w, -2, 12); }, "EEXIST"},
        {"type1.map.next_below", kType1, [](World& w) { return beside_eight_pages(w, -1, 1); }, "ok"},
        {"type1.map.next_above", kType1, [](World& w) { return beside_eight_pages(w, 8, 1); }, "ok"},
        {"type1.map.same_memory_twice", kType1, [](World& w) { return beside_eight_pages(w, 100, 8); }, "ok"},
        {"type1.map.again_after_unmap", kType1,
         [](World& w) {
             Type1 t(w);
             const std::uint64_t memory = t.memory(1);
             t.must_map(memory, kIova, t.page());
             t.unmap(kIova, t.page());
             return text(t.map(memory, kIova, t.page()));
         },
         "ok"},
        {"type1.map.nothing_mapped_in_the_process", kType1,
         [](World& w) { return text(Type1(w).map(0x10000, kIova, page(w))); }, "EFAULT"},
        {"type1.map.null_memory", kType1, [](World& w) { return text(Type1(w).map(0, kIova, page(w))); }, "EFAULT"},
        {"type1.map.kernel_memory", kType1,
         [](World& w) { return text(Type1(w).map(0xFFFF'8000'0000'0000, kIova, page(w))); }, "EFAULT"},
        {"type1.map.unmapped_memory", kType1,
         [](World& w) {
             Type1 t(w);
             const std::uint64_t memory = t.memory(2);
             Process::must(t.munmap(memory, 2 * t.page()), "munmap");
             return text(t.map(memory, kIova, t.page()));
         },
         "EFAULT"},
        {"type1.map.memory_without_access", kType1, [](World& w) { return of_protection(w, PROT_NONE, kBoth); },
         "EFAULT"},
        {"type1.map.read_only_memory_for_writing", kType1, [](World& w) { return of_protection(w, PROT_READ, kBoth); },
         "EFAULT"},
        {"type1.map.read_only_memory_for_reading", kType1,
         [](World& w) { return of_protection(w, PROT_READ, Type1::kRead); }, "ok"},
        {"type1.map.shared_memory", kType1,
         [](World& w) {
             Type1 t(w);
             const std::int64_t memory = t.mmap(0, t.page(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
             return text(t.map(static_cast<std::uint64_t>(memory), kIova, t.page()));
         },
         "ok"},
        {"type1.map.across_two_mappings_of_memory", kType1,
         [](World& w) {
             Type1 t(w);
             const std::uint64_t memory = t.memory(4);
             Process::must(t.mmap(memory + 2 * t.page(), t.page(), PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED),
                           "mmap");
             return text(t.map(memory, kIova, 4 * t.page()));
         },
         "ok"},
        {"type1.map.hole_at_the_end", kType1,
         [](World& w) {
             Type1 t(w);
             const std::uint64_t memory = t.memory(3);
             Process::must(t.munmap(memory + 2 * t.page(), t.page()), "munmap");
             return text(t.map(memory, kIova, 3 * t.page()));
         },
         "EFAULT"},
        {"type1.map.hole_is_undone_whole", kType1,
         [](World& w) {
             Type1 t(w);
             const std::uint64_t memory = t.memory(3);
             Process::must(t.munmap(memory + t.page(), t.page()), "munmap");
             t.map(memory, kIova, 3 * t.page());
             return t.unmap(kIova, 3 * t.page());
         },
         "0 pages"},
        {"type1.map.refused_one_gives_its_entry_back", kType1,
         [](World& w) {
             Type1 t(w);
             t.map(0x10000, kIova, page(w));
             return std::to_string(t.info().avail);
         },
         "65535"},
        {"type1.map.beyond_the_aperture", kType1,
         [](World& w) {
             Type1 t(w);
             return text(t.map(t.memory(1), ranges(t).back().end + 1, t.page()));
         },
         "EINVAL"},
        {"type1.map.last_page_of_the_aperture", kType1,
         [](World& w) {
             Type1 t(w);
             return text(t.map(t.memory(1), ranges(t).back().end + 1 - t.page(), t.page()));
         },
         "ok"},
        {"type1.map.across_the_end_of_the_aperture", kType1,
         [](World& w) {
             Type1 t(w);
             return text(t.map(t.memory(2), ranges(t).back().end + 1 - t.page(), 2 * t.page()));
         },
         "EINVAL"},
        {"type1.map.iova_zero", kType1,
         [](World& w) {
             Type1 t(w);
             return text(t.map(t.memory(1), 0, t.page()));
         },
         "ok"},
        {"type1.map.inside_the_interrupt_window", kType1,
         [](World& w) {
             Type1 t(w);
             return text(t.map(t.memory(1), ranges(t).front().end + 1, t.page()));
         },
         "EINVAL"},
        {"type1.map.half_in_the_interrupt_window", kType1,
         [](World& w) {
             Type1 t(w);
             return text(t.map(t.memory(2), ranges(t).front().end + 1 - t.page(), 2 * t.page()));
         },
         "EINVAL"},
        {"type1.map.just_below_the_interrupt_window", kType1,
         [](World& w) {
             Type1 t(w);
             return text(t.map(t.memory(1), ranges(t).front().end + 1 - t.page(), t.page()));
         },
         "ok"},
        {"type1.map.just_above_the_interrupt_window", kType1,
         [](World& w) {
             Type1 t(w);
             return text(t.map(t.memory(1), ranges(t).back().start, t.page()));
         },
         "ok"},
        {"type1.map.order.overlap_before_bad_memory", kType1,
         [](World& w) {
             Type1 t(w);
             t.must_map(t.memory(1), kIova, t.page());
             return text(t.map(0x10000, kIova, t.page()));
         },
         "EEXIST"},
        {"type1.map.order.aperture_before_bad_memory", kType1,
         [](World& w) {
             Type1 t(w);
             return text(t.map(0x10000, ranges(t).back().end + 1, t.page()));
         },
         "EINVAL"},
        {"type1.map.order.alignment_before_overlap", kType1,
         [](World& w) {
             Type1 t(w);
             const std::uint64_t memory = t.memory(2);
             t.must_map(memory, kIova, t.page());
             return text(t.map(memory, kIova, t.page() / 2));
         },
         "EINVAL"},
        {"type1.map.survives_munmap_of_its_memory", kType1,
         [](World& w) {
             Type1 t(w);
             const std::uint64_t memory = t.memory(2);
             t.must_map(memory, kIova, 2 * t.page());
             Process::must(t.munmap(memory, 2 * t.page()), "munmap");
             return t.unmap(kIova, 2 * t.page());
         },
         "2 pages"},
    };
}

} // namespace contract
