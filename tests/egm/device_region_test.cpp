// Device regions and a GPU's own memory: is only what the driver names mapped, where the largest pages fit, and does a
// kernel that cannot give it to the guest or to other devices say so?

#include "egm/device_region.h"

#include <cerrno>
#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "egm/bring_up.h"
#include "egm/gpu_memory.h"
#include "egm/uapi/vfio.h"
#include "fake_syscalls.h"

namespace egm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint64_t kMemory = 94 * kGiB + 512 * kMiB; ///< what GH200's driver leaves of 96 GiB
constexpr const char* kGpu = "0008:01:00.0";

template <class... Parts>
std::vector<std::byte> bytes_of(const Parts&... parts) {
    std::vector<std::byte> bytes;
    const auto add = [&](const auto& part) {
        const auto* begin = reinterpret_cast<const std::byte*>(&part);
        bytes.insert(bytes.end(), begin, begin + sizeof part);
    };
    (add(parts), ...);
    return bytes;
}

struct DeviceRegionTest : testing::Test {
    FakeSyscalls kernel;
    FileDescriptor device;

    DeviceRegionTest() {
        kernel.add_gb200();
        kernel.device_regions[kGpu][4] = {.size = 128 * kGiB, .length = kMemory};
        kernel.devices[kGpu] = 0;
        device = std::move(*FileDescriptor::open(kernel, kGpu, 0));
    }
    ~DeviceRegionTest() override { EXPECT_THAT(kernel.violations, IsEmpty()); }
};

TEST_F(DeviceRegionTest, OnlyTheNamedAreaCanBeMapped) {
    auto region = device_region(device, 4);
    ASSERT_TRUE(region) << region.error().message();
    EXPECT_EQ(region->size, 128 * kGiB);
    EXPECT_TRUE(region->sparse);
    EXPECT_THAT(region->areas, ElementsAre(RegionArea{0, kMemory}));
}

TEST_F(DeviceRegionTest, WithoutNamedAreasItIsTheWhole) {
    kernel.device_regions[kGpu][2] = {.size = 16 * kMiB};
    auto region = device_region(device, 2);
    EXPECT_FALSE(region->sparse);
    EXPECT_THAT(region->areas, ElementsAre(RegionArea{0, 16 * kMiB}));
}

TEST_F(DeviceRegionTest, OneThatIsNotThereHasNoArea) {
    auto region = device_region(device, 0);
    ASSERT_TRUE(region);
    EXPECT_EQ(region->size, 0u);
    EXPECT_THAT(region->areas, IsEmpty());
}

TEST_F(DeviceRegionTest, AnswerLargerThanTheFirstBufferIsAskedForAgain) {
    kernel.device_regions[kGpu][4].capabilities.resize(8192);
    auto region = device_region(device, 4);
    ASSERT_TRUE(region) << region.error().message();
    EXPECT_EQ(region->areas.size(), 1u);
}

TEST_F(DeviceRegionTest, AreaOutsideIsAContradiction) {
    kernel.device_regions[kGpu][4] = {.size = kGiB, .length = kGiB + kMiB};
    auto region = device_region(device, 4);
    ASSERT_FALSE(region);
    EXPECT_EQ(region.error().error_number, EPROTO);
    EXPECT_THAT(region.error().message(), HasSubstr("lies outside the device region"));
}

