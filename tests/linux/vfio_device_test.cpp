// A VFIO device's file: interrupts, features, resets, and how long a GPU is waited for.

#include "models/linux/vfio_abi.h"
#include "tests/linux/iommufd_fixture.h"

namespace test {
namespace {

namespace abi = models::linux::abi;
using models::linux::FirmwareGap;

KernelConfig with_edu(int version = 618) {
    KernelConfig config = small_host();
    config.version = version;
    config.plain_devices = {{.bdf = "0000:00:03.0", .iommu_group = 3, .vfio_index = 9}};
    return config;
}

struct DeviceTest : testing::Test {
    explicit DeviceTest(int version = 618) : i(with_edu(version)) {
        i.bind(i.gpu);
        edu = i.kernel.open("/dev/vfio/devices/vfio9");
        i.bind(edu);
    }
    abi::VfioIrqInfo irq(std::int64_t device, std::uint32_t index, std::int64_t expected = 0) {
        abi::VfioIrqInfo info{.argsz = sizeof info, .index = index};
        EXPECT_EQ(i.kernel.ioctl(device, abi::kVfioDeviceGetIrqInfo, &info), expected) << index;
        return info;
    }
    std::int64_t set_irqs(std::uint32_t flags, std::uint32_t index, std::uint32_t count, std::int32_t eventfd = -1,
                          std::uint32_t argsz = 24) {
        struct {
            abi::VfioIrqSet head;
            std::int32_t eventfd;
        } set{{argsz, flags, index, 0, count}, eventfd};
        return i.kernel.ioctl(edu, abi::kVfioDeviceSetIrqs, &set);
    }
    std::int64_t feature(std::uint32_t flags, std::uint32_t argsz = 8) {
        uapi::VfioDeviceFeature head{argsz, flags};
        return i.kernel.ioctl(edu, uapi::kVfioDeviceFeature, &head);
    }

