// A GPU behind nvgrace-gpu-vfio-pci: when is it ready, and what do its device regions say?

#include "tests/linux/kernel_test.h"

namespace test {
namespace {

struct Gpu {
    explicit Gpu(KernelConfig config = small_host()) : kernel(std::move(config)) {
        container = static_cast<int>(kernel.open("/dev/vfio/vfio"));
        group = kernel.open("/dev/vfio/7");
        kernel.ioctl(group, uapi::kVfioGroupSetContainer, &container);
        kernel.ioctl_value(container, uapi::kVfioSetIommu, uapi::kVfioType1v2Iommu);
    }
    std::int64_t open() { return kernel.ioctl(group, uapi::kVfioGroupGetDeviceFd, bdf); }

    struct Answer {
        uapi::VfioRegionInfo info;
        uapi::VfioRegionInfoCapSparseMmap sparse;
        uapi::VfioRegionSparseMmapArea area;
    };
    Answer device_region(std::int64_t device, std::uint32_t index, std::int64_t expected = 0) {
        Answer answer{};
        answer.info.argsz = sizeof answer;
        answer.info.index = index;
        EXPECT_EQ(kernel.ioctl(device, uapi::kVfioDeviceGetRegionInfo, &answer), expected);
        return answer;
    }
    std::int64_t read(std::int64_t device, std::uint32_t index, std::uint64_t offset, void* into, std::size_t size) {
        return Kernel::answer(kernel.sys.pread(static_cast<int>(device), into, size,
                                               static_cast<std::int64_t>(std::uint64_t{index} << 40 | offset)));
    }

