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

TEST(DmaMapperModeTest, DmaBufIsNotSupportedYet) {
    FakeSyscalls kernel;
    auto mapper = DmaMapper::create(kernel, IommuMode::kIommufdDmaBuf);
    ASSERT_FALSE(mapper);
    EXPECT_EQ(mapper.error().error_number, EOPNOTSUPP);
    EXPECT_EQ(kernel.calls, 0);
}

TEST(DmaMapperModeTest, TolerantModeToleratesOnlyEgmAndOnlyEfault) {
    FakeSyscalls kernel;
    kernel.add_gb200();
    auto mapper = DmaMapper::create(kernel, IommuMode::kIommufdTolerant);
    ASSERT_TRUE((*mapper)->attach("0008:01:00.0"));
    kernel.refused["ioctl 0x3b85"] = EFAULT;
    EXPECT_TRUE((*mapper)->map({0}, {0x1000}, kGiB, MemoryKind::kEgm, "egm"));
    EXPECT_FALSE((*mapper)->map({0}, {0x1000}, kGiB, MemoryKind::kOrdinary, "memory"));
    kernel.refused["ioctl 0x3b85"] = EINVAL;
    EXPECT_FALSE((*mapper)->map({0}, {0x1000}, kGiB, MemoryKind::kEgm, "egm"));
}

} // namespace
} // namespace egm