    Iommufd i;
    std::int64_t edu = -1;
};

TEST_F(DeviceTest, InterruptKindsAreThoseOfTheFunction) {
    EXPECT_EQ(irq(edu, 0).flags, 7u);
    EXPECT_EQ(irq(edu, 0).count, 1u);
    EXPECT_EQ(irq(edu, 1).flags, 9u);
    EXPECT_EQ(irq(edu, 2).count, 0u) << "no MSI-X";
    irq(edu, 3, -EINVAL); // errors are PCI Express's
    EXPECT_EQ(irq(edu, 4).count, 1u);
    irq(edu, 5, -EINVAL);
    EXPECT_EQ(irq(i.gpu, 0).count, 0u) << "a GPU has no INTx";
    EXPECT_EQ(irq(i.gpu, 3).count, 1u);
    abi::VfioIrqInfo shorter{.argsz = 12};
    EXPECT_EQ(i.kernel.ioctl(edu, abi::kVfioDeviceGetIrqInfo, &shorter), -EINVAL);
    EXPECT_EQ(i.kernel.ioctl(edu, abi::kVfioDeviceGetIrqInfo, nullptr), -EFAULT);
}

TEST_F(DeviceTest, SetIrqsTakesWhatFitsAndRefusesTheRest) {
    constexpr auto kEventfd = abi::kVfioIrqSetDataEventfd | abi::kVfioIrqSetActionTrigger;
    constexpr auto kNone = abi::kVfioIrqSetDataNone | abi::kVfioIrqSetActionTrigger;
    EXPECT_EQ(set_irqs(kEventfd, 1, 1), 0);
    EXPECT_EQ(set_irqs(kNone, 1, 0), 0) << "off";
    EXPECT_EQ(set_irqs(kEventfd, 1, 2), -EINVAL) << "it has one";
    EXPECT_EQ(set_irqs(kEventfd, 2, 1), -EINVAL) << "it has no MSI-X";
    EXPECT_EQ(set_irqs(kEventfd, 5, 1), -EINVAL);
    EXPECT_EQ(set_irqs(kEventfd, 1, 1, -1, 20), -EINVAL) << "no room for the eventfd";
    EXPECT_EQ(set_irqs(kEventfd, 1, 1, 99), -EBADF);
    EXPECT_EQ(set_irqs(kEventfd, 1, 1, static_cast<std::int32_t>(edu)), -EINVAL) << "no eventfd";
    EXPECT_EQ(set_irqs(1u << 10, 1, 1), -EINVAL);
    EXPECT_EQ(set_irqs(abi::kVfioIrqSetActionTrigger, 1, 1), -EINVAL) << "no kind of data";
    EXPECT_EQ(set_irqs(abi::kVfioIrqSetDataNone | abi::kVfioIrqSetActionMask, 1, 1), -ENOTTY) << "MSI cannot be masked";
    EXPECT_EQ(set_irqs(abi::kVfioIrqSetDataNone | abi::kVfioIrqSetActionMask, 0, 1), 0);
}

TEST_F(DeviceTest, FeaturesAreProbedAndUnknownOnesAreEnotty) {
    EXPECT_EQ(feature(abi::kVfioDeviceFeatureProbe | abi::kVfioDeviceFeatureSet | abi::kVfioFeatureLowPowerEntry), 0);
    EXPECT_EQ(feature(abi::kVfioDeviceFeatureProbe | abi::kVfioDeviceFeatureGet | abi::kVfioFeatureLowPowerEntry),
              -EINVAL);
    EXPECT_EQ(feature(abi::kVfioFeatureLowPowerEntry), -EINVAL) << "neither get nor set";
    EXPECT_EQ(feature(abi::kVfioDeviceFeatureGet | abi::kVfioDeviceFeatureSet | abi::kVfioFeatureLowPowerEntry),
              -EINVAL);
    EXPECT_EQ(feature(abi::kVfioDeviceFeatureProbe | 1), -ENOTTY) << "migration";
    EXPECT_EQ(feature(1u << 19), -EINVAL);
    EXPECT_EQ(feature(abi::kVfioDeviceFeatureProbe, 7), -EINVAL);
}

TEST_F(DeviceTest, IoeventfdIsUnknownToNvgraceAndCheckedByVfioPci) {
    abi::VfioIoeventfd want{sizeof want, 4, 0x98, 1, -1, 0};
    EXPECT_EQ(i.kernel.ioctl(i.gpu, uapi::kVfioDeviceIoeventfd, &want), -ENOTTY);
    EXPECT_EQ(i.kernel.ioctl(edu, uapi::kVfioDeviceIoeventfd, &want), -ENODEV) << "none to take away";
    want.flags = 3;
    EXPECT_EQ(i.kernel.ioctl(edu, uapi::kVfioDeviceIoeventfd, &want), -EINVAL);
    want.flags = 4;
    want.offset = kMiB;
    EXPECT_EQ(i.kernel.ioctl(edu, uapi::kVfioDeviceIoeventfd, &want), -EINVAL) << "behind the device region";
}

struct DeviceOn73Test : DeviceTest {
    DeviceOn73Test() : DeviceTest(703) {}
};

TEST_F(DeviceOn73Test, ConventionalFunctionsHaveAnErrorInterruptToo) { EXPECT_EQ(irq(edu, 3).count, 1u); }

TEST_F(DeviceTest, ResetKeepsTheCommandRegisterAndOpenSetsIt) {
    const auto gpu = static_cast<int>(i.gpu);
    constexpr std::int64_t kCommand = (7ll << 40) + 4;
    std::uint16_t command = 6;
    EXPECT_EQ(i.kernel.sys.pwrite(gpu, &command, 2, kCommand), 2);
    EXPECT_EQ(i.kernel.ioctl(i.gpu, uapi::kVfioDeviceReset), 0);
    EXPECT_EQ(i.kernel.sys.pread(gpu, &command, 2, kCommand), 2);
    EXPECT_EQ(command, 6u);
    i.kernel.close(i.gpu);
    i.gpu = i.kernel.open("/dev/vfio/devices/vfio0");
    i.bind(i.gpu);
    EXPECT_EQ(i.kernel.sys.pread(static_cast<int>(i.gpu), &command, 2, kCommand), 2);
    EXPECT_EQ(command, 2u) << "memory space on, bus mastering off";
}

/// What binding the first GPU of that host answers, and in how many whole seconds.
std::pair<std::int64_t, std::uint64_t> bind_first(KernelConfig config) {
    Iommufd i(std::move(config));
    std::int64_t answer = 0;
    const auto took = i.kernel.time([&] { answer = i.bind(i.gpu); });
    return {std::min<std::int64_t>(answer, 0), took / models::linux::CallCosts::kSecondPs};
}

KernelConfig next_generation(int version, double valid_after_s, double active_after_s, unsigned code) {
    KernelConfig config = small_host();
    config.version = version;
    config.gpus[0].next_generation = true;
    config.gpus[0].info_valid_after_s = valid_after_s;
    config.gpus[0].ready_after_s = active_after_s;
    config.gpus[0].active_timeout_code = code;
    return config;
}

TEST(NextGeneration, MemoryIsWaitedForAsLongAsTheGpuSays) {
    using Answer = std::pair<std::int64_t, std::uint64_t>;
    EXPECT_EQ(bind_first(next_generation(702, 0, 3, 1)), (Answer{0, 3}));
    EXPECT_EQ(bind_first(next_generation(702, 0, 5, 1)), (Answer{-ETIME, 4}));
    EXPECT_EQ(bind_first(next_generation(702, 0, 5, 2)), (Answer{0, 5}));
    EXPECT_EQ(bind_first(next_generation(702, 0, 1000, 4)), (Answer{-ETIME, 256}));
    EXPECT_EQ(bind_first(next_generation(702, 2, 0, 4)), (Answer{-ETIME, 1})) << "its information never became valid";
}

TEST(NextGeneration, KernelsBefore72WaitForRegistersThatItHasNot) {
    EXPECT_EQ(bind_first(next_generation(701, 0, 0, 0)), (std::pair<std::int64_t, std::uint64_t>{-ETIME, 30}));
}

/// The size of a device region of the first GPU.
std::uint64_t region_bytes(const KernelConfig& config, std::uint32_t index) {
    Iommufd i(config);
    i.bind(i.gpu);
    uapi::VfioRegionInfo info{.argsz = sizeof info, .index = index};
    EXPECT_EQ(i.kernel.ioctl(i.gpu, uapi::kVfioDeviceGetRegionInfo, &info), 0);
    return info.size;
}

TEST(Nvgrace, MigErratumFixedInDvsecMeansNoResmem) {
    auto config = small_host();
    config.gpus[0].device_id = 0x2342;
    EXPECT_EQ(region_bytes(config, 2), kGiB);
    config.gpus[0].mig_erratum_fixed = true;
    EXPECT_EQ(region_bytes(config, 2), 0u);
    Iommufd i(config);
    i.bind(i.gpu);
    std::uint16_t words[2]{};
    i.kernel.sys.pread(static_cast<int>(i.gpu), words, 4, (7ll << 40) + 0x108);
    EXPECT_EQ(words[0], 3u) << "DVSEC id";
    EXPECT_EQ(words[1] & 1, 1u);
}

TEST(Nvgrace, WithoutMemoryPropertiesItIsPlainVfioPci) {
    auto config = small_host();
    config.gpus[0].firmware_gap = FirmwareGap::kGpuMemory;
    config.gpus[0].c2c_ready = false;
    EXPECT_EQ(region_bytes(config, 4), 0u);
    EXPECT_EQ(bind_first(config).first, 0) << "and nothing is waited for";
}

TEST(Type1Vaddr, UpdateTakesTheAddressAwayAndGivesItBack) {
    Kernel k;
    const auto container = k.open("/dev/vfio/vfio");
    auto fd = static_cast<int>(container);
    ASSERT_EQ(k.ioctl(k.open("/dev/vfio/7"), uapi::kVfioGroupSetContainer, &fd), 0);
    EXPECT_EQ(k.ioctl_value(container, uapi::kVfioCheckExtension, uapi::kVfioUpdateVaddr), 0);
    ASSERT_EQ(k.ioctl_value(container, uapi::kVfioSetIommu, uapi::kVfioType1v2Iommu), 0);
    EXPECT_EQ(k.ioctl_value(container, uapi::kVfioCheckExtension, uapi::kVfioUpdateVaddr), 1);
    const auto at = u64(k.map_anonymous(k.page));
    const auto map = [&](std::uint32_t flags, std::uint64_t iova = 0x100000) {
        uapi::VfioIommuType1DmaMap call{sizeof call, flags, at, iova, k.page};
        return k.ioctl(container, uapi::kVfioIommuMapDma, &call);
    };
    const auto unmap = [&](std::uint32_t flags) {
        uapi::VfioIommuType1DmaUnmap call{sizeof call, flags, 0x100000, k.page};
        const auto result = k.ioctl(container, uapi::kVfioIommuUnmapDma, &call);
        return result < 0 ? result : static_cast<std::int64_t>(call.size);
    };
    ASSERT_EQ(map(3), 0);
    EXPECT_EQ(map(uapi::kVfioDmaMapFlagVaddr), -EINVAL) << "its address is still good";
    EXPECT_EQ(map(uapi::kVfioDmaMapFlagVaddr, 0x200000), -ENOENT);
    EXPECT_EQ(map(uapi::kVfioDmaMapFlagVaddr | 1), -EINVAL) << "with an access";
    EXPECT_EQ(unmap(uapi::kVfioDmaUnmapFlagVaddr), static_cast<std::int64_t>(k.page));
    EXPECT_EQ(unmap(uapi::kVfioDmaUnmapFlagVaddr), -EINVAL) << "taken away already";
    EXPECT_EQ(k.sys.open_state().dma_entries, 1u) << "still mapped";
    EXPECT_EQ(map(uapi::kVfioDmaMapFlagVaddr), 0);
    EXPECT_EQ(unmap(0), static_cast<std::int64_t>(k.page));
    EXPECT_EQ(unmap(uapi::kVfioDmaUnmapFlagGetDirtyBitmap), -EINVAL) << "no dirty tracking was started";
}

TEST(Type1Info, CapabilitiesAreMigrationThenEntriesThenRanges) {
    auto config = small_host();
    config.arch = models::linux::HostArch::kX86;
    config.carveouts.clear();
    config.iova_bits = 39;
    for (auto& gpu : config.gpus) {
        gpu.coherent = false;
    }
    Kernel k(config);
    const auto container = k.open("/dev/vfio/vfio");
    auto fd = static_cast<int>(container);
    ASSERT_EQ(k.ioctl(k.open("/dev/vfio/7"), uapi::kVfioGroupSetContainer, &fd), 0);
    ASSERT_EQ(k.ioctl_value(container, uapi::kVfioSetIommu, uapi::kVfioType1v2Iommu), 0);
    EXPECT_EQ(k.ioctl_value(container, uapi::kVfioCheckExtension, uapi::kVfioDmaCcIommu), 1);
    struct {
        uapi::VfioIommuType1Info info{.argsz = sizeof(*this)};
        abi::VfioIommuType1InfoCapMigration migration{};
        uapi::VfioIommuType1InfoDmaAvail avail{};
        std::uint32_t pad = 0;
        uapi::VfioIommuType1InfoCapIovaRange head{};
        uapi::VfioIovaRange ranges[2]{};
    } answer;
    ASSERT_EQ(k.ioctl(container, uapi::kVfioIommuGetInfo, &answer), 0);
    EXPECT_EQ(answer.info.cap_offset, sizeof answer.info);
    EXPECT_EQ(answer.migration.id, uapi::kVfioIommuType1InfoCapMigration);
    EXPECT_EQ(answer.migration.pgsize_bitmap, 4 * kKiB);
    EXPECT_EQ(answer.avail.header.id, uapi::kVfioIommuType1InfoCapDmaAvail);
    EXPECT_EQ(answer.head.nr_iovas, 2u);
    EXPECT_EQ(answer.ranges[1].end, 0x7F'FFFF'FFFFu) << "39 bits";
}

} // namespace
} // namespace test