    Kernel kernel;
    int container = -1;
    std::int64_t group = -1;
    char bdf[16] = "0008:01:00.0";
};

struct GpuTest : testing::Test, Gpu {};

KernelConfig with_gpu(auto change) {
    auto config = small_host();
    change(config.gpus[0]);
    return config;
}

constexpr auto kSecond = models::linux::CallCosts::kSecondPs;
const models::linux::CallCosts costs;

TEST_F(GpuTest, OpenTakesTheResetAndWholePolls) {
    EXPECT_EQ(kernel.time([&] { open(); }), costs.syscall_ps + costs.device_reset_ps);
    Gpu slow(with_gpu([](auto& gpu) { gpu.ready_after_s = 2.5; }));
    EXPECT_EQ(slow.kernel.time([&] { EXPECT_GE(slow.open(), 0); }),
              costs.syscall_ps + costs.device_reset_ps + 3 * kSecond);
}

TEST_F(GpuTest, GpuThatIsNotReadyIn30SecondsIsTime) {
    for (const auto& config :
         {with_gpu([](auto& gpu) { gpu.c2c_ready = false; }), with_gpu([](auto& gpu) { gpu.ready_after_s = 30; })}) {
        Gpu dead(config);
        EXPECT_EQ(dead.kernel.time([&] { EXPECT_EQ(dead.open(), -ETIME); }),
                  costs.syscall_ps + costs.device_reset_ps + 30 * kSecond);
        EXPECT_EQ(dead.kernel.ioctl(dead.group, uapi::kVfioGroupUnsetContainer), 0) << "nothing is left open";
    }
    Gpu late(with_gpu([](auto& gpu) { gpu.ready_after_s = 29; }));
    EXPECT_GE(late.open(), 0);
}

TEST_F(GpuTest, BindOfADeadGpuIsTimeToo) {
    Kernel dead(with_gpu([](auto& gpu) { gpu.c2c_ready = false; }));
    const auto device = dead.open("/dev/vfio/devices/vfio0");
    uapi::VfioDeviceBindIommufd call{sizeof call, 0, static_cast<int>(dead.open("/dev/iommu")), 0};
    EXPECT_EQ(dead.ioctl(device, uapi::kVfioDeviceBindIommufd, &call), -ETIME);
    EXPECT_GE(dead.open("/dev/vfio/7"), 0) << "it is not bound";
}

TEST_F(GpuTest, FirstAccessAfterAResetWaits) {
    Gpu slow(with_gpu([](auto& gpu) { gpu.ready_after_s = 4; }));
    const auto device = slow.open();
    EXPECT_EQ(slow.kernel.ioctl(device, uapi::kVfioDeviceReset), 0);
    char byte = 0;
    EXPECT_EQ(slow.kernel.time([&] { slow.read(device, 4, 0, &byte, 1); }), costs.syscall_ps + 4 * kSecond);
    EXPECT_EQ(slow.kernel.time([&] { slow.read(device, 4, 0, &byte, 1); }), costs.syscall_ps);
}

TEST_F(GpuTest, UsememIsAPowerOfTwoWithOneMappableArea) {
    Gpu odd(with_gpu([](auto& gpu) { gpu.hbm.size = 3 * kGiB; }));
    const auto answer = odd.device_region(odd.open(), 4);
    EXPECT_EQ(answer.info.size, 4 * kGiB);
    EXPECT_EQ(answer.info.offset, 4ull << 40);
    EXPECT_EQ(answer.info.flags, 0xFu);
    EXPECT_EQ(answer.info.cap_offset, sizeof answer.info);
    EXPECT_EQ(answer.sparse.header.id, uapi::kVfioRegionInfoCapSparseMmap);
    EXPECT_EQ(answer.sparse.nr_areas, 1u);
    EXPECT_EQ(answer.area.offset, 0u);
    EXPECT_EQ(answer.area.size, 3 * kGiB);
}

TEST_F(GpuTest, ShortBufferIsToldHowMuchTheCapabilitiesNeed) {
    uapi::VfioRegionInfo info{.argsz = sizeof info, .index = 4};
    EXPECT_EQ(kernel.ioctl(open(), uapi::kVfioDeviceGetRegionInfo, &info), 0);
    EXPECT_EQ(info.argsz, sizeof(Answer));
    EXPECT_EQ(info.cap_offset, 0u);
}

TEST_F(GpuTest, Gh200KeepsItsLastGibibyteAsResmem) {
    Gpu gh200(with_gpu([](auto& gpu) {
        gpu.device_id = 0x2342;
        gpu.hbm.size = 4 * kGiB + 100 * kMiB;
    }));
    const auto device = gh200.open();
    EXPECT_EQ(gh200.device_region(device, 4).area.size, 3 * kGiB);
    EXPECT_EQ(gh200.device_region(device, 2).area.size, kGiB + 100 * kMiB);
    EXPECT_EQ(gh200.device_region(device, 2).info.size, 2 * kGiB);
}

TEST_F(GpuTest, InfoAnswersLikeVfioPci) {
    const auto device = open();
    uapi::VfioDeviceInfo info{.argsz = 8};
    EXPECT_EQ(kernel.ioctl(device, uapi::kVfioDeviceGetInfo, &info), -EINVAL);
    info.argsz = sizeof info;
    EXPECT_EQ(kernel.ioctl(device, uapi::kVfioDeviceGetInfo, &info), 0);
    EXPECT_EQ(info.num_regions, 9u);
    EXPECT_EQ(info.num_irqs, 5u);
    device_region(device, 8, -EINVAL);
    device_region(device, 1000, -EINVAL);
    EXPECT_EQ(device_region(device, 1).info.size, 0u);
    uapi::VfioRegionInfo short_info{.argsz = 4};
    EXPECT_EQ(kernel.ioctl(device, uapi::kVfioDeviceGetRegionInfo, &short_info), -EINVAL);
    EXPECT_EQ(kernel.ioctl(device, uapi::kVfioDeviceIoeventfd, &short_info), -ENOTTY);
}

TEST_F(GpuTest, MmapStaysInTheLengthAndReadsBeyondItAreOnes) {
    Gpu odd(with_gpu([](auto& gpu) { gpu.hbm.size = 3 * kGiB; }));
    const auto device = odd.open();
    EXPECT_GT(odd.kernel.map_file(device, 3 * kGiB, 4ull << 40), 0);
    EXPECT_EQ(odd.kernel.map_file(device, 4 * kGiB, 4ull << 40), -EINVAL) << "the reported size";
    EXPECT_EQ(odd.kernel.map_file(device, odd.kernel.page, 1ull << 40), -EINVAL) << "no such device region";
    const std::uint64_t value = 0x1122334455667788;
    odd.kernel.store.write({0x2000'0000'0000 + 3 * kGiB - 8}, &value, sizeof value);
    std::uint64_t read_back[2]{};
    EXPECT_EQ(odd.read(device, 4, 3 * kGiB - 8, read_back, 16), 16);
    EXPECT_EQ(read_back[0], value);
    EXPECT_EQ(read_back[1], kMaxU64);
    EXPECT_EQ(odd.read(device, 4, 4 * kGiB - 8, read_back, 16), 8) << "to the end of the device region";
    EXPECT_EQ(odd.read(device, 4, 4 * kGiB, read_back, 8), -EINVAL);
    EXPECT_EQ(odd.read(device, 7, 0, read_back, 4), 4);
    EXPECT_EQ(read_back[0] & 0xFFFFFFFF, 0x294110DEu);
}

TEST_F(GpuTest, GpuMemoryFaultsInHugeFromLinux619) {
    for (const auto& [version, host_block, steps] : {std::tuple{618, 4 * kKiB, std::uint64_t{0}}, {619, kGiB, 4}}) {
        auto config = small_host();
        config.version = version;
        Gpu gpu(config);
        const auto place =
            egm::align_up(u64(gpu.kernel.mmap(0, 6 * kGiB, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0, PROT_NONE)), kGiB);
        const auto at = u64(gpu.kernel.map_file(gpu.open(), 4 * kGiB, 4ull << 40, place));
        EXPECT_EQ(gpu.kernel.sys.host({at})->block_bytes, host_block);
        uapi::VfioIommuType1DmaMap map{sizeof map, 3, at, 4 * kGiB, 4 * kGiB};
        const auto walk = steps > 0 ? steps * costs.type1_huge_step_ps : kGiB / kKiB * costs.type1_page_step_ps;
        EXPECT_EQ(gpu.kernel.time([&] { gpu.kernel.ioctl(gpu.container, uapi::kVfioIommuMapDma, &map); }),
                  costs.syscall_ps + walk + 4 * costs.iommu_block_ps);
    }
}

TEST_F(GpuTest, PcieGpuOnX86HasAPlainBarAndNoWait) {
    auto config = small_host();
    config.arch = models::linux::HostArch::kX86;
    config.carveouts.clear();
    for (auto& gpu : config.gpus) {
        gpu.coherent = false;
        gpu.socket = -1;
        gpu.c2c_ready = false;
    }
    ASSERT_TRUE(models::linux::faults(config).empty());
    Gpu legacy(config);
    const auto device = legacy.open();
    ASSERT_GE(device, 0);
    EXPECT_EQ(legacy.device_region(device, 2).info.size, 4 * kGiB);
    EXPECT_EQ(legacy.device_region(device, 4).info.size, 0u);
    EXPECT_EQ(legacy.kernel.text("/sys/bus/pci/devices/0008:01:00.0/numa_node"), "-1\n");
    EXPECT_EQ(legacy.kernel.open("/dev/egm4"), -ENOENT);
}

} // namespace
} // namespace test
