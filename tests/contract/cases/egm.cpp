// The EGM character device, shape E2: who may open it, what mmap takes, and what is cleared when.
#include "tests/contract/egm_file.h"
#include "tests/contract/suite.h"

namespace contract {

namespace {

constexpr std::uint64_t kValue = 0xE6E6'0102'0304'0506;

std::string again(Process& process) { return text(process.open(process.world.facts().egm_path)); }

std::string map(World& world, std::uint64_t bytes, std::uint64_t offset) {
    Egm e(world);
    return text(e.map_file(e.fd, bytes, offset));
}

std::uint64_t page(const World& world) { return world.facts().page_size; }
std::uint64_t size(const World& world) { return world.facts().egm_size; }

} // namespace

Cases egm_cases() {
    return {
        {"egm.sysfs.size", kEgm,
         [](World& w) { return Process(w).read_text("/sys/class/egm/" + w.facts().egm_name + "/egm_size"); },
         "0x1000000"},
        {"egm.sysfs.minor_is_the_proximity_domain", kEgm,
         [](World& w) {
             const std::string number = Process(w).read_text("/sys/class/egm/" + w.facts().egm_name + "/dev");
             return "minor " + number.substr(number.find(':') + 1);
         },
         "minor 4"},
        {"egm.sysfs.one_entry_a_carveout", kEgm,
         [](World& w) {
             std::vector<std::string> names;
             w.syscalls().list_directory("/sys/class/egm", names);
             return names == std::vector{w.facts().egm_name} ? std::string("the carveout alone")
                                                             : std::to_string(names.size()) + " entries";
         },
         "the carveout alone"},
        {"egm.open", kEgm, [](World& w) { return text(Process(w).open(w.facts().egm_path)); }, "ok"},
        {"egm.open.for_reading", kEgm, [](World& w) { return text(Process(w).open(w.facts().egm_path, O_RDONLY)); },
         "ok"},
        {"egm.open.no_such_domain", kEgm, [](World& w) { return text(Process(w).open("/dev/egm99")); }, "ENOENT"},
        {"egm.open.twice", kEgm,
         [](World& w) {
             Egm e(w);
             return again(e);
         },
         "EBUSY"},
        {"egm.open.after_close", kEgm,
         [](World& w) {
             Egm e(w);
             Process::must(e.close(e.fd), "close");
             return again(e);
         },
         "ok"},
        {"egm.open.closed_but_mapped", kEgm,
         [](World& w) {
             Egm e(w);
             e.must_map(4 * e.page());
             Process::must(e.close(e.fd), "close");
             return again(e);
         },
         "EBUSY"},
        {"egm.open.closed_and_partly_unmapped", kEgm,
         [](World& w) {
             Egm e(w);
             const std::uint64_t at = e.must_map(4 * e.page());
             Process::must(e.close(e.fd), "close");
             Process::must(e.munmap(at, 3 * e.page()), "munmap");
             return again(e);
         },
         "EBUSY"},
        {"egm.open.closed_and_unmapped", kEgm,
         [](World& w) {
             Egm e(w);
             const std::uint64_t at = e.must_map(4 * e.page());
             Process::must(e.close(e.fd), "close");
             Process::must(e.munmap(at, 4 * e.page()), "munmap");
             return again(e);
         },
         "ok"},
        {"egm.open.unmapped_but_not_closed", kEgm,
         [](World& w) {
             Egm e(w);
             Process::must(e.munmap(e.must_map(e.page()), e.page()), "munmap");
             return again(e);
         },
         "EBUSY"},
        {"egm.clear.at_the_next_open", kEgm,
         [](World& w) {
             {
                 Egm e(w);
                 const std::uint64_t at = e.must_map(e.size);
                 e.put(at, kValue);
                 e.put(at + e.size - 8, kValue);
             }
             Egm e(w);
             const std::uint64_t at = e.must_map(e.size);
             return e.get(at) == 0 && e.get(at + e.size - 8) == 0 ? "cleared" : "kept";
         },
         "cleared"},
        {"egm.clear.not_by_a_refused_open", kEgm,
         [](World& w) {
             Egm e(w);
             const std::uint64_t at = e.must_map(e.page());
             e.put(at, kValue);
             again(e);
             return e.get(at) == kValue ? "kept" : "lost";
         },
         "kept"},
        {"egm.clear.not_by_close_while_mapped", kEgm,
         [](World& w) {
             Egm e(w);
             const std::uint64_t at = e.must_map(e.page());
             e.put(at, kValue);
             Process::must(e.close(e.fd), "close");
             return e.get(at) == kValue ? "kept" : "lost";
         },
         "kept"},
        {"egm.clear.not_by_munmap", kEgm,
         [](World& w) {
             Egm e(w);
             const std::uint64_t at = e.must_map(e.page());
             e.put(at, kValue);
             Process::must(e.munmap(at, e.page()), "munmap");
             return e.get(e.must_map(e.page())) == kValue ? "kept" : "lost";
         },
         "kept"},
        {"egm.mmap.whole", kEgm, [](World& w) { return map(w, size(w), 0); }, "ok"},
        {"egm.mmap.one_page", kEgm, [](World& w) { return map(w, page(w), 0); }, "ok"},
        {"egm.mmap.part_of_a_page", kEgm, [](World& w) { return map(w, 1, 0); }, "ok"},
        {"egm.mmap.last_page", kEgm, [](World& w) { return map(w, page(w), size(w) - page(w)); }, "ok"},
        {"egm.mmap.one_page_too_many", kEgm, [](World& w) { return map(w, size(w) + page(w), 0); }, "EINVAL"},
        {"egm.mmap.across_the_end", kEgm, [](World& w) { return map(w, 2 * page(w), size(w) - page(w)); }, "EINVAL"},
        {"egm.mmap.whole_from_the_second_page", kEgm, [](World& w) { return map(w, size(w), page(w)); }, "EINVAL"},
        {"egm.mmap.at_the_end", kEgm, [](World& w) { return map(w, page(w), size(w)); }, "EINVAL"},
        {"egm.mmap.far_beyond", kEgm, [](World& w) { return map(w, page(w), std::uint64_t{1} << 46); }, "EINVAL"},
        {"egm.mmap.size_zero", kEgm, [](World& w) { return map(w, 0, 0); }, "EINVAL"},
        {"egm.mmap.offset_misaligned", kEgm, [](World& w) { return map(w, page(w), 512); }, "EINVAL"},
        {"egm.mmap.private_for_reading", kEgm,
         [](World& w) {
             Egm e(w);
             return text(e.mmap(0, e.page(), PROT_READ, MAP_PRIVATE, e.fd));
         },
         "ok"},
        {"egm.mmap.reader_may_not_write", kEgm,
         [](World& w) {
             Egm e(w, O_RDONLY);
             return text(e.map_file(e.fd, e.page()));
         },
         "EACCES"},
        {"egm.mmap.reader_may_read", kEgm,
         [](World& w) {
             Egm e(w, O_RDONLY);
             return text(e.mmap(0, e.page(), PROT_READ, MAP_SHARED, e.fd));
         },
         "ok"},
        {"egm.mmap.fixed", kEgm,
         [](World& w) {
             Egm e(w);
             const std::uint64_t at = e.memory(4);
             const std::int64_t got =
                 e.mmap(at + e.page(), e.page(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, e.fd, e.page());
             return got == static_cast<std::int64_t>(at + e.page()) ? "there" : text(got);
         },
         "there"},
        {"egm.mmap.two_see_the_same_bytes", kEgm,
         [](World& w) {
             Egm e(w);
             const std::uint64_t one = e.must_map(e.size), other = e.must_map(e.size);
             e.put(one + e.size / 2, kValue);
             return e.get(other + e.size / 2) == kValue ? "same" : "different";
         },
         "same"},
        {"egm.mmap.offset_is_honoured", kEgm,
         [](World& w) {
             Egm e(w);
             const std::uint64_t whole = e.must_map(e.size), part = e.must_map(2 * e.page(), 5 * e.page());
             e.put(whole + 6 * e.page(), kValue);
             return e.get(part + e.page()) == kValue ? "same" : "different";
         },
         "same"},
        {"egm.mmap.after_another_was_refused", kEgm,
         [](World& w) {
             Egm e(w);
             e.map_file(e.fd, e.size + e.page());
             return text(e.map_file(e.fd, e.size));
         },
         "ok"},
    };
}

} // namespace contract
