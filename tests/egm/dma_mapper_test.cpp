// DMA mapper: do the container and the IOAS look the same from outside?

#include "egm/dma_mapper.h"

#include <algorithm>
#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_syscalls.h"

namespace egm {
namespace {

using testing::HasSubstr;

struct DmaMapperTest : testing::TestWithParam<IommuMode> {
    FakeSyscalls kernel;
    std::unique_ptr<DmaMapper> mapper;

    DmaMapperTest() {
        kernel.add_gb200();
        auto created = DmaMapper::create(kernel, GetParam());
        EXPECT_TRUE(created);
        mapper = std::move(*created);
        EXPECT_TRUE(mapper->attach("0008:01:00.0"));
        EXPECT_TRUE(map(kGiB, kGiB));
    }

    bool map(std::uint64_t iova, std::uint64_t size) {
        auto outcome = mapper->map({iova}, {0x1000'0000}, size, MemoryKind::kOrdinary, "memory");
        return outcome && outcome->mapped;
    }
};

TEST_P(DmaMapperTest, UnmapTellsHowMuchThereWas) { EXPECT_EQ(*mapper->unmap({{kGiB}, kGiB}), kGiB); }

TEST_P(DmaMapperTest, UnmapOfNothingIsNoError) {
    auto bytes = mapper->unmap({{8 * kGiB}, kGiB});
    ASSERT_TRUE(bytes);
    EXPECT_EQ(*bytes, 0u);
}

TEST_P(DmaMapperTest, UnmapOfAPartIsInvalid) {
    for (const Range<Iova>& part : {Range<Iova>{{kGiB}, kMiB}, Range<Iova>{{kGiB + kMiB}, kGiB}}) {
        auto bytes = mapper->unmap(part);
        ASSERT_FALSE(bytes);
        EXPECT_EQ(bytes.error().error_number, EINVAL);
        EXPECT_THAT(bytes.error().message(), HasSubstr("only whole mappings can be unmapped"));
    }
    EXPECT_EQ(kernel.dma.size(), 1u);
}

TEST_P(DmaMapperTest, UnmapMayCoverSeveral) {
    ASSERT_TRUE(map(2 * kGiB, kGiB));
    EXPECT_EQ(*mapper->unmap({{0}, 16 * kGiB}), 2 * kGiB);
    EXPECT_TRUE(kernel.dma.empty());
}

TEST_P(DmaMapperTest, OverlapIsRefusedByTheKernel) {
    auto outcome = mapper->map({kGiB + kMiB}, {0x1000'0000}, kGiB, MemoryKind::kOrdinary, "vm0/memory");
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().error_number, EEXIST);
    EXPECT_THAT(outcome.error().message(), HasSubstr("vm0/memory: the range overlaps one that is mapped already"));
}

TEST_P(DmaMapperTest, UnmappedPlaceCanBeMappedAgain) {
    ASSERT_TRUE(mapper->unmap({{kGiB}, kGiB}));
    EXPECT_TRUE(map(kGiB, 2 * kGiB));
}

TEST_P(DmaMapperTest, RangeThatWrapsOverflowsOnEveryKernel) {
    const int calls = kernel.calls;
    const auto last_page = ~std::uint64_t{0} - kernel.page + 1;
    for (const auto& [iova, hva] : {std::pair{last_page, kGiB}, std::pair{kGiB, last_page}}) {
        auto outcome = mapper->map({iova}, {hva}, kGiB, MemoryKind::kOrdinary, "memory");
        ASSERT_FALSE(outcome);
        EXPECT_EQ(outcome.error().error_number, EOVERFLOW);
    }
    EXPECT_EQ(mapper->unmap({{last_page}, kGiB}).error().error_number, EOVERFLOW);
    EXPECT_EQ(kernel.calls, calls);
}

TEST_P(DmaMapperTest, MisalignedRangeSaysTheIommusPage) {
    for (const auto& [iova, hva, size] :
         {std::tuple{kMiB + 1, kMiB, kMiB}, std::tuple{kMiB, kMiB + 4096, kMiB}, std::tuple{kMiB, kMiB, kMiB + 512}}) {
        auto outcome = mapper->map({iova}, {hva}, size, MemoryKind::kOrdinary, "memory");
        ASSERT_FALSE(outcome);
        EXPECT_EQ(outcome.error().error_number, EINVAL);
        EXPECT_THAT(outcome.error().message(), HasSubstr("multiples of the IOMMU's page, 64 KiB"));
    }
}

TEST_P(DmaMapperTest, ReservedWindowIsNamedBeforeTheKernelIsAsked) {
    const int calls = kernel.calls;
    auto outcome = mapper->map({0x0700'0000}, {kGiB}, 32 * kMiB, MemoryKind::kOrdinary, "vm0/memory");
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().error_number, EINVAL);
    EXPECT_EQ(outcome.error().message(),
              "EINVAL: map DMA vm0/memory: [0x7000000, 0x9000000) meets the window [0x8000000, 0x8100000), which this "
              "IOMMU reserves (for interrupts, most often): keep guest memory out of it");
    EXPECT_EQ(kernel.calls, calls);
}

TEST_P(DmaMapperTest, EndOfTheAddressesIsNamed) {
    auto outcome = mapper->map({(1ull << 48) - kGiB}, {kGiB}, 2 * kGiB, MemoryKind::kOrdinary, "memory");
    ASSERT_FALSE(outcome);
    EXPECT_THAT(outcome.error().message(), HasSubstr("the end of this IOMMU's addresses at 0x1000000000000"));
}

TEST_P(DmaMapperTest, ManyWindowsTakeASecondLook) {
    kernel.iovas.clear();
    for (std::uint64_t i = 0; i < 300; ++i)
        kernel.iovas.push_back({i * 2 * kGiB, i * 2 * kGiB + kGiB - 1});
    ASSERT_TRUE(mapper->attach("0009:01:00.0")) << "what was read before is stale now";
    EXPECT_FALSE(map(3 * kGiB, kGiB));
    EXPECT_TRUE(map(598 * kGiB, kGiB)) << "the last range";
}

TEST_P(DmaMapperTest, KernelThatTellsNoRangesIsAskedByMapping) {
    kernel.tells_iovas = false;
    ASSERT_TRUE(mapper->attach("0009:01:00.0"));
    if (GetParam() != IommuMode::kType1)
        return; // iommufd has always told
    auto outcome = mapper->map({0x0800'0000}, {kGiB}, kMiB, MemoryKind::kOrdinary, "memory");
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().call, "ioctl VFIO_IOMMU_MAP_DMA");
}

TEST_P(DmaMapperTest, EmptyRangeIsInvalid) {
    EXPECT_EQ(mapper->unmap({{kGiB}, 0}).error().error_number, EINVAL);
    EXPECT_FALSE(map(8 * kGiB, 0));
}

TEST_P(DmaMapperTest, UnknownDeviceIsNamed) {
    auto attached = mapper->attach("0028:01:00.0");
    ASSERT_FALSE(attached);
    EXPECT_EQ(attached.error().error_number, ENOENT);
    EXPECT_THAT(attached.error().message(), HasSubstr("0028:01:00.0"));
}

INSTANTIATE_TEST_SUITE_P(Interfaces, DmaMapperTest, testing::Values(IommuMode::kType1, IommuMode::kIommufdStrict),
                         [](const auto& info) { return info.param == IommuMode::kType1 ? "Type1" : "Iommufd"; });

TEST(DmaMapperModeTest, TwoGpusOfOneGroupOpenItOnce) {
    FakeSyscalls kernel;
    kernel.add_gb200();
    kernel.links["/sys/bus/pci/devices/0009:01:00.0/iommu_group"] = "../../../kernel/iommu_groups/10";
    auto mapper = DmaMapper::create(kernel, IommuMode::kType1);
    ASSERT_TRUE((*mapper)->attach("0008:01:00.0"));
    ASSERT_TRUE((*mapper)->attach("0009:01:00.0"));
    EXPECT_EQ(std::count(kernel.log.begin(), kernel.log.end(), "open /dev/vfio/10"), 1);
}

TEST(DmaMapperModeTest, MoreGroupsSetTheIommuOfTheContainerOnce) {
    FakeSyscalls kernel;
    kernel.add_gb200();
    auto mapper = DmaMapper::create(kernel, IommuMode::kType1);
    for (const char* bdf : {"0008:01:00.0", "0009:01:00.0", "0018:01:00.0"})
        ASSERT_TRUE((*mapper)->attach(bdf));
    EXPECT_THAT(kernel.violations, testing::IsEmpty());
}

/// An iommufd whose kernel maps no address of memory without struct page, with one GPU.
struct DmaBufTest : testing::Test {
    FakeSyscalls kernel;
    std::unique_ptr<DmaMapper> mapper;

    DmaBufTest() {
        kernel.add_gb200();
        mapper = std::move(*DmaMapper::create(kernel, IommuMode::kIommufdDmaBuf));
        EXPECT_TRUE(mapper->attach("0008:01:00.0"));
    }

    FileDescriptor dma_buf(const std::string& name) {
        kernel.devices[name] = 0;
        return std::move(*FileDescriptor::open(kernel, name, 0));
    }
};

TEST_F(DmaBufTest, BufferOfAVfioDeviceIsMapped) {
    ASSERT_TRUE(mapper->map_dma_buf({kGiB}, dma_buf("dma-buf of VFIO"), 0, kGiB, "memory"));
    EXPECT_EQ(*mapper->unmap({{kGiB}, kGiB}), kGiB);
}

TEST_F(DmaBufTest, BufferOfTheEgmDriverIsRefusedByMainlineWithAdvice) {
    auto mapped = mapper->map_dma_buf({kGiB}, dma_buf("dma-buf of egm"), 0, kGiB, "vm0/egm4");
    ASSERT_FALSE(mapped);
    EXPECT_EQ(mapped.error().message(),
              "EOPNOTSUPP: ioctl IOMMU_IOAS_MAP_FILE vm0/egm4: this kernel's iommufd takes no dma-buf of this "
              "exporter, only those of VFIO devices: use the type1 container for EGM");
}

TEST_F(DmaBufTest, ContainerHasNoSuchCall) {
    auto type1 = std::move(*DmaMapper::create(kernel, IommuMode::kType1));
    ASSERT_TRUE(type1->attach("0009:01:00.0"));
    auto mapped = type1->map_dma_buf({kGiB}, dma_buf("dma-buf"), 0, kGiB, "vm0/egm4");
    ASSERT_FALSE(mapped);
    EXPECT_EQ(mapped.error().error_number, EOPNOTSUPP);
}

TEST(DmaMapperModeTest, TolerantModeToleratesOnlyEgmAndOnlyEfault) {
    FakeSyscalls kernel;
    kernel.add_gb200();
    auto mapper = DmaMapper::create(kernel, IommuMode::kIommufdTolerant);
    ASSERT_TRUE((*mapper)->attach("0008:01:00.0"));
    kernel.refused["ioctl 0x3b85"] = EFAULT;
    EXPECT_TRUE((*mapper)->map({kGiB}, {0x10000}, kGiB, MemoryKind::kEgm, "egm"));
    EXPECT_FALSE((*mapper)->map({kGiB}, {0x10000}, kGiB, MemoryKind::kOrdinary, "memory"));
    kernel.refused["ioctl 0x3b85"] = EINVAL;
    EXPECT_FALSE((*mapper)->map({kGiB}, {0x10000}, kGiB, MemoryKind::kEgm, "egm"));
}

TEST(DmaMapperModeTest, RefusedMappingOfAGpusMemoryIsNotedInEveryIommufdMode) {
    for (const IommuMode mode : {IommuMode::kIommufdStrict, IommuMode::kIommufdTolerant, IommuMode::kIommufdDmaBuf}) {
        FakeSyscalls kernel;
        kernel.add_gb200();
        auto mapper = DmaMapper::create(kernel, mode);
        ASSERT_TRUE((*mapper)->attach("0008:01:00.0"));
        kernel.refused["ioctl 0x3b85"] = EFAULT;
        auto outcome = (*mapper)->map({kTiB}, {0x10000}, kGiB, MemoryKind::kDeviceRegion, "0008:01:00.0 memory");
        ASSERT_TRUE(outcome);
        EXPECT_FALSE(outcome->mapped);
        EXPECT_THAT(outcome->note, HasSubstr("no other device reaches this GPU's memory"));
    }
}

TEST(DmaMapperModeTest, LockedMemoryCountsForTheProcessWhereWeMayChoose) {
    for (const int error_number : {EPERM, EOPNOTSUPP, ENOTTY}) {
        FakeSyscalls kernel;
        kernel.add_gb200();
        kernel.refused["ioctl 0x3b87"] = error_number;
        EXPECT_TRUE(DmaMapper::create(kernel, IommuMode::kIommufdStrict)) << error_number;
    }
    FakeSyscalls kernel;
    kernel.add_gb200();
    kernel.refused["ioctl 0x3b87"] = EIO;
    auto mapper = DmaMapper::create(kernel, IommuMode::kIommufdStrict);
    ASSERT_FALSE(mapper);
    EXPECT_EQ(mapper.error().call, "ioctl IOMMU_OPTION");
    EXPECT_TRUE(kernel.clean());
}

TEST(DmaMapperModeTest, FullContainerSaysWhatToDo) {
    FakeSyscalls kernel;
    kernel.add_gb200();
    kernel.dma_entries_max = 1;
    auto mapper = DmaMapper::create(kernel, IommuMode::kType1);
    ASSERT_TRUE((*mapper)->attach("0008:01:00.0"));
    ASSERT_TRUE((*mapper)->map({kGiB}, {0x10000}, kGiB, MemoryKind::kEgm, "egm"));
    auto second = (*mapper)->map({2 * kGiB}, {0x10000}, kGiB, MemoryKind::kEgm, "egm");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().error_number, ENOSPC);
    EXPECT_THAT(second.error().advice, HasSubstr("65535 mappings"));
}

} // namespace
} // namespace egm
