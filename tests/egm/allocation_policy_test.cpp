// Policies: who may have what, and what does the refusal say?

#include "egm/region_allocator.h"

#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "egm/address.h"

namespace egm {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

using Policy = AllocationPolicy;

const std::vector<std::string> kGpus4 = {"0008:01:00.0", "0009:01:00.0"};
const std::vector<std::string> kGpus5 = {"0018:01:00.0"};
const std::vector<std::string> kAllGpus = {"0008:01:00.0", "0009:01:00.0", "0018:01:00.0"};
const std::vector<CarveoutInfo> kCarveouts = {
    {.pxm = 4, .device_path = "/dev/egm4", .size = 100 * kGiB, .gpu_bdfs = kGpus4},
    {.pxm = 5, .device_path = "/dev/egm5", .size = 100 * kGiB + 64 * kKiB, .gpu_bdfs = kGpus5}};

RegionAllocator with(Policy policy) { return {kCarveouts, 64 * kKiB, policy}; }

AllocationRequest whole(const std::string& owner, int pxm, const std::vector<std::string>& gpus) {
    return {.owner = owner, .pxm = pxm, .gpu_bdfs = gpus};
}

std::vector<AllocationRequest> tray(const std::string& owner) {
    return {whole(owner, 4, kAllGpus), whole(owner, 5, kAllGpus)};
}

template <class T>
std::string refusal(const Result<T>& result) {
    return result ? "(not refused)" : result.error().message();
}

TEST(WholeTrayTest, OneVmGetsAllOfIt) {
    RegionAllocator allocator = with(Policy::whole_tray());
    auto regions = allocator.allocate_all(tray("vm0"));
    ASSERT_TRUE(regions) << regions.error().message();
    ASSERT_THAT(*regions, SizeIs(2));
    EXPECT_EQ((*regions)[1].size, 100 * kGiB + 64 * kKiB);
    EXPECT_EQ(allocator.usable(4) + allocator.usable(5), 200 * kGiB + 64 * kKiB);
}

TEST(WholeTrayTest, PartsOfATrayAreRefused) {
    RegionAllocator allocator = with(Policy::whole_tray());
    EXPECT_EQ(refusal(allocator.allocate(whole("vm0", 4, kAllGpus))),
              "EINVAL: plan region vm0: the whole tray goes to one VM: ask for egm5 as well");
    auto less = tray("vm0");
    less[0].size = kGiB;
    EXPECT_THAT(refusal(allocator.allocate_all(less)), HasSubstr("its memory is all of the carveout, 100 GiB"));
    auto fewer = tray("vm0");
    fewer[0].gpu_bdfs = kGpus4;
    EXPECT_THAT(refusal(allocator.allocate_all(fewer)), HasSubstr("give it GPU 0018:01:00.0 as well"));
    EXPECT_TRUE(allocator.owners().all().empty());
}

TEST(WholeTrayTest, ASecondVmWaitsForTheLastRegionOfTheFirst) {
    RegionAllocator allocator = with(Policy::whole_tray());
    const auto regions = *allocator.allocate_all(tray("vm0"));
    ASSERT_TRUE(allocator.free(regions[0].id));
    EXPECT_EQ(refusal(allocator.allocate_all(tray("vm1"))),
              "EBUSY: plan region vm1/egm4: the whole tray goes to one VM, and vm0 has it");
    ASSERT_TRUE(allocator.free(regions[1].id));
    EXPECT_TRUE(allocator.allocate_all(tray("vm1")));
}

TEST(WholeTrayTest, ACarveoutGivenBackCanBeAskedForAgain) {
    RegionAllocator allocator = with(Policy::whole_tray());
    const auto regions = *allocator.allocate_all(tray("vm0"));
    ASSERT_TRUE(allocator.free(regions[0].id));
    EXPECT_TRUE(allocator.allocate(whole("vm0", 4, kAllGpus)));
}

TEST(WholeTrayTest, RegionsKeepTheirSize) {
    RegionAllocator allocator = with(Policy::whole_tray());
    const auto regions = *allocator.allocate_all(tray("vm0"));
    EXPECT_THAT(refusal(allocator.shrink(regions[0].id, kGiB)), HasSubstr("EINVAL: shrink region vm0/egm4"));
    EXPECT_THAT(refusal(allocator.grow(regions[0].id, 101 * kGiB)), HasSubstr("EINVAL: grow region vm0/egm4"));
}

TEST(VmPerSocketTest, EachCarveoutHasItsOwnVm) {
    RegionAllocator allocator = with(Policy::vm_per_socket());
    ASSERT_TRUE(allocator.allocate(whole("vm0", 4, kGpus4)));
    EXPECT_TRUE(allocator.allocate(whole("vm1", 5, kGpus5)));
}

TEST(VmPerSocketTest, AVmHasOneSocketAndItsGpus) {
    RegionAllocator allocator = with(Policy::vm_per_socket());
    EXPECT_THAT(refusal(allocator.allocate(whole("vm0", 4, kAllGpus))),
                HasSubstr("GPU 0018:01:00.0 is on another socket"));
    ASSERT_TRUE(allocator.allocate(whole("vm0", 4, kGpus4)));
    EXPECT_EQ(refusal(allocator.allocate(whole("vm0", 5, kGpus5))),
              "EINVAL: plan region vm0/egm5: a VM has the memory of one socket, and vm0 has a region of egm4");
}

TEST(VmPerSocketTest, ACarveoutHasOneVm) {
    RegionAllocator allocator = with(Policy::vm_per_socket());
    AllocationRequest first = whole("vm0", 4, kGpus4);
    first.size = kGiB;
    ASSERT_TRUE(allocator.allocate(first));
    const AllocationRequest second{
        .owner = "vm1", .pxm = 4, .size = kGiB, .fixed_offset = false, .gpu_visible = false, .gpu_bdfs = kGpus4};
    EXPECT_EQ(refusal(allocator.allocate(second)),
              "EBUSY: plan region vm1/egm4: a carveout goes to one VM, and vm0 has this one");
}

struct BasePerVmTest : testing::Test {
    RegionAllocator allocator = with(Policy::base_per_vm());

