// What the device really reaches through a type1 container: mapped addresses arrive, others do not.
#include "tests/contract/edu.h"
#include "tests/contract/suite.h"
#include "tests/contract/type1.h"

namespace contract {

namespace {

constexpr std::uint64_t kIova = Type1::kIova;
constexpr std::uint64_t kOther = 0x200'0000;   ///< a second place
constexpr std::uint64_t kNowhere = 0x900'0000; ///< never mapped
constexpr std::uint64_t kValue = 0x5AA5'1234'9876'0FF0;

/// The device, and four pages of memory of which the first two are mapped at kIova for both directions.
struct Dma : Type1 {
    explicit Dma(World& world, bool bus_master = true)
        : Type1(world), fd(must_device()), edu(*this, fd, bus_master), mapped(memory(4)) {
        must_map(mapped, kIova, 2 * page());
        put(mapped, kValue);
    }
    /// Fresh memory, mapped at kOther. It has pages of its own from then on: a first map for reading alone may pin the
    /// kernel's zero page, which the process's next store replaces (Linux before 6.2).
    std::uint64_t second(std::uint32_t flags = kRead | kWrite) {
        const std::uint64_t at = memory(1);
        must_map(at, kOther, page());
        unmap(kOther, page());
        must_map(at, kOther, page(), flags);
        return at;
    }
    /// Whether the 8 bytes kValue come from `iova` by way of the second mapped page.
    std::string fetch(std::uint64_t iova) { return fetched(*this, edu, iova, kIova + page(), mapped + page(), kValue); }
    /// Whether a delivery to `iova` changes `at`.
    std::string deliver(std::uint64_t iova, std::uint64_t at) {
        return delivered(*this, edu, iova, at, kIova + page(), mapped + page());
    }

