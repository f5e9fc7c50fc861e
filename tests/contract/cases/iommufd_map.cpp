// IOAS_MAP, IOAS_UNMAP and IOAS_COPY, with a device attached unless the name says otherwise.
#include "tests/contract/iommufd.h"
#include "tests/contract/suite.h"

namespace contract {

namespace {

constexpr std::uint64_t kIova = Iommufd::kIova;
constexpr std::uint32_t kReadable = Iommufd::kReadable;
constexpr std::uint32_t kWriteable = Iommufd::kWriteable;
constexpr std::uint32_t kFixed = Iommufd::kFixed;

std::uint64_t page(const World& world) { return world.facts().page_size; }

/// One mapping, with some of its fields bent.
std::string one(World& world, std::uint64_t memory_offset, std::uint64_t iova, std::uint64_t size,
                std::uint32_t flags = Iommufd::kAll) {
    Iommufd i(world);
    return text(i.map(i.memory(4) + memory_offset, iova, size, flags));
}

/// The answer to one more mapping, beside [kIova, kIova + 8 pages), which is mapped. In pages from there.
std::string beside(World& world, std::int64_t first, std::uint64_t size) {
    Iommufd i(world);
    const std::uint64_t memory = i.memory(16);
    i.must_map(memory, kIova, 8 * i.page());
    return text(i.map(memory, kIova + static_cast<std::uint64_t>(first) * i.page(), size * i.page()));
}

/// What an unmap says where [kIova, +8 pages) is one mapping and [kIova + 16 pages, +2) another. In pages from kIova.
std::string unmap(World& world, std::int64_t first, std::uint64_t size) {
    Iommufd i(world);
    const std::uint64_t memory = i.memory(8);
    i.must_map(memory, kIova, 8 * i.page());
    i.must_map(memory, kIova + 16 * i.page(), 2 * i.page());
    return i.unmap(kIova + static_cast<std::uint64_t>(first) * i.page(), size * i.page());
}

/// An IOAS with four pages mapped at kIova, and a second one.
struct TwoSpaces : Iommufd {
    explicit TwoSpaces(World& world, std::uint32_t flags = kAll) : Iommufd(world), other(new_ioas()) {
        must_map(memory(4), kIova, 4 * page(), flags);
    }
    std::int64_t to_other(std::uint64_t from, std::uint64_t size, std::uint32_t flags = kAll) {
        return copy(other, 0x200'0000, ioas, from, size, flags);
    }
    const std::uint32_t other;
};

} // namespace

Cases iommufd_map_cases() {
    return {
        {"iommufd.map.one_page", kIommufd, [](World& w) { return one(w, 0, kIova, page(w)); }, "ok"},
        {"iommufd.map.read_only", kIommufd, [](World& w) { return one(w, 0, kIova, page(w), kFixed | kReadable); },
         "ok"},
        {"iommufd.map.kernel_chooses", kIommufd, [](World& w) { return one(w, 0, 0, page(w), kReadable | kWriteable); },
         "ok"},
        {"iommufd.map.kernel_chooses_twice", kIommufd,
         [](World& w) {
             Iommufd i(w);
             const std::uint64_t memory = i.memory(4);
             i.must_map(memory, 0, 4 * i.page(), kReadable | kWriteable);
             const std::uint64_t first = i.mapped_iova;
             i.must_map(memory, 0, 4 * i.page(), kReadable | kWriteable);
             const std::uint64_t second = i.mapped_iova;
             return first + 4 * i.page() <= second || second + 4 * i.page() <= first ? "apart" : "overlapping";
         },
         "apart"},
        {"iommufd.map.flags_unknown", kIommufd,
         [](World& w) { return one(w, 0, kIova, page(w), Iommufd::kAll | 1u << 31); }, "EOPNOTSUPP"},
        {"iommufd.map.no_access", kIommufd, [](World& w) { return one(w, 0, kIova, page(w), kFixed); }, "EINVAL"},
        {"iommufd.map.reserved_field", kIommufd,
         [](World& w) {
             Iommufd i(w);
             uapi::IommuIoasMap call{sizeof call, Iommufd::kAll, i.ioas, 1, i.memory(1), i.page(), kIova};
             return text(i.ioctl(i.context, uapi::kIommuIoasMap, &call));
         },
         "EOPNOTSUPP"},
        {"iommufd.map.size_short", kIommufd,
         [](World& w) {
             Iommufd i(w);
             uapi::IommuIoasMap call{32, Iommufd::kAll, i.ioas, 0, i.memory(1), i.page(), kIova};
             return text(i.ioctl(i.context, uapi::kIommuIoasMap, &call));
         },
         "EINVAL"},
        {"iommufd.map.unknown_ioas", kIommufd,
         [](World& w) {
             Iommufd i(w);
             i.ioas = 9999;
             return text(i.map(i.memory(1), kIova, i.page()));
         },
         "ENOENT"},
        {"iommufd.map.length_zero", kIommufd, [](World& w) { return one(w, 0, kIova, 0); }, "EINVAL"},
        {"iommufd.map.length_misaligned", kIommufd, [](World& w) { return one(w, 0, kIova, page(w) / 2); }, "EINVAL"},
        {"iommufd.map.iova_misaligned", kIommufd, [](World& w) { return one(w, 0, kIova + page(w) / 2, page(w)); },
         "EINVAL"},
        {"iommufd.map.memory_misaligned", kIommufd, [](World& w) { return one(w, page(w) / 2, kIova, page(w)); },
         "EINVAL"},
        {"iommufd.map.iova_wraps", kIommufd, [](World& w) { return one(w, 0, kMaxU64 - page(w) + 1, 2 * page(w)); },
         "EOVERFLOW"},
        {"iommufd.map.memory_wraps", kIommufd,
         [](World& w) { return text(Iommufd(w).map(kMaxU64 - page(w) + 1, kIova, 2 * page(w))); }, "EOVERFLOW"},
        {"iommufd.map.length_of_all", kIommufd, [](World& w) { return one(w, 0, kIova, kMaxU64); }, "EOVERFLOW"},
        {"iommufd.map.overlap_same", kIommufd, [](World& w) { return beside(w, 0, 8); }, "EEXIST"},
        {"iommufd.map.overlap_head", kIommufd, [](World& w) { return beside(w, -1, 2); }, "EEXIST"},
        {"iommufd.map.overlap_tail", kIommufd, [](World& w) { return beside(w, 7, 2); }, "EEXIST"},
        {"iommufd.map.overlap_inside", kIommufd, [](World& w) { return beside(w, 3, 1); }, "EEXIST"},
        {"iommufd.map.overlap_around", kIommufd, [](World& w) { return beside(w, -2, 12); }, "EEXIST"},
        {"iommufd.map.next_below", kIommufd, [](World& w) { return beside(w, -1, 1); }, "ok"},
        {"iommufd.map.next_above", kIommufd, [](World& w) { return beside(w, 8, 1); }, "ok"},
        {"iommufd.map.beyond_the_aperture", kIommufd,
         [](World& w) { return one(w, 0, std::uint64_t{1} << 56, page(w)); }, "EINVAL"},
        {"iommufd.map.inside_the_interrupt_window", kIommufd,
         [](World& w) {
             Iommufd i(w);
             return text(i.map(i.memory(1), i.ranges().ranges.at(0).last + 1, i.page()));
         },
         "EINVAL"},
        {"iommufd.map.half_in_the_interrupt_window", kIommufd,
         [](World& w) {
             Iommufd i(w);
             return text(i.map(i.memory(2), i.ranges().ranges.at(0).last + 1 - i.page(), 2 * i.page()));
         },
         "EINVAL"},
        {"iommufd.map.nothing_mapped_in_the_process", kIommufd,
         [](World& w) { return text(Iommufd(w).map(0x10000, kIova, page(w))); }, "EFAULT"},
        {"iommufd.map.hole_is_undone_whole", kIommufd,
         [](World& w) {
             Iommufd i(w);
             const std::uint64_t memory = i.memory(3);
             Process::must(i.munmap(memory + i.page(), i.page()), "munmap");
             const std::string refused = text(i.map(memory, kIova, 3 * i.page()));
             return refused + " then " + i.unmap(kIova, 3 * i.page());
         },
         "EFAULT then ENOENT"},
        {"iommufd.map.read_only_memory_for_writing", kIommufd,
         [](World& w) {
             Iommufd i(w);
             return text(i.map(i.memory(1, PROT_READ), kIova, i.page()));
         },
         "EFAULT"},
        {"iommufd.map.read_only_memory_for_reading", kIommufd,
         [](World& w) {
             Iommufd i(w);
             return text(i.map(i.memory(1, PROT_READ), kIova, i.page(), kFixed | kReadable));
         },
         "ok"},
        {"iommufd.map.device_registers", kIommufd,
         [](World& w) {
             Iommufd i(w);
             const std::uint16_t memory_on = 6;
             i.pwrite(i.device, &memory_on, 2, (std::uint64_t{7} << 40) + 4);
             const std::int64_t at = Process::must(i.map_file(i.device, 0x100000), "mmap");
             return text(i.map(static_cast<std::uint64_t>(at), kIova, 0x100000));
         },
         "EFAULT"},
        {"iommufd.map.unattached_looks_at_nothing", kIommufd,
         [](World& w) { return text(Iommufd(w, Iommufd::kBound).map(0x10000, kIova + 5, 7)); }, "ok"},
    };
}

Cases iommufd_unmap_cases() {
    return {
        {"iommufd.unmap.exact", kIommufd, [](World& w) { return unmap(w, 0, 8); }, "8 pages"},
        {"iommufd.unmap.nothing_there", kIommufd, [](World& w) { return unmap(w, 100, 8); }, "ENOENT"},
        {"iommufd.unmap.between_two", kIommufd, [](World& w) { return unmap(w, 8, 8); }, "ENOENT"},
        {"iommufd.unmap.head_of_a_mapping", kIommufd, [](World& w) { return unmap(w, 0, 4); }, "ENOENT"},
        {"iommufd.unmap.tail_of_a_mapping", kIommufd, [](World& w) { return unmap(w, 4, 4); }, "ENOENT"},
        {"iommufd.unmap.middle_of_a_mapping", kIommufd, [](World& w) { return unmap(w, 2, 2); }, "ENOENT"},
        {"iommufd.unmap.around_one", kIommufd, [](World& w) { return unmap(w, -4, 14); }, "8 pages"},
        {"iommufd.unmap.around_both", kIommufd, [](World& w) { return unmap(w, -4, 40); }, "10 pages"},
        {"iommufd.unmap.one_whole_one_cut", kIommufd,
         [](World& w) {
             Iommufd i(w);
             const std::uint64_t memory = i.memory(8);
             i.must_map(memory, kIova, i.page());
             i.must_map(memory, kIova + 2 * i.page(), 4 * i.page());
             const std::string refused = i.unmap(kIova, 4 * i.page());
             return refused + " then " + i.unmap_all();
         },
         "ENOENT then 4 pages"},
        {"iommufd.unmap.length_zero", kIommufd, [](World& w) { return unmap(w, 0, 0); }, "EINVAL"},
        {"iommufd.unmap.wraps", kIommufd, [](World& w) { return Iommufd(w).unmap(kMaxU64 - page(w) + 1, 2 * page(w)); },
         "EOVERFLOW"},
        {"iommufd.unmap.unknown_ioas", kIommufd,
         [](World& w) {
             Iommufd i(w);
             i.ioas = 9999;
             return i.unmap(kIova, i.page());
         },
         "ENOENT"},
        {"iommufd.unmap_all", kIommufd,
         [](World& w) {
             Iommufd i(w);
             const std::uint64_t memory = i.memory(4);
             i.must_map(memory, 0, i.page());
             i.must_map(memory, kIova, 4 * i.page());
             return i.unmap_all();
         },
         "5 pages"},
        {"iommufd.unmap_all.empty", kIommufd, [](World& w) { return Iommufd(w).unmap_all(); }, "0 pages"},
        {"iommufd.copy", kIommufd,
         [](World& w) {
             TwoSpaces t(w);
             return text(t.to_other(kIova, 4 * t.page()));
         },
         "ok"},
        {"iommufd.copy.a_part", kIommufd,
         [](World& w) {
             TwoSpaces t(w);
             return text(t.to_other(kIova + t.page(), 2 * t.page()));
         },
         "ok"},
        {"iommufd.copy.within_one_space", kIommufd,
         [](World& w) {
             TwoSpaces t(w);
             return text(t.copy(t.ioas, 0x200'0000, t.ioas, kIova, 4 * t.page()));
         },
         "ok"},
        {"iommufd.copy.nothing_there", kIommufd,
         [](World& w) {
             TwoSpaces t(w);
             return text(t.to_other(0x500'0000, t.page()));
         },
         "ENOENT"},
        {"iommufd.copy.beyond_the_end", kIommufd,
         [](World& w) {
             TwoSpaces t(w);
             return text(t.to_other(kIova + t.page(), 4 * t.page()));
         },
         "ENOENT"},
        {"iommufd.copy.onto_something", kIommufd,
         [](World& w) {
             TwoSpaces t(w);
             Process::must(t.to_other(kIova, t.page()), "first copy");
             return text(t.to_other(kIova + t.page(), t.page()));
         },
         "EEXIST"},
        {"iommufd.copy.length_zero", kIommufd, [](World& w) { return text(TwoSpaces(w).to_other(kIova, 0)); },
         "EINVAL"},
        {"iommufd.copy.wraps", kIommufd,
         [](World& w) { return text(TwoSpaces(w).to_other(kMaxU64 - page(w) + 1, 2 * page(w))); }, "EOVERFLOW"},
        {"iommufd.copy.no_access", kIommufd,
         [](World& w) {
             TwoSpaces t(w);
             return text(t.to_other(kIova, t.page(), kFixed));
         },
         "EINVAL"},
        {"iommufd.copy.flags_unknown", kIommufd,
         [](World& w) {
             TwoSpaces t(w);
             return text(t.to_other(kIova, t.page(), Iommufd::kAll | 1u << 31));
         },
         "EOPNOTSUPP"},
        {"iommufd.copy.from_an_unknown_space", kIommufd,
         [](World& w) {
             TwoSpaces t(w);
             return text(t.copy(t.other, 0x200'0000, 9999, kIova, t.page()));
         },
         "ENOENT"},
        {"iommufd.copy.to_an_unknown_space", kIommufd,
         [](World& w) {
             TwoSpaces t(w);
             return text(t.copy(9999, 0x200'0000, t.ioas, kIova, t.page()));
         },
         "ENOENT"},
        {"iommufd.copy.read_only_memory_for_writing", kIommufd,
         [](World& w) {
             Iommufd i(w);
             const std::uint32_t other = i.new_ioas();
             i.must_map(i.memory(1, PROT_READ), kIova, i.page(), kFixed | kReadable);
             return text(i.copy(other, kIova, i.ioas, kIova, i.page()));
         },
         "EPERM"},
    };
}

} // namespace contract
