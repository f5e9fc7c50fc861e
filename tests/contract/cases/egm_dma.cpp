// EGM memory for devices: type1 maps it though it has no struct page, iommufd refuses it.
#include "tests/contract/edu.h"
#include "tests/contract/iommufd.h"
#include "tests/contract/suite.h"
#include "tests/contract/type1.h"

namespace contract {

namespace {

constexpr std::uint64_t kIova = Type1::kIova;
constexpr std::uint64_t kValue = 0xE6E6'5A5A'0F0F'1122;

/// A container with the edu device, and the whole carveout mapped in the process.
struct EgmType1 : Type1 {
    explicit EgmType1(World& world)
        : Type1(world), size(world.facts().egm_size), egm(must_open(world.facts().egm_path)),
          at(static_cast<std::uint64_t>(must(map_file(egm, size), "mmap of the carveout"))), device_fd(must_device()),
          edu(*this, device_fd) {}

    /// Whether 8 bytes at `from` of the carveout come to `to` by way of the device.
    std::string moved(std::uint64_t from, std::uint64_t to) {
        put(at + from, kValue);
        put(at + to, 0);
        edu.fetch(kIova + from, 8);
        edu.deliver(kIova + to, 8);
        return get(at + to) == kValue ? "arrived" : "blocked";
    }

    const std::uint64_t size;
    const std::int64_t egm;
    const std::uint64_t at;
    const std::int64_t device_fd;
    Edu edu;
};

} // namespace

Cases egm_dma_cases() {
    constexpr unsigned kBoth = kEgm | kType1;
    constexpr unsigned kFd = kEgm | kIommufd;
    return {
        {"egm.type1.map_whole", kBoth,
         [](World& w) {
             EgmType1 t(w);
             return text(t.map(t.at, kIova, t.size));
         },
         "ok"},
        {"egm.type1.map_one_page", kBoth,
         [](World& w) {
             EgmType1 t(w);
             return text(t.map(t.at + 7 * t.page(), kIova, t.page()));
         },
         "ok"},
        {"egm.type1.map_twice", kBoth,
         [](World& w) {
             EgmType1 t(w);
             t.must_map(t.at, kIova, t.page());
             return text(t.map(t.at, kIova + t.page(), t.page()));
         },
         "ok"},
        {"egm.type1.map_beyond_the_mapping", kBoth,
         [](World& w) {
             EgmType1 t(w);
             Process::must(t.munmap(t.at + t.size - t.page(), t.page()), "munmap");
             return text(t.map(t.at, kIova, t.size));
         },
         "EFAULT"},
        {"egm.type1.map_beyond_is_undone", kBoth,
         [](World& w) {
             EgmType1 t(w);
             Process::must(t.munmap(t.at + t.size - t.page(), t.page()), "munmap");
             t.map(t.at, kIova, t.size);
             return t.unmap(kIova, t.size);
         },
         "0 pages"},
        {"egm.type1.map_for_writing_through_a_read_only_mapping", kBoth,
         [](World& w) {
             EgmType1 t(w);
             const std::int64_t at = t.mmap(0, t.page(), PROT_READ, MAP_SHARED, t.egm);
             return text(t.map(static_cast<std::uint64_t>(at), kIova, t.page()));
         },
         "EFAULT"},
        {"egm.type1.map_for_reading_through_a_read_only_mapping", kBoth,
         [](World& w) {
             EgmType1 t(w);
             const std::int64_t at = t.mmap(0, t.page(), PROT_READ, MAP_SHARED, t.egm);
             return text(t.map(static_cast<std::uint64_t>(at), kIova, t.page(), Type1::kRead));
         },
         "ok"},
        {"egm.type1.unmap_whole", kBoth,
         [](World& w) {
             EgmType1 t(w);
             t.must_map(t.at, kIova, t.size);
             return t.unmap(kIova, t.size) == pages(t.size, t.page()) ? "whole" : "part";
         },
         "whole"},
        {"egm.type1.unmap_part", kBoth,
         [](World& w) {
             EgmType1 t(w);
             t.must_map(t.at, kIova, t.size);
             return t.unmap(kIova, t.size / 2);
         },
         "EINVAL"},
        {"egm.type1.dma_first_to_far", kBoth,
         [](World& w) {
             EgmType1 t(w);
             t.must_map(t.at, kIova, t.size);
             return t.moved(0, t.size * 3 / 4);
         },
         "arrived"},
        {"egm.type1.dma_last_to_first", kBoth,
         [](World& w) {
             EgmType1 t(w);
             t.must_map(t.at, kIova, t.size);
             return t.moved(t.size - 8, 0);
         },
         "arrived"},
        {"egm.type1.dma_of_a_slice_with_an_offset", kBoth,
         [](World& w) {
             EgmType1 t(w);
             t.must_map(t.at + 3 * t.page(), kIova, 2 * t.page()); // linear: page 3 of the carveout at kIova
             t.put(t.at + 4 * t.page(), kValue);
             t.edu.fetch(kIova + t.page(), 8);
             t.edu.deliver(kIova, 8);
             return t.get(t.at + 3 * t.page()) == kValue ? "arrived" : "blocked";
         },
         "arrived"},
        {"egm.type1.dma_after_unmap", kBoth,
         [](World& w) {
             EgmType1 t(w);
             t.must_map(t.at, kIova, t.size);
             t.unmap(kIova, t.size);
             return t.moved(0, t.page());
         },
         "blocked"},
        {"egm.type1.dma_outlives_munmap_and_close", kBoth,
         [](World& w) {
             EgmType1 t(w);
             t.must_map(t.at, kIova, t.size);
             t.put(t.at, kValue);
             t.edu.fetch(kIova, 8);
             Process::must(t.munmap(t.at, t.size), "munmap");
             Process::must(t.close(t.egm), "close");
             const std::int64_t fresh = Process::must(t.open(w.facts().egm_path), "second open");
             const std::int64_t at = Process::must(t.map_file(fresh, t.page()), "second mmap");
             t.edu.deliver(kIova, 8);
             return t.get(static_cast<std::uint64_t>(at)) == kValue ? "arrived" : "blocked";
         },
         "arrived"},
        {"egm.iommufd.map", kFd,
         [](World& w) {
             Iommufd i(w);
             const std::int64_t at = Process::must(i.map_file(i.must_open(w.facts().egm_path), i.page()), "mmap");
             return text(i.map(static_cast<std::uint64_t>(at), kIova, i.page()));
         },
         "EFAULT"},
        {"egm.iommufd.map_is_undone", kFd,
         [](World& w) {
             Iommufd i(w);
             const std::int64_t at = Process::must(i.map_file(i.must_open(w.facts().egm_path), i.page()), "mmap");
             i.map(static_cast<std::uint64_t>(at), kIova, i.page());
             return i.unmap(kIova, i.page());
         },
         "ENOENT"},
        {"egm.iommufd.attach_after_a_map", kFd,
         [](World& w) {
             Iommufd i(w, Iommufd::kBound); // without a page table the IOAS only takes notes
             const std::int64_t at = Process::must(i.map_file(i.must_open(w.facts().egm_path), i.page()), "mmap");
             const std::string noted = text(i.map(static_cast<std::uint64_t>(at), kIova, i.page()));
             return noted + " then " + text(i.attach(i.ioas));
         },
         "ok then EFAULT"},
    };
}

} // namespace contract
