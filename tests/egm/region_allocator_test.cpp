// Region allocator: who gets which part of which carveout, what is refused, and where do the lost bytes go?

#include "egm/region_allocator.h"

#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "egm/address.h"

namespace egm {
namespace {

using testing::HasSubstr;

const std::vector<CarveoutInfo> kCarveouts = {
    {.pxm = 4, .device_path = "/dev/egm4", .size = 100 * kGiB, .gpu_bdfs = {"0008:01:00.0", "0009:01:00.0"}},
    {.pxm = 5, .device_path = "/dev/egm5", .size = 100 * kGiB, .gpu_bdfs = {"0018:01:00.0"}}};

struct RegionAllocatorTest : testing::Test {
    RegionAllocator allocator{kCarveouts, 64 * kKiB};
    const AllocationRequest whole{.owner = "vm0", .pxm = 4, .gpu_bdfs = {"0008:01:00.0", "0009:01:00.0"}};

    /// Memory that no GPU reaches, wherever it fits.
    static AllocationRequest anywhere(std::uint64_t size) {
        return {.owner = "cpu", .pxm = 5, .size = size, .fixed_offset = false, .gpu_visible = false};
    }

    Error refused(const AllocationRequest& request) {
        auto region = allocator.allocate(request);
        EXPECT_FALSE(region);
        return region ? Error{} : region.error();
    }
};

TEST_F(RegionAllocatorTest, SizeZeroIsTheWholeCarveout) {
    auto region = allocator.allocate(whole);
    ASSERT_TRUE(region);
    EXPECT_EQ(region->file_offset, 0u);
    EXPECT_EQ(region->size, 100 * kGiB);
    EXPECT_EQ(allocator.losses(4), Losses{});
}

TEST_F(RegionAllocatorTest, GpuVisibleRegionMustStartAtOffsetZero) {
    AllocationRequest request = whole;
    request.file_offset = kGiB;
    const Error error = refused(request);
    EXPECT_EQ(error.error_number, EINVAL);
    EXPECT_EQ(error.call, "plan region");
    EXPECT_EQ(error.object, "vm0/egm4");
    EXPECT_THAT(error.advice, HasSubstr("must start at offset 0"));
}

TEST_F(RegionAllocatorTest, PolicyLetsAnotherOffsetThrough) {
    RegionAllocator lenient(kCarveouts, 64 * kKiB, {.offset_zero = false});
    AllocationRequest request = whole;
    request.file_offset = kGiB;
    EXPECT_EQ(lenient.allocate(request)->size, 99 * kGiB);
}

TEST_F(RegionAllocatorTest, GpuLeftOutIsRefusedUnlessThePolicyAllowsIt) {
    AllocationRequest request = whole;
    request.gpu_bdfs.pop_back();
    EXPECT_THAT(refused(request).advice, HasSubstr("GPU 0009:01:00.0 reaches all of this carveout"));
    RegionAllocator lenient(kCarveouts, 64 * kKiB, {.all_gpus_together = false});
    EXPECT_TRUE(lenient.allocate(request));
}

TEST_F(RegionAllocatorTest, RetiredBlocksAreLostButDoNotBreakTheRegion) {
    allocator.set_retired(4, {{kGiB, 0x20000}, {50 * kGiB, 0x10000}});
    EXPECT_EQ(allocator.allocate(whole)->size, 100 * kGiB);
    EXPECT_EQ(allocator.losses(4).retired, 0x30000u);
}

TEST_F(RegionAllocatorTest, FreePiecesWithoutAWholeBlockAreLostToAlignment) {
    AllocationRequest request = whole;
    request.size = 10 * kGiB + 64 * kMiB;
    ASSERT_TRUE(allocator.allocate(request));
    EXPECT_EQ(allocator.losses(4), (Losses{.alignment = 448 * kMiB, .unassigned = 89 * kGiB + 512 * kMiB}));
    EXPECT_EQ(allocator.usable(4), 10 * kGiB + 64 * kMiB);
}

TEST_F(RegionAllocatorTest, SecondRegionDoesNotFitOverTheFirst) {
    AllocationRequest request = whole;
    request.size = kGiB;
    ASSERT_TRUE(allocator.allocate(request));
    EXPECT_EQ(refused(request).error_number, ENOSPC);
}

TEST_F(RegionAllocatorTest, GpuOfAnotherOwnerIsBusyUntilThatOneIsGone) {
    const Region first = *allocator.allocate(whole);
    AllocationRequest other{.owner = "vm1", .pxm = 5, .gpu_bdfs = {"0018:01:00.0", "0008:01:00.0"}};
    EXPECT_EQ(refused(other).message(), "EBUSY: plan region vm1/egm5: GPU 0008:01:00.0 belongs to vm0");
    ASSERT_TRUE(allocator.free(first.id));
    EXPECT_TRUE(allocator.allocate(other));
}

TEST_F(RegionAllocatorTest, RefusedRequestChangesNothing) {
    AllocationRequest request = whole;
    request.size = 101 * kGiB;
    EXPECT_EQ(refused(request).error_number, ENOSPC);
    EXPECT_TRUE(allocator.regions().empty());
    request.owner = "vm1";
    request.size = 0;
    EXPECT_TRUE(allocator.allocate(request)) << "the GPUs are still free";
}

TEST_F(RegionAllocatorTest, BestFitTakesTheSmallestPieceAndFreePiecesGrowTogether) {
    RegionAllocator lenient(kCarveouts, 64 * kKiB, {.all_gpus_together = false});
    const int a = lenient.allocate(anywhere(40 * kGiB))->id;
    const int b = lenient.allocate(anywhere(10 * kGiB))->id;
    const int c = lenient.allocate(anywhere(kGiB))->id;
    ASSERT_TRUE(lenient.free(a)); // free: [0, 40) and [51, 100)
    EXPECT_EQ(lenient.allocate(anywhere(30 * kGiB))->file_offset, 0u);
    EXPECT_EQ(lenient.allocate(anywhere(45 * kGiB))->file_offset, 51 * kGiB);
    ASSERT_TRUE(lenient.free(c)); // free: [30, 40), [50, 51) and [96, 100)
    ASSERT_TRUE(lenient.free(b)); // free: [30, 51) and [96, 100)
    EXPECT_EQ(lenient.allocate(anywhere(21 * kGiB))->file_offset, 30 * kGiB);
}

TEST_F(RegionAllocatorTest, FreeingTwiceIsRefused) {
    const Region region = *allocator.allocate(whole);
    EXPECT_TRUE(allocator.free(region.id));
    EXPECT_EQ(allocator.free(region.id).error().error_number, EINVAL);
}

} // namespace
} // namespace egm
