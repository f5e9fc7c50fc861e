// The edu device: does DMA arrive where the IOMMU's entries say, and nowhere else?
#include <array>
#include <cstring>
#include <functional>

#include "tests/linux/kernel_test.h"

namespace test {
namespace {

constexpr const char* kBdf = "0000:00:03.0";
constexpr std::uint64_t kIova = 0x10'0000;
constexpr std::uint64_t kConfig = 7ull << 40, kCommandRegister = kConfig + 4;
constexpr std::uint64_t kToDevice = 1, kToMemory = 3;

KernelConfig with_edu(models::linux::HostArch arch = models::linux::HostArch::kArm64) {
    KernelConfig config;
    if (arch == models::linux::HostArch::kArm64) {
        config = small_host();
    } else {
        config.arch = arch;
        config.page_size = 4 * kKiB;
        config.host_memory = {{{0x8000'0000}, kGiB}};
    }
    config.plain_devices = {{.bdf = kBdf, .iommu_group = 3, .vfio_index = 9}};
    return config;
}

/// A device fd through a container or an IOAS, bus mastering on, and one page of anonymous memory.
struct EduTest : ::testing::Test {
    Kernel k{with_edu()};
    std::int64_t container = -1, iommu = -1, device = -1;
    std::uint32_t ioas = 0;
    std::uint64_t memory = 0;

    void open_by_type1() {
        container = k.open("/dev/vfio/vfio");
        const std::int64_t group = k.open("/dev/vfio/3");
        int fd = static_cast<int>(container);
        ASSERT_EQ(k.ioctl(group, uapi::kVfioGroupSetContainer, &fd), 0);
        ASSERT_EQ(k.ioctl_value(container, uapi::kVfioSetIommu, uapi::kVfioType1v2Iommu), 0);
        device = k.ioctl(group, uapi::kVfioGroupGetDeviceFd, const_cast<char*>(kBdf));
        ASSERT_GE(device, 0);
        prepare();
    }
    void open_by_iommufd() {
        iommu = k.open("/dev/iommu");
        device = k.open("/dev/vfio/devices/vfio9");
        uapi::VfioDeviceBindIommufd bind{.argsz = sizeof bind, .iommufd = static_cast<int>(iommu)};
        ASSERT_EQ(k.ioctl(device, uapi::kVfioDeviceBindIommufd, &bind), 0);
        uapi::IommuIoasAlloc alloc{.size = sizeof alloc};
        ASSERT_EQ(k.ioctl(iommu, uapi::kIommuIoasAlloc, &alloc), 0);
        ioas = alloc.out_ioas_id;
        uapi::VfioDeviceAttachIommufdPt attach{.argsz = sizeof attach, .pt_id = ioas};
        ASSERT_EQ(k.ioctl(device, uapi::kVfioDeviceAttachIommufdPt, &attach), 0);
        prepare();
    }
    void prepare() {
        const std::uint16_t command = 6;
        ASSERT_EQ(write(kCommandRegister, command), 2);
        memory = u64(k.map_anonymous(4 * k.page));
    }

    template <class Word>
    std::int64_t write(std::uint64_t at, Word value) {
        return Kernel::answer(
            k.sys.pwrite(static_cast<int>(device), &value, sizeof value, static_cast<std::int64_t>(at)));
    }
    template <class Word>
    Word read(std::uint64_t at) {
        Word value{};
        EXPECT_EQ(k.sys.pread(static_cast<int>(device), &value, sizeof value, static_cast<std::int64_t>(at)),
                  static_cast<std::int64_t>(sizeof value));
        return value;
    }
    void dma(std::uint64_t iova, std::uint64_t command, std::uint64_t bytes = 256) {
        write<std::uint64_t>(0x80, command == kToDevice ? iova : 0x40000);
        write<std::uint64_t>(0x88, command == kToDevice ? 0x40000 : iova);
        write<std::uint64_t>(0x90, bytes);
        write<std::uint32_t>(0x98, static_cast<std::uint32_t>(command));
    }
    std::int64_t map_type1(std::uint64_t iova, std::uint64_t size, std::uint32_t flags = 3) {
        uapi::VfioIommuType1DmaMap map{sizeof map, flags, memory, iova, size};
        return k.ioctl(container, uapi::kVfioIommuMapDma, &map);
    }
    egm::Spa spa(std::uint64_t offset) { return k.sys.host({memory + offset})->spa; }
    void put(std::uint64_t offset, const std::string& text) { k.store.write(spa(offset), text.data(), text.size()); }
    std::string get(std::uint64_t offset, std::size_t size) {
        std::string text(size, '?');
        k.store.read(spa(offset), text.data(), size);
        return text;
    }
};

TEST_F(EduTest, RegistersIdentifyTheDeviceAndInvertTheLivenessWord) {
    open_by_type1();
    EXPECT_EQ(read<std::uint32_t>(0), 0x010000EDu);
    write<std::uint32_t>(4, 0x12345678);
    EXPECT_EQ(read<std::uint32_t>(4), 0xEDCBA987u);
    EXPECT_EQ(read<std::uint32_t>(kConfig), 0x11E81234u);
}

TEST_F(EduTest, MappedBytesMakeARoundTripThroughType1) {
    open_by_type1();
    ASSERT_EQ(map_type1(kIova, k.page), 0);
    put(0, "through the device");
    dma(kIova, kToDevice);
    dma(kIova + 2048, kToMemory);
    EXPECT_EQ(get(2048, 18), "through the device");
    EXPECT_EQ(read<std::uint32_t>(0x98) & 1, 0u); // done
    EXPECT_EQ(k.sys.dma_faults(kBdf), 0u);
}

TEST_F(EduTest, MappedBytesMakeARoundTripThroughIommufd) {
    open_by_iommufd();
    uapi::IommuIoasMap map{sizeof map, 7, ioas, 0, memory, k.page, kIova};
    ASSERT_EQ(k.ioctl(iommu, uapi::kIommuIoasMap, &map), 0);
    put(0, "by an IOAS");
    dma(kIova, kToDevice);
    dma(kIova + 2048, kToMemory);
    EXPECT_EQ(get(2048, 10), "by an IOAS");
}

TEST_F(EduTest, UnmappedAddressesFaultAndMoveNothing) {
    open_by_type1();
    ASSERT_EQ(map_type1(kIova, k.page), 0);
    put(0, "kept");
    dma(kIova + k.page, kToMemory);
    EXPECT_EQ(k.sys.dma_faults(kBdf), 1u);
    dma(kIova + k.page, kToDevice);
    EXPECT_EQ(k.sys.dma_faults(kBdf), 2u);
    dma(kIova, kToMemory, 4); // what a refused read left in the device is zeros
    EXPECT_EQ(get(0, 4), std::string(4, '\0'));
}

TEST_F(EduTest, AReadOnlyEntryRefusesTheDevicesWrite) {
    open_by_type1();
    ASSERT_EQ(map_type1(kIova, k.page, uapi::kVfioDmaMapFlagRead), 0);
    put(0, "read only");
    dma(kIova, kToDevice);
    EXPECT_EQ(k.sys.dma_faults(kBdf), 0u);
    dma(kIova + 64, kToMemory);
    EXPECT_EQ(k.sys.dma_faults(kBdf), 1u);
    EXPECT_EQ(get(64, 4), std::string(4, '\0'));
}

TEST_F(EduTest, AWriteOnlyEntryRefusesTheDevicesRead) {
    open_by_type1();
    ASSERT_EQ(map_type1(kIova, k.page, uapi::kVfioDmaMapFlagWrite), 0);
    dma(kIova, kToDevice);
    EXPECT_EQ(k.sys.dma_faults(kBdf), 1u);
}

TEST_F(EduTest, ATransferStopsAtTheEndOfItsEntryPageByPage) {
    open_by_type1();
    ASSERT_EQ(map_type1(kIova, k.page), 0);
    put(k.page - 128, std::string(256, 'x'));
    dma(kIova + k.page - 128, kToDevice); // 128 bytes are there, 128 are not
    EXPECT_EQ(k.sys.dma_faults(kBdf), 1u);
    dma(kIova, kToMemory);
    EXPECT_EQ(get(0, 256), std::string(128, 'x') + std::string(128, '\0'));
}

TEST_F(EduTest, NothingMovesWhileBusMasteringIsOff) {
    open_by_type1();
    ASSERT_EQ(map_type1(kIova, k.page), 0);
    write<std::uint16_t>(kCommandRegister, 2);
    dma(kIova, kToDevice);
    EXPECT_EQ(k.sys.dma_faults(kBdf), 1u);
}

TEST_F(EduTest, RegistersAnswerEioWhileMemorySpaceIsOff) {
    open_by_type1();
    write<std::uint16_t>(kCommandRegister, 4);
    EXPECT_EQ(write<std::uint32_t>(4, 1), -EIO);
}

TEST_F(EduTest, AnEntryThatIsUnmappedFaultsFromThenOn) {
    open_by_type1();
    ASSERT_EQ(map_type1(kIova, k.page), 0);
    uapi::VfioIommuType1DmaUnmap unmap{sizeof unmap, 0, kIova, k.page};
    ASSERT_EQ(k.ioctl(container, uapi::kVfioIommuUnmapDma, &unmap), 0);
    dma(kIova, kToDevice, 64);
    EXPECT_EQ(k.sys.dma_faults(kBdf), 1u);
}

TEST_F(EduTest, AnIovaIsCutTo28Bits) {
    open_by_type1();
    ASSERT_EQ(map_type1(kIova, k.page), 0);
    put(0, "low");
    dma((1ull << 28) + kIova, kToDevice);
    dma(kIova + 64, kToMemory);
    EXPECT_EQ(get(64, 3), "low");
}

TEST_F(EduTest, ItHasNoResetAndConventionalConfigurationSpace) {
    open_by_type1();
    uapi::VfioDeviceInfo info{.argsz = sizeof info};
    ASSERT_EQ(k.ioctl(device, uapi::kVfioDeviceGetInfo, &info), 0);
    EXPECT_EQ(info.flags, uapi::kVfioDeviceFlagsPci);
    EXPECT_EQ(k.ioctl(device, uapi::kVfioDeviceReset), -EINVAL);
    uapi::VfioRegionInfo config{.argsz = sizeof config, .index = uapi::kVfioPciConfigRegionIndex};
    ASSERT_EQ(k.ioctl(device, uapi::kVfioDeviceGetRegionInfo, &config), 0);
    EXPECT_EQ(config.size, 256u);
    char byte = 0;
    EXPECT_EQ(Kernel::answer(k.sys.pread(static_cast<int>(device), &byte, 1, kConfig + 256)), -EFAULT);
}

TEST_F(EduTest, DmaReachesTheEgmCarveoutThroughItsMapping) {
    open_by_type1();
    const std::int64_t egm = k.open("/dev/egm4");
    memory = u64(k.map_file(egm, 2 * kMiB));
    ASSERT_EQ(map_type1(0x20'0000, 2 * kMiB), 0);
    put(0, "carveout");
    dma(0x20'0000, kToDevice);
    dma(0x20'0000 + kMiB, kToMemory);
    EXPECT_EQ(get(kMiB, 8), "carveout");
}

TEST(EduOnX86, TheSameDeviceDoesDmaBehindVtd) {
    Kernel k{with_edu(models::linux::HostArch::kX86)};
    const std::int64_t group = k.open("/dev/vfio/3");
    EXPECT_GE(group, 0);
    EXPECT_EQ(k.text("/sys/bus/pci/devices/0000:00:03.0/device"), "0x11e8\n");
}

TEST(EduConfig, AnAddressOrAVfioIndexThatIsTakenIsRefused) {
    KernelConfig config = with_edu();
    config.plain_devices.push_back({.bdf = kBdf, .iommu_group = 4, .vfio_index = 0});
    EXPECT_EQ(models::linux::faults(config).size(), 2u); // its own address twice, and GPU 0's vfio index
}

} // namespace
} // namespace test
