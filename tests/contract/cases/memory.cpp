// The process's own calls: open, close, mmap, munmap, pread and the directory calls, with their errnos.
#include <cerrno>

#include "tests/contract/suite.h"
#include "tests/contract/type1.h"

namespace contract {

namespace {

constexpr int kPrivate = MAP_PRIVATE | MAP_ANONYMOUS;
constexpr int kReadWrite = PROT_READ | PROT_WRITE;

/// The kernel's half. Smaller numbers will not do: with five levels of page tables x86 gives a process 56 bits, and
/// arm64 does not count the top byte.
constexpr std::uint64_t kBeyond = 0xFFFF'8000'0000'0000;

/// The answer of an mmap as an outcome; addresses differ from kernel to kernel.
std::string anonymous(World& world, std::uint64_t size, int flags, std::uint64_t address = 0) {
    return text(Process(world).mmap(address, size, kReadWrite, flags));
}

} // namespace

Cases memory_cases() {
    return {
        {"memory.mmap.anonymous", kNothing, [](World& w) { return anonymous(w, w.facts().page_size, kPrivate); }, "ok"},
        {"memory.mmap.part_of_a_page", kNothing, [](World& w) { return anonymous(w, 1, kPrivate); }, "ok"},
        {"memory.mmap.size_zero", kNothing, [](World& w) { return anonymous(w, 0, kPrivate); }, "EINVAL"},
        {"memory.mmap.larger_than_the_address_space", kNothing,
         [](World& w) { return anonymous(w, std::uint64_t{1} << 60, kPrivate); }, "ENOMEM"},
        {"memory.mmap.size_wraps", kNothing, [](World& w) { return anonymous(w, kMaxU64, kPrivate); }, "ENOMEM"},
        {"memory.mmap.neither_shared_nor_private", kNothing,
         [](World& w) { return anonymous(w, w.facts().page_size, MAP_ANONYMOUS); }, "EINVAL"},
        {"memory.mmap.bad_descriptor", kNothing,
         [](World& w) { return text(Process(w).mmap(0, w.facts().page_size, kReadWrite, MAP_SHARED, 987)); }, "EBADF"},
        {"memory.mmap.misaligned_offset", kNothing,
         [](World& w) { return text(Process(w).mmap(0, w.facts().page_size, kReadWrite, kPrivate, -1, 100)); },
         "EINVAL"},
        {"memory.mmap.fixed_misaligned", kNothing,
         [](World& w) {
             Process p(w);
             return text(p.mmap(p.memory(2) + 1, p.page(), kReadWrite, kPrivate | MAP_FIXED));
         },
         "EINVAL"},
        {"memory.mmap.fixed_beyond_the_address_space", kNothing,
         [](World& w) { return anonymous(w, w.facts().page_size, kPrivate | MAP_FIXED, kBeyond); }, "ENOMEM"},
        {"memory.mmap.fixed_replaces", kNothing,
         [](World& w) {
             Process p(w);
             const std::uint64_t at = p.memory(3);
             const std::int64_t got = p.mmap(at + p.page(), p.page(), kReadWrite, kPrivate | MAP_FIXED);
             return got == static_cast<std::int64_t>(at + p.page()) ? std::string("there") : text(got);
         },
         "there"},
        {"memory.mmap.fixed_noreplace_taken", kNothing,
         [](World& w) {
             Process p(w);
             return text(p.mmap(p.memory(1), p.page(), kReadWrite, kPrivate | MAP_FIXED_NOREPLACE));
         },
         "EEXIST"},
        {"memory.mmap.hint_taken_goes_elsewhere", kNothing,
         [](World& w) {
             Process p(w);
             const std::uint64_t at = p.memory(1);
             const std::int64_t got = p.mmap(at, p.page(), kReadWrite, kPrivate);
             return got < 0 ? text(got) : got == static_cast<std::int64_t>(at) ? "there" : "elsewhere";
         },
         "elsewhere"},
        {"memory.munmap.whole", kNothing,
         [](World& w) {
             Process p(w);
             return text(p.munmap(p.memory(4), 4 * p.page()));
         },
         "ok"},
        {"memory.munmap.middle", kNothing,
         [](World& w) {
             Process p(w);
             return text(p.munmap(p.memory(4) + p.page(), p.page()));
         },
         "ok"},
        {"memory.munmap.nothing_there", kNothing,
         [](World& w) {
             Process p(w);
             const std::uint64_t at = p.memory(4);
             Process::must(p.munmap(at, 4 * p.page()), "munmap");
             return text(p.munmap(at, 4 * p.page()));
         },
         "ok"},
        {"memory.munmap.size_zero", kNothing,
         [](World& w) {
             Process p(w);
             return text(p.munmap(p.memory(1), 0));
         },
         "EINVAL"},
        {"memory.munmap.misaligned", kNothing,
         [](World& w) {
             Process p(w);
             return text(p.munmap(p.memory(2) + 8, p.page()));
         },
         "EINVAL"},
        {"memory.munmap.beyond_the_address_space", kNothing,
         [](World& w) { return text(Process(w).munmap(kBeyond, w.facts().page_size)); }, "EINVAL"},
    };
}

Cases file_cases() {
    return {
        {"file.open.missing", kNothing, [](World& w) { return text(Process(w).open("/dev/not-there")); }, "ENOENT"},
        {"file.open.through_a_file", kType1, [](World& w) { return text(Process(w).open("/dev/vfio/vfio/x")); },
         "ENOTDIR"},
        {"file.open.directory_for_writing", kNothing, [](World& w) { return text(Process(w).open("/sys/class")); },
         "EISDIR"},
        {"file.open.directory_for_reading", kNothing,
         [](World& w) { return text(Process(w).open("/sys/bus", O_RDONLY | O_DIRECTORY)); }, "ok"},
        {"file.open.empty_path", kNothing, [](World& w) { return text(Process(w).open("")); }, "ENOENT"},
        {"file.close.bad_descriptor", kNothing, [](World& w) { return text(Process(w).close(987)); }, "EBADF"},
        {"file.close.twice", kType1,
         [](World& w) {
             Process p(w);
             const std::int64_t fd = p.must_open("/dev/vfio/vfio");
             Process::must(p.close(fd), "close");
             return text(p.close(fd));
         },
         "EBADF"},
        {"file.ioctl.bad_descriptor", kNothing, [](World& w) { return text(Process(w).ioctl(987, 0x3B64)); }, "EBADF"},
        {"file.pread.bad_descriptor", kNothing,
         [](World& w) {
             char byte;
             return text(Process(w).pread(987, &byte, 1, 0));
         },
         "EBADF"},
        {"file.pread.negative_offset", kType1,
         [](World& w) {
             Process p(w);
             char byte;
             return text(p.pread(p.must_open("/dev/vfio/vfio"), &byte, 1, kMaxU64));
         },
         "EINVAL"},
        {"file.pwrite.bad_descriptor", kNothing, [](World& w) { return text(Process(w).pwrite(987, "x", 1, 0)); },
         "EBADF"},
        {"file.pread.sysfs_text", kType1,
         [](World& w) { return Process(w).read_text("/sys/bus/pci/devices/" + w.facts().device_bdf + "/vendor"); },
         "0x1234"},
        {"file.pread.sysfs_device_id", kType1,
         [](World& w) { return Process(w).read_text("/sys/bus/pci/devices/" + w.facts().device_bdf + "/device"); },
         "0x11e8"},
        {"file.pread.beyond_the_end", kType1,
         [](World& w) {
             Process p(w);
             char byte;
             return number(p.pread(p.must_open("/sys/bus/pci/devices/" + w.facts().device_bdf + "/vendor", O_RDONLY),
                                   &byte, 1, 100));
         },
         "0"},
        {"file.readlink.iommu_group", kType1,
         [](World& w) {
             std::string target;
             const std::string path = "/sys/bus/pci/devices/" + w.facts().device_bdf + "/iommu_group";
             if (w.syscalls().readlink(path.c_str(), target) < 0)
                 return std::string("fails");
             const auto number = target.substr(target.rfind('/') + 1);
             return "/dev/vfio/" + number == w.facts().group_path ? std::string("names the group") : target;
         },
         "names the group"},
        {"file.readlink.driver", kType1,
         [](World& w) {
             std::string target;
             const std::string path = "/sys/bus/pci/devices/" + w.facts().device_bdf + "/driver";
             w.syscalls().readlink(path.c_str(), target);
             return target.substr(target.rfind('/') + 1);
         },
         "vfio-pci"},
        {"file.readlink.not_a_link", kNothing,
         [](World& w) {
             std::string target;
             return text(w.syscalls().readlink("/sys/bus", target) < 0 ? -errno : 0);
         },
         "EINVAL"},
        {"file.readlink.missing", kNothing,
         [](World& w) {
             std::string target;
             return text(w.syscalls().readlink("/sys/not-there", target) < 0 ? -errno : 0);
         },
         "ENOENT"},
        {"file.list.missing", kNothing,
         [](World& w) {
             std::vector<std::string> names;
             return text(w.syscalls().list_directory("/sys/class/not-there", names) < 0 ? -errno : 0);
         },
         "ENOENT"},
        {"file.list.not_a_directory", kType1,
         [](World& w) {
             std::vector<std::string> names;
             return text(w.syscalls().list_directory("/dev/vfio/vfio", names) < 0 ? -errno : 0);
         },
         "ENOTDIR"},
        {"file.list.group_members", kType1,
         [](World& w) {
             std::vector<std::string> names;
             const std::string group = w.facts().group_path.substr(std::string("/dev/vfio/").size());
             w.syscalls().list_directory(("/sys/kernel/iommu_groups/" + group + "/devices").c_str(), names);
             return names == std::vector{w.facts().device_bdf} ? std::string("the device alone")
                                                               : std::to_string(names.size());
         },
         "the device alone"},
    };
}

} // namespace contract
