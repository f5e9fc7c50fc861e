// Grow, shrink, groups and running VMs: what stays where it is, and what is refused?

#include "egm/region_allocator.h"

#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "egm/address.h"

namespace egm {
namespace {

using testing::HasSubstr;

const std::vector<CarveoutInfo> kCarveouts = {
    {.pxm = 4, .device_path = "/dev/egm4", .size = 100 * kGiB, .gpu_bdfs = {"0008:01:00.0"}},
    {.pxm = 5, .device_path = "/dev/egm5", .size = 100 * kGiB, .gpu_bdfs = {"0018:01:00.0"}}};

template <class T>
std::string refusal(const Result<T>& result) {
    return result ? "(not refused)" : result.error().message();
}

struct RegionResizeTest : testing::Test {
    AllocationPolicy policy = AllocationPolicy::base_per_vm();
    RegionAllocator allocator{kCarveouts, 64 * kKiB, policy};

    RegionAllocator with(LiveResize live) {
        policy.live_resize = live;
        return {kCarveouts, 64 * kKiB, policy};
    }
    static AllocationRequest at(const std::string& owner, std::uint64_t offset, std::uint64_t size) {
        return {.owner = owner, .pxm = 4, .size = size, .file_offset = offset};
    }
};

TEST_F(RegionResizeTest, ARegionGrowsInPlaceIntoWhatIsFreeBehindIt) {
    const int id = allocator.allocate(at("vm0", 10 * kGiB, 10 * kGiB))->id;
    auto grown = allocator.grow(id, 15 * kGiB);
    ASSERT_TRUE(grown) << grown.error().message();
    EXPECT_EQ(grown->file_offset, 10 * kGiB);
    EXPECT_EQ(grown->size, 15 * kGiB);
    EXPECT_EQ(allocator.regions().at(id), *grown);
    EXPECT_EQ(refusal(allocator.allocate(at("vm1", 25 * kGiB - 64 * kKiB, 64 * kKiB))),
              "ENOSPC: plan region vm1/egm4: the carveout has 100 GiB, and no free piece of it holds the region: ask "
              "for less");
    EXPECT_TRUE(allocator.allocate(at("vm1", 25 * kGiB, kGiB)));
}

TEST_F(RegionResizeTest, ARegionGrowsNeitherOverAnotherNorBehindTheCarveout) {
    const int first = allocator.allocate(at("vm0", 0, 10 * kGiB))->id;
    const int second = allocator.allocate(at("vm1", 20 * kGiB, kGiB))->id;
    EXPECT_EQ(refusal(allocator.grow(first, 20 * kGiB + 64 * kKiB)),
              "ENOSPC: grow region vm0/egm4: a region stays in one piece at its offset, and only 20 GiB are free from "
              "there on");
    EXPECT_TRUE(allocator.grow(first, 20 * kGiB));
    EXPECT_EQ(allocator.grow(second, 80 * kGiB + 64 * kKiB).error().error_number, ENOSPC);
    EXPECT_TRUE(allocator.grow(second, 80 * kGiB));
    EXPECT_EQ(allocator.grow(second, ~0ull << 16).error().error_number, ENOSPC) << "sizes that wrap";
}

TEST_F(RegionResizeTest, ShrinkingGivesTheTailBack) {
    const int id = allocator.allocate(at("vm0", 0, 10 * kGiB))->id;
    auto shrunk = allocator.shrink(id, 4 * kGiB);
    ASSERT_TRUE(shrunk) << shrunk.error().message();
    EXPECT_EQ(shrunk->size, 4 * kGiB);
    EXPECT_EQ(shrunk->file_offset, 0u);
    EXPECT_TRUE(allocator.allocate(at("vm1", 4 * kGiB, 96 * kGiB))) << "the tail has merged with what was free";
}

TEST_F(RegionResizeTest, ResizingInsideAGranuleMovesOnlyTheInternalLoss) {
    const int id = allocator.allocate(at("vm0", 0, kGiB))->id;
    ASSERT_TRUE(allocator.shrink(id, kGiB - 64 * kKiB));
    EXPECT_EQ(allocator.losses(4).internal, 64 * kKiB);
    EXPECT_EQ(allocator.regions().at(id).reserved, kGiB);
    ASSERT_TRUE(allocator.grow(id, kGiB));
    EXPECT_EQ(allocator.losses(4).internal, 0u);
}

TEST_F(RegionResizeTest, WrongSizesAreRefused) {
    const int id = allocator.allocate(at("vm0", 0, kGiB))->id;
    EXPECT_THAT(refusal(allocator.grow(id, kGiB)), HasSubstr("it has 1 GiB already"));
    EXPECT_THAT(refusal(allocator.shrink(id, kGiB)), HasSubstr("ask for less, but not for nothing"));
    EXPECT_THAT(refusal(allocator.shrink(id, 0)), HasSubstr("ask for less, but not for nothing"));
    EXPECT_THAT(refusal(allocator.grow(id, kGiB + 4096)), HasSubstr("multiple of the host's page, 64 KiB"));
    EXPECT_THAT(refusal(allocator.grow(id + 1, 2 * kGiB)), HasSubstr("EINVAL: grow region #1: no such region"));
}

TEST_F(RegionResizeTest, ARunningVmKeepsItsRegions) {
    const int id = allocator.allocate(at("vm0", 0, kGiB))->id;
    ASSERT_TRUE(allocator.set_live("vm0", true));
    for (const std::string& told :
         {refusal(allocator.free(id)), refusal(allocator.free_all("vm0")), refusal(allocator.grow(id, 2 * kGiB)),
          refusal(allocator.shrink(id, 64 * kKiB)), refusal(allocator.allocate(at("vm0", 4 * kGiB, kGiB)))}) {
        EXPECT_THAT(told, HasSubstr("EBUSY"));
        EXPECT_THAT(told, HasSubstr("the VM runs"));
    }
    ASSERT_TRUE(allocator.set_live("vm0", false));
    EXPECT_TRUE(allocator.free(id));
    EXPECT_THAT(refusal(allocator.set_live("vm0", true)), HasSubstr("no such owner"));
}

TEST_F(RegionResizeTest, ThePolicySaysWhatARunningVmMayDo) {
    RegionAllocator growing = with(LiveResize::kGrow);
    const int id = growing.allocate(at("vm0", 0, 2 * kGiB))->id;
    ASSERT_TRUE(growing.set_live("vm0", true));
    EXPECT_TRUE(growing.grow(id, 3 * kGiB));
    EXPECT_EQ(growing.shrink(id, kGiB).error().error_number, EBUSY);

    RegionAllocator both = with(LiveResize::kGrowAndShrink);
    const int other = both.allocate(at("vm0", 0, 2 * kGiB))->id;
    ASSERT_TRUE(both.set_live("vm0", true));
    EXPECT_TRUE(both.shrink(other, kGiB));
}

TEST_F(RegionResizeTest, AGroupIsAllocatedWholeOrNotAtAll) {
    AllocationRequest first = at("vm0", 0, kGiB);
    first.gpu_bdfs = {"0008:01:00.0"};
    AllocationRequest second = at("vm0", 0, 101 * kGiB);
    second.pxm = 5;
    EXPECT_EQ(allocator.allocate_all(std::vector{first, second}).error().error_number, ENOSPC);
    EXPECT_TRUE(allocator.regions().empty());
    EXPECT_FALSE(allocator.owners().owner_of_gpu("0008:01:00.0"));
    EXPECT_EQ(allocator.losses(4), (Losses{.unassigned = 100 * kGiB}));
    second.size = kGiB;
    EXPECT_EQ((*allocator.allocate_all(std::vector{first, second}))[0].id, 0) << "no number is lost";
    second.owner = "vm1";
    EXPECT_THAT(refusal(allocator.allocate_all(std::vector{first, second})), HasSubstr("have one owner, here vm0"));
    EXPECT_EQ(allocator.allocate_all({}).error().error_number, EINVAL);
}

TEST_F(RegionResizeTest, FreeAllTakesBackWhatOneOwnerHas) {
    AllocationRequest other = at("vm0", 0, kGiB);
    other.pxm = 5;
    other.gpu_bdfs = {"0018:01:00.0"};
    ASSERT_TRUE(allocator.allocate(at("vm0", 0, kGiB)));
    ASSERT_TRUE(allocator.allocate(other));
    ASSERT_TRUE(allocator.allocate(at("vm1", kGiB, kGiB)));
    ASSERT_TRUE(allocator.free_all("vm0"));
    EXPECT_EQ(allocator.regions().size(), 1u);
    EXPECT_FALSE(allocator.owners().owner_of_gpu("0018:01:00.0"));
    EXPECT_THAT(refusal(allocator.free_all("vm0")), HasSubstr("no such owner"));
}

TEST_F(RegionResizeTest, AdoptedRegionsKeepTheirNumberAndTheRulesHold) {
    const Region region{7, "vm0", 4, kGiB, kGiB, kGiB, true};
    ASSERT_TRUE(allocator.adopt(region, {"0008:01:00.0"}));
    EXPECT_EQ(allocator.regions().at(7), region);
    EXPECT_EQ(allocator.next_id(), 8);
    EXPECT_THAT(refusal(allocator.adopt({8, "vm1", 4, kGiB, kGiB, kGiB, false}, {})), HasSubstr("overlaps another"));
    EXPECT_THAT(refusal(allocator.adopt({7, "vm1", 4, 2 * kGiB, kGiB, kGiB, false}, {})), HasSubstr("used twice"));
    EXPECT_THAT(refusal(allocator.adopt({8, "vm1", 4, 99 * kGiB, 2 * kGiB, 2 * kGiB, false}, {})),
                HasSubstr("ends behind the carveout"));
    EXPECT_THAT(refusal(allocator.adopt({8, "vm1", 4, 2 * kGiB, kGiB, kGiB, true}, {"0008:01:00.0"})),
                HasSubstr("EBUSY"));
    EXPECT_THAT(refusal(allocator.adopt({8, "vm1", 6, 0, kGiB, kGiB, true}, {})), HasSubstr("no such carveout"));
    EXPECT_THAT(refusal(allocator.adopt({8, "vm1", 5, 0, kGiB, 64 * kKiB, true}, {})), HasSubstr("at least its size"));
    EXPECT_THAT(refusal(allocator.adopt({8, "vm1", 5, 4096, kGiB, kGiB, true}, {})), HasSubstr("host's page"));
    EXPECT_THAT(refusal(allocator.adopt({8, "vm0", 4, 2 * kGiB, kGiB, kGiB, true}, {})), HasSubstr("one base"));
    RegionAllocator strict(kCarveouts, 64 * kKiB);
    EXPECT_THAT(refusal(strict.adopt(region, {})), HasSubstr("must start at offset 0"));
}

} // namespace
} // namespace egm
