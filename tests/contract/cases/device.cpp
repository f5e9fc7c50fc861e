// A VFIO device's own calls, through the group: what it has, its device regions, and the edges of reads and writes.
#include "tests/contract/edu.h"
#include "tests/contract/suite.h"
#include "tests/contract/type1.h"

namespace contract {

namespace {

constexpr std::uint64_t device_region(std::uint64_t index) { return index << 40; }
constexpr std::uint64_t kConfig = device_region(uapi::kVfioPciConfigRegionIndex);

struct Device : Type1 {
    explicit Device(World& world) : Type1(world), fd(must_device()) {}
    const std::int64_t fd;
};

std::string region(World& world, std::uint32_t index, std::uint32_t argsz = sizeof(uapi::VfioRegionInfo)) {
    Device d(world);
    uapi::VfioRegionInfo info{};
    info.argsz = argsz;
    info.index = index;
    const std::int64_t result = d.ioctl(d.fd, uapi::kVfioDeviceGetRegionInfo, &info);
    return result < 0 ? text(result) : "size " + hex(info.size) + " flags " + hex(info.flags & 7);
}

template <std::uint32_t index>
std::string region_of(World& world) {
    return region(world, index);
}

std::string info(World& world, std::uint32_t argsz) {
    Device d(world);
    uapi::VfioDeviceInfo info{};
    info.argsz = argsz;
    const std::int64_t result = d.ioctl(d.fd, uapi::kVfioDeviceGetInfo, &info);
    return result < 0 ? text(result)
                      : "flags " + hex(info.flags & 3) + ", " + std::to_string(info.num_regions) + " regions, " +
                            std::to_string(info.num_irqs) + " interrupts";
}

std::string read(World& world, std::uint64_t offset, std::size_t size) {
    Device d(world);
    char bytes[64];
    return number(d.pread(d.fd, bytes, size, offset));
}

std::string map(World& world, std::uint64_t offset, std::uint64_t pages) {
    Device d(world);
    return text(d.map_file(d.fd, pages * d.page(), offset));
}

constexpr std::uint64_t kMiB = egm::kMiB;

} // namespace

Cases device_cases() {
    return {
        {"device.info", kType1, [](World& w) { return info(w, sizeof(uapi::VfioDeviceInfo)); },
         "flags 0x2, 9 regions, 5 interrupts"},
        {"device.info.oldest_struct", kType1, [](World& w) { return info(w, uapi::kVfioDeviceInfoSizeMin); },
         "flags 0x2, 9 regions, 5 interrupts"},
        {"device.info.short", kType1, [](World& w) { return info(w, 15); }, "EINVAL"},
        {"device.info.null", kType1,
         [](World& w) {
             Device d(w);
             return text(d.ioctl(d.fd, uapi::kVfioDeviceGetInfo, nullptr));
         },
         "EFAULT"},
        {"device.region.registers", kType1, region_of<0>, "size 0x100000 flags 0x7"},
        {"device.region.absent", kType1, region_of<1>, "size 0x0 flags 0x0"},
        {"device.region.no_rom", kType1, region_of<uapi::kVfioPciRomRegionIndex>, "size 0x0 flags 0x0"},
        {"device.region.config_space", kType1, region_of<uapi::kVfioPciConfigRegionIndex>, "size 0x100 flags 0x3"},
        {"device.region.no_vga", kType1, region_of<uapi::kVfioPciVgaRegionIndex>, "EINVAL"},
        {"device.region.beyond_the_last", kType1, region_of<1000>, "EINVAL"},
        {"device.region.short", kType1, [](World& w) { return region(w, 0, 31); }, "EINVAL"},
        {"device.region.null", kType1,
         [](World& w) {
             Device d(w);
             return text(d.ioctl(d.fd, uapi::kVfioDeviceGetRegionInfo, nullptr));
         },
         "EFAULT"},
        {"device.ioctl.unknown", kType1,
         [](World& w) {
             Device d(w);
             return text(d.ioctl(d.fd, 0x3BFF));
         },
         "ENOTTY"},
        {"device.reset.has_none", kType1,
         [](World& w) {
             Device d(w);
             return text(d.ioctl(d.fd, uapi::kVfioDeviceReset));
         },
         "EINVAL"},
        {"device.pread.identity", kType1,
         [](World& w) {
             Device d(w);
             std::uint32_t identity = 0;
             Process::must(d.pread(d.fd, &identity, 4, kConfig), "pread");
             return hex(identity);
         },
         "0x11e81234"},
        {"device.pread.config_space_byte", kType1, [](World& w) { return read(w, kConfig, 1); }, "1"},
        {"device.pread.config_space_unaligned", kType1, [](World& w) { return read(w, kConfig + 1, 6); }, "6"},
        {"device.pread.config_space_end", kType1, [](World& w) { return read(w, kConfig + 252, 4); }, "4"},
        {"device.pread.config_space_across_the_end", kType1, [](World& w) { return read(w, kConfig + 252, 8); },
         "EFAULT"},
        {"device.pread.config_space_beyond", kType1, [](World& w) { return read(w, kConfig + 256, 4); }, "EFAULT"},
        {"device.pread.nothing", kType1, [](World& w) { return read(w, kConfig, 0); }, "0"},
        {"device.pread.registers", kType1,
         [](World& w) {
             Device d(w);
             Edu edu(d, d.fd);
             std::uint32_t identification = 0;
             Process::must(d.pread(d.fd, &identification, 4, 0), "pread");
             return hex(identification);
         },
         "0x10000ed"},
        {"device.pread.registers_across_the_end", kType1,
         [](World& w) {
             Device d(w);
             Edu edu(d, d.fd);
             char bytes[16];
             return number(d.pread(d.fd, bytes, 16, kMiB - 8));
         },
         "8"},
        {"device.pread.registers_beyond", kType1, [](World& w) { return read(w, kMiB, 4); }, "EINVAL"},
        {"device.pread.absent_region", kType1, [](World& w) { return read(w, device_region(1), 4); }, "EINVAL"},
        {"device.pread.no_such_region", kType1, [](World& w) { return read(w, device_region(9), 4); }, "EINVAL"},
        {"device.pwrite.liveness", kType1,
         [](World& w) {
             Device d(w);
             Edu edu(d, d.fd);
             const std::uint32_t written = 0x12345678;
             std::uint32_t answer = 0;
             Process::must(d.pwrite(d.fd, &written, 4, 4), "pwrite");
             Process::must(d.pread(d.fd, &answer, 4, 4), "pread");
             return answer == ~written ? "inverted" : hex(answer);
         },
         "inverted"},
        {"device.pwrite.bus_master", kType1,
         [](World& w) {
             Device d(w);
             Edu edu(d, d.fd);
             std::uint16_t command = 0;
             Process::must(d.pread(d.fd, &command, 2, kConfig + 4), "pread");
             return hex(command & 6);
         },
         "0x6"},
        {"device.pwrite.identity_is_read_only", kType1,
         [](World& w) {
             Device d(w);
             const std::uint16_t other = 0xFFFF;
             Process::must(d.pwrite(d.fd, &other, 2, kConfig), "pwrite");
             std::uint16_t vendor = 0;
             Process::must(d.pread(d.fd, &vendor, 2, kConfig), "pread");
             return hex(vendor);
         },
         "0x1234"},
        {"device.pwrite.registers_beyond", kType1,
         [](World& w) {
             Device d(w);
             return number(d.pwrite(d.fd, "1234", 4, kMiB));
         },
         "EINVAL"},
        {"device.mmap.registers", kType1, [](World& w) { return map(w, 0, 1); }, "ok"},
        {"device.mmap.registers_whole", kType1, [](World& w) { return map(w, 0, kMiB / w.facts().page_size); }, "ok"},
        {"device.mmap.registers_beyond", kType1, [](World& w) { return map(w, kMiB, 1); }, "EINVAL"},
        {"device.mmap.registers_across_the_end", kType1, [](World& w) { return map(w, kMiB - w.facts().page_size, 2); },
         "EINVAL"},
        {"device.mmap.config_space", kType1, [](World& w) { return map(w, kConfig, 1); }, "EINVAL"},
        {"device.mmap.absent_region", kType1, [](World& w) { return map(w, device_region(1), 1); }, "EINVAL"},
        {"device.mmap.private", kType1,
         [](World& w) {
             Device d(w);
             return text(d.mmap(0, d.page(), PROT_READ, MAP_PRIVATE, d.fd));
         },
         "EINVAL"},
        {"device.map_dma_of_its_registers", kType1,
         [](World& w) {
             Device d(w);
             Edu edu(d, d.fd);
             const std::int64_t at = Process::must(d.map_file(d.fd, kMiB), "mmap");
             const std::string mapped = text(d.map(static_cast<std::uint64_t>(at), Type1::kIova, kMiB));
             return mapped + ", " + (d.unmap(Type1::kIova, kMiB) == pages(kMiB, d.page()) ? "unmapped" : "left");
         },
         "ok, unmapped"},
    };
}

} // namespace contract