    const std::int64_t fd;
    Edu edu;
    const std::uint64_t mapped;
};

} // namespace

Cases type1_dma_cases() {
    return {
        {"type1.dma.read_of_mapped_memory", kType1, [](World& w) { return Dma(w).fetch(kIova); }, "arrived"},
        {"type1.dma.write_to_mapped_memory", kType1,
         [](World& w) {
             Dma d(w);
             return d.deliver(kIova, d.mapped);
         },
         "arrived"},
        {"type1.dma.round_trip", kType1,
         [](World& w) {
             Dma d(w);
             constexpr std::uint64_t kBytes = 2048; // QEMU 7.2 refuses a transfer that ends with the buffer
             for (std::uint64_t at = 0; at < kBytes; at += 8)
                 d.put(d.mapped + at, at * 0x0101'0101 + 7);
             d.edu.fetch(kIova, kBytes);
             d.edu.deliver(kIova + d.page(), kBytes);
             for (std::uint64_t at = 0; at < kBytes; at += 8)
                 if (d.get(d.mapped + d.page() + at) != at * 0x0101'0101 + 7)
                     return "differs at byte " + std::to_string(at);
             return std::string("arrived");
         },
         "arrived"},
        {"type1.dma.across_two_adjacent_mappings", kType1,
         [](World& w) {
             Dma d(w);
             const std::uint64_t next = d.memory(1);
             d.must_map(next, kIova + 2 * d.page(), d.page());
             const std::uint64_t border = kIova + 2 * d.page() - 8;
             d.edu.fetch(kIova, 8);
             d.edu.deliver(border, 8);     // the last bytes of the first mapping
             d.edu.deliver(border + 8, 8); // the first of the second
             d.put(d.mapped, 0);
             d.edu.fetch(border, 16); // one transfer through both
             d.edu.deliver(kIova, 8, 8);
             return d.get(next) == kValue && d.get(d.mapped) == kValue ? "arrived" : "blocked";
         },
         "arrived"},
        {"type1.dma.offset_inside_a_page", kType1,
         [](World& w) {
             Dma d(w);
             d.put(d.mapped + 1000, kValue);
             d.put(d.mapped, 0);
             return d.fetch(kIova + 1000);
         },
         "arrived"},
        {"type1.dma.last_bytes_of_a_mapping", kType1,
         [](World& w) {
             Dma d(w);
             const std::uint64_t memory = d.second();
             return d.deliver(kOther + d.page() - 8, memory + d.page() - 8);
         },
         "arrived"},
        {"type1.dma.read_of_nothing", kType1, [](World& w) { return Dma(w).fetch(kNowhere); }, "blocked"},
        {"type1.dma.read_just_behind_a_mapping", kType1,
         [](World& w) {
             Dma d(w);
             return d.fetch(kIova + 2 * d.page());
         },
         "blocked"},
        {"type1.dma.read_after_unmap", kType1,
         [](World& w) {
             Dma d(w);
             d.put(d.second(), kValue);
             d.unmap(kOther, d.page());
             return d.fetch(kOther);
         },
         "blocked"},
        {"type1.dma.write_after_unmap", kType1,
         [](World& w) {
             Dma d(w);
             const std::uint64_t memory = d.second();
             d.unmap(kOther, d.page());
             return d.deliver(kOther, memory);
         },
         "blocked"},
        {"type1.dma.read_of_a_read_only_mapping", kType1,
         [](World& w) {
             Dma d(w);
             d.put(d.second(Type1::kRead), kValue);
             return d.fetch(kOther);
         },
         "arrived"},
        {"type1.dma.write_to_a_read_only_mapping", kType1,
         [](World& w) {
             Dma d(w);
             const std::uint64_t memory = d.second(Type1::kRead);
             return d.deliver(kOther, memory);
         },
         "blocked"},
        {"type1.dma.write_to_a_write_only_mapping", kType1,
         [](World& w) {
             Dma d(w);
             const std::uint64_t memory = d.second(Type1::kWrite);
             return d.deliver(kOther, memory);
         },
         "arrived"},
        {"type1.dma.without_bus_mastering", kType1, [](World& w) { return Dma(w, false).fetch(kIova); }, "blocked"},
        {"type1.dma.a_new_mapping_replaces_the_old", kType1,
         [](World& w) {
             Dma d(w);
             d.second();
             d.unmap(kOther, d.page());
             d.put(d.second(), kValue);
             return d.fetch(kOther);
         },
         "arrived"},
        {"type1.dma.the_same_memory_at_two_places", kType1,
         [](World& w) {
             Dma d(w);
             d.must_map(d.mapped, kOther, d.page());
             return in_turn({d.fetch(kOther), d.fetch(kIova)});
         },
         "arrived then arrived"},
        {"type1.dma.unmap_of_one_leaves_the_other", kType1,
         [](World& w) {
             Dma d(w);
             d.must_map(d.mapped, kOther, d.page());
             d.unmap(kOther, d.page());
             return in_turn({d.fetch(kIova), d.fetch(kOther)});
         },
         "arrived then blocked"},
        {"type1.dma.a_refused_overlap_changes_nothing", kType1,
         [](World& w) {
             Dma d(w);
             d.map(d.memory(1), kIova, d.page());
             return d.fetch(kIova);
         },
         "arrived"},
        {"type1.dma.a_map_with_a_hole_leaves_nothing", kType1,
         [](World& w) {
             Dma d(w);
             const std::uint64_t memory = d.memory(3);
             d.must_map(memory, kOther, d.page());
             d.put(memory, kValue);
             d.unmap(kOther, d.page());
             Process::must(d.munmap(memory + 2 * d.page(), d.page()), "munmap");
             d.map(memory, kOther, 3 * d.page());
             return d.fetch(kOther);
         },
         "blocked"},
        {"type1.dma.memory_stays_after_munmap", kType1,
         [](World& w) {
             Dma d(w);
             const std::uint64_t memory = d.second();
             d.put(memory, kValue);
             Process::must(d.munmap(memory, d.page()), "munmap");
             return d.fetch(kOther);
         },
         "arrived"},
        {"type1.dma.survives_closing_the_container_file", kType1,
         [](World& w) {
             Dma d(w);
             Process::must(d.close(d.container), "close");
             return d.fetch(kIova);
         },
         "arrived"},
        {"type1.dma.unmap_all_ends_it", kType1,
         [](World& w) {
             Dma d(w);
             const std::uint64_t memory = d.second();
             d.put(memory, kValue);
             d.edu.fetch(kOther, 8);
             d.put(memory, 0);
             d.unmap_all();
             d.edu.deliver(kOther, 8);
             return d.get(memory) == kValue ? "arrived" : "blocked";
         },
         "blocked"},
    };
}

} // namespace contract
