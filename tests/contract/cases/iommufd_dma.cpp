// What the device really reaches through iommufd.
#include "tests/contract/edu.h"
#include "tests/contract/iommufd.h"
#include "tests/contract/suite.h"

namespace contract {

namespace {

constexpr std::uint64_t kIova = Iommufd::kIova;
constexpr std::uint64_t kOther = 0x200'0000;
constexpr std::uint64_t kValue = 0x1021'3243'5465'7687;

/// The device attached, and two pages mapped at kIova for both directions.
struct Dma : Iommufd {
    explicit Dma(World& world) : Iommufd(world), edu(*this, device), mapped(memory(2)) {
        must_map(mapped, kIova, 2 * page());
        put(mapped, kValue);
    }
    std::uint64_t second(std::uint32_t flags = kAll) {
        const std::uint64_t at = memory(1);
        must_map(at, kOther, page()); // gives it pages of its own
        unmap(kOther, page());
        must_map(at, kOther, page(), flags);
        return at;
    }
    std::string fetch(std::uint64_t iova) { return fetched(*this, edu, iova, kIova + page(), mapped + page(), kValue); }
    std::string deliver(std::uint64_t iova, std::uint64_t at) {
        return delivered(*this, edu, iova, at, kIova + page(), mapped + page());
    }

    Edu edu;
    const std::uint64_t mapped;
};

} // namespace

Cases iommufd_dma_cases() {
    return {
        {"iommufd.dma.read_of_mapped_memory", kIommufd, [](World& w) { return Dma(w).fetch(kIova); }, "arrived"},
        {"iommufd.dma.write_to_mapped_memory", kIommufd,
         [](World& w) {
             Dma d(w);
             return d.deliver(kIova, d.mapped);
         },
         "arrived"},
        {"iommufd.dma.read_of_nothing", kIommufd, [](World& w) { return Dma(w).fetch(0x900'0000); }, "blocked"},
        {"iommufd.dma.write_after_unmap", kIommufd,
         [](World& w) {
             Dma d(w);
             const std::uint64_t memory = d.second();
             d.unmap(kOther, d.page());
             return d.deliver(kOther, memory);
         },
         "blocked"},
        {"iommufd.dma.write_to_a_read_only_mapping", kIommufd,
         [](World& w) {
             Dma d(w);
             const std::uint64_t memory = d.second(Iommufd::kFixed | Iommufd::kReadable);
             return d.deliver(kOther, memory);
         },
         "blocked"},
        {"iommufd.dma.read_of_a_copied_mapping", kIommufd,
         [](World& w) {
             Dma d(w);
             Process::must(d.copy(d.ioas, kOther, d.ioas, kIova, d.page()), "IOAS_COPY");
             return d.fetch(kOther);
         },
         "arrived"},
        {"iommufd.dma.a_copy_outlives_its_source", kIommufd,
         [](World& w) {
             Dma d(w);
             const std::uint64_t memory = d.memory(1);
             d.must_map(memory, 0x300'0000, d.page());
             d.put(memory, kValue);
             Process::must(d.copy(d.ioas, kOther, d.ioas, 0x300'0000, d.page()), "IOAS_COPY");
             d.unmap(0x300'0000, d.page());
             return d.fetch(kOther);
         },
         "arrived"},
        {"iommufd.dma.after_detach", kIommufd,
         [](World& w) {
             Dma d(w);
             d.edu.fetch(kIova, 8);
             d.put(d.mapped, 0);
             Process::must(d.detach(), "DETACH");
             d.edu.deliver(kIova, 8);
             return d.get(d.mapped) == kValue ? "arrived" : "blocked";
         },
         "blocked"},
        {"iommufd.dma.after_an_attach_to_another_space", kIommufd,
         [](World& w) {
             Dma d(w);
             const std::uint32_t other = d.new_ioas();
             Process::must(d.copy(other, kOther, d.ioas, kIova, 2 * d.page()), "IOAS_COPY");
             Process::must(d.attach(other), "ATTACH");
             d.edu.fetch(kOther, 8);
             d.edu.deliver(kIova, 8); // of the first space: not reached any more
             d.edu.deliver(kOther + d.page(), 8);
             return d.get(d.mapped + d.page()) == kValue ? "arrived" : "blocked";
         },
         "arrived"},
        {"iommufd.dma.memory_stays_after_munmap", kIommufd,
         [](World& w) {
             Dma d(w);
             const std::uint64_t memory = d.second();
             d.put(memory, kValue);
             Process::must(d.munmap(memory, d.page()), "munmap");
             return d.fetch(kOther);
         },
         "arrived"},
        {"iommufd.dma.survives_closing_the_context_file", kIommufd,
         [](World& w) {
             Dma d(w);
             Process::must(d.close(d.context), "close");
             return d.fetch(kIova);
         },
         "arrived"},
        {"iommufd.dma.through_a_page_table_made_by_hand", kIommufd,
         [](World& w) {
             Dma d(w);
             Process::must(d.alloc_hwpt(d.ioas), "HWPT_ALLOC");
             Process::must(d.attach(d.hwpt_id), "ATTACH");
             return d.fetch(kIova);
         },
         "arrived"},
    };
}

} // namespace contract