TEST_F(DeviceRegionTest, ChainOfCapabilitiesThatGoesInCirclesEnds) {
    // A capability of another kind that names itself as the next one.
    kernel.device_regions[kGpu][2] = {
        .size = kGiB, .capabilities = bytes_of(uapi::VfioInfoCapHeader{99, 1, sizeof(uapi::VfioRegionInfo)})};
    EXPECT_TRUE(device_region(device, 2));
    kernel.device_regions[kGpu][2].capabilities = bytes_of(uapi::VfioInfoCapHeader{99, 1, 0xfff'ffff});
    EXPECT_TRUE(device_region(device, 2));
}

TEST_F(DeviceRegionTest, ItsAddressIsAMultipleOfTheNextPowerOfTwo) {
    auto region = device_region(device, 4);
    auto range = map_area(kernel, device, *region, region->areas[0], kGpu);
    ASSERT_TRUE(range) << range.error().message();
    EXPECT_TRUE(is_aligned(range->hva().value, 128 * kGiB));
    EXPECT_EQ(range->size(), kMemory);
    EXPECT_EQ(kernel.mapped_offset.at(range->hva().value), 4ull << 40);
}

TEST_F(DeviceRegionTest, AreaInTheMiddleKeepsItsPosition) {
    const DeviceRegion region{.index = 5, .size = kGiB, .file_offset = (5ull << 40) + kMiB};
    auto range = map_area(kernel, device, region, {64 * kMiB, 256 * kMiB}, kGpu);
    ASSERT_TRUE(range);
    EXPECT_EQ(range->hva().value % (256 * kMiB), 64 * kMiB);
    EXPECT_EQ(kernel.mapped_offset.at(range->hva().value), (5ull << 40) + 65 * kMiB);
}

/// A whole VM whose GPUs have coherent memory.
struct GpuMemoryTest : testing::Test {
    struct NoListener final : StepListener {
        void begin(std::string_view, std::string_view) override {}
        void end() override {}
    } listener;
    FakeSyscalls kernel;
    VmRequest request{.name = "vm0", .regions = {{.pxm = 4}}, .gpu_bdfs = {kGpu, "0009:01:00.0"}};

    GpuMemoryTest() { machine(kernel); }

    static void machine(FakeSyscalls& kernel) {
        kernel.add_gb200();
        kernel.device_regions[kGpu][4] = {.size = 128 * kGiB, .length = kMemory};
        kernel.device_regions["0009:01:00.0"][4] = {.size = 256 * kGiB, .length = 186 * kGiB};
    }
    Result<VirtualMachine> run() { return bring_up(kernel, request, listener); }
};

TEST_F(GpuMemoryTest, GuestSeesItInTheMmioWindowAndPeersByDma) {
    auto vm = run();
    ASSERT_TRUE(vm) << vm.error().message();
    ASSERT_EQ(vm->gpu_memory().size(), 2u);
    const GuestGpuMemory &first = vm->gpu_memory()[0], &second = vm->gpu_memory()[1];
    EXPECT_EQ(first.size, kMemory);
    EXPECT_EQ(first.bar_size, 128 * kGiB);
    EXPECT_EQ(second.ipa, vm->layout().high_mmio.begin) << "the larger one first";
    EXPECT_EQ(first.ipa, second.ipa + 256 * kGiB);
    EXPECT_EQ(kernel.slots.size(), 3u);
    EXPECT_EQ(kernel.dma.at(first.ipa.value), kMemory);
    EXPECT_TRUE(first.dma_mapped && second.dma_mapped);
    EXPECT_EQ(first.note, "");
}

TEST_F(GpuMemoryTest, KernelThatCannotMakeItRamSaysSo) {
    kernel.takes_pfnmap = false;
    request.regions.clear();
    request.legacy_memory_bytes = kGiB;
    auto vm = run();
    ASSERT_TRUE(vm) << vm.error().message();
    EXPECT_EQ(kernel.slots.size(), 1u);
    EXPECT_THAT(vm->gpu_memory()[0].note, HasSubstr("Linux 6.17"));
}

TEST_F(GpuMemoryTest, WindowTooSmallIsRefused) {
    kernel.device_regions[kGpu][4] = {.size = 4 * kTiB, .length = 4 * kTiB};
    auto vm = run();
    ASSERT_FALSE(vm);
    EXPECT_EQ(vm.error().error_number, ENOSPC);
    EXPECT_THAT(vm.error().message(), HasSubstr("does not fit into the guest's MMIO window of 4 TiB"));
    EXPECT_TRUE(kernel.clean());
}

TEST_F(GpuMemoryTest, IommufdTakesItAsADmaBufWhereTheKernelExportsIt) {
    request.regions.clear();
    request.legacy_memory_bytes = kGiB;
    request.iommu = IommuMode::kIommufdDmaBuf;
    kernel.vfio_exports_dma_buf = true;
    auto vm = run();
    ASSERT_TRUE(vm) << vm.error().message();
    EXPECT_TRUE(vm->gpu_memory()[0].dma_mapped);
    EXPECT_EQ(std::count(kernel.log.begin(), kernel.log.end(), "open dma-buf of VFIO 0008:01:00.0"), 1);
}

TEST_F(GpuMemoryTest, OlderKernelIsTriedByAddressAndSaysWhatItCannot) {
    request.regions.clear();
    request.legacy_memory_bytes = kGiB;
    request.iommu = IommuMode::kIommufdDmaBuf;
    auto vm = run();
    ASSERT_TRUE(vm) << vm.error().message();
    EXPECT_FALSE(vm->gpu_memory()[0].dma_mapped);
    EXPECT_THAT(vm->gpu_memory()[0].note, HasSubstr("no other device reaches this GPU's memory by DMA"));
    EXPECT_EQ(kernel.slots.size(), 3u) << "the guest itself does";
}

TEST_F(GpuMemoryTest, EgmGoesByDmaBufWhereDriverAndKernelHaveIt) {
    kernel.shape = DriverShape::kD;
    kernel.iommufd_takes_foreign_dma_buf = true;
    kernel.directories["/sys/class/egm/egm4"].push_back("device");
    request.iommu = IommuMode::kIommufdDmaBuf;
    auto vm = run();
    ASSERT_TRUE(vm) << vm.error().message();
    EXPECT_TRUE(vm->regions()[0].dma_mapped);
    EXPECT_EQ(kernel.dma.at(0x4000'0000), 447 * kGiB);
}

TEST_F(GpuMemoryTest, EgmByDmaBufOnMainlineSaysWhoRefused) {
    kernel.shape = DriverShape::kD;
    kernel.directories["/sys/class/egm/egm4"].push_back("device");
    request.iommu = IommuMode::kIommufdDmaBuf;
    auto vm = run();
    ASSERT_FALSE(vm);
    EXPECT_EQ(vm.error().error_number, EOPNOTSUPP);
    EXPECT_EQ(vm.error().call, "ioctl IOMMU_IOAS_MAP_FILE");
    EXPECT_TRUE(kernel.clean());
}

TEST_F(GpuMemoryTest, VmWithoutAGpuSaysWhyNothingIsMappedForDma) {
    request.gpu_bdfs.clear();
    request.require_all_gpus = false;
    auto vm = run();
    ASSERT_TRUE(vm) << vm.error().message();
    EXPECT_THAT(vm->dma_notes(), ElementsAre("the VM has no GPU, so none of its memory was mapped for DMA"));
    EXPECT_FALSE(vm->regions()[0].dma_mapped);
}

TEST_F(GpuMemoryTest, NothingStaysBehindWhateverCallFails) {
    for (const IommuMode mode : {IommuMode::kType1, IommuMode::kIommufdTolerant, IommuMode::kIommufdDmaBuf}) {
        request.iommu = mode;
        const auto bring_up_failing_at = [&](int n) {
            FakeSyscalls door;
            door.shape = DriverShape::kD;
            machine(door);
            door.vfio_exports_dma_buf = true;
            door.iommufd_takes_foreign_dma_buf = true;
            door.fail_at = n;
            door.fail_with = EIO;
            int calls = 0;
            {
                auto vm = bring_up(door, request, listener);
                calls = door.calls;
            }
            EXPECT_TRUE(door.clean()) << to_string(mode) << ": after the failure of call " << n;
            EXPECT_THAT(door.violations, IsEmpty()) << to_string(mode) << ": call " << n;
            return calls;
        };
        const int total = bring_up_failing_at(0);
        EXPECT_GT(total, 40);
        for (int n = 1; n <= total; ++n)
            bring_up_failing_at(n);
    }
}

} // namespace
} // namespace egm