    static AllocationRequest part(const std::string& owner, std::uint64_t size) {
        return {.owner = owner, .pxm = 4, .size = size, .fixed_offset = false};
    }
};

TEST_F(BasePerVmTest, SeveralVmsShareACarveoutOnBlockBoundaries) {
    EXPECT_EQ(allocator.allocate(part("vm0", kGiB + 64 * kKiB))->file_offset, 0u);
    EXPECT_EQ(allocator.allocate(part("vm1", kGiB))->file_offset, kGiB + 512 * kMiB) << "the next block of 512 MiB";
    EXPECT_EQ(allocator.allocate(part("vm2", 64 * kKiB))->file_offset, kGiB + 2 * kMiB) << "too small for a block";
}

TEST_F(BasePerVmTest, ARegionTakesWholeGpuPagesAndTheRestIsInternalLoss) {
    const Region region = *allocator.allocate(part("vm0", kGiB + 64 * kKiB));
    EXPECT_EQ(region.size, kGiB + 64 * kKiB);
    EXPECT_EQ(region.reserved, kGiB + 2 * kMiB);
    EXPECT_EQ(allocator.losses(4).internal, 2 * kMiB - 64 * kKiB);
}

TEST_F(BasePerVmTest, TheLastRegionMayEndWithTheCarveout) {
    AllocationRequest all = part("vm0", 100 * kGiB + 64 * kKiB);
    all.pxm = 5;
    auto region = allocator.allocate(all);
    ASSERT_TRUE(region) << region.error().message();
    EXPECT_EQ(region->reserved, region->size);
    EXPECT_EQ(allocator.losses(5), Losses{});
}

TEST_F(BasePerVmTest, AVmHasOneBaseInACarveout) {
    ASSERT_TRUE(allocator.allocate(part("vm0", kGiB)));
    EXPECT_THAT(refusal(allocator.allocate(part("vm0", kGiB))), HasSubstr("a VM has one base: grow it"));
    AllocationRequest unseen = part("vm0", kGiB);
    unseen.gpu_visible = false;
    EXPECT_TRUE(allocator.allocate(unseen));
}

TEST_F(BasePerVmTest, ABaseGivenBackCanBeUsedAgain) {
    const int first = allocator.allocate(part("vm0", kGiB))->id;
    AllocationRequest unseen = part("vm0", kGiB);
    unseen.gpu_visible = false;
    ASSERT_TRUE(allocator.allocate(unseen));
    ASSERT_TRUE(allocator.free(first));
    EXPECT_TRUE(allocator.allocate(part("vm0", kGiB)));
}

} // namespace
} // namespace egm
