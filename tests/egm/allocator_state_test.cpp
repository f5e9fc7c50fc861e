// Allocator state: is what was given out read back exactly, and is every damaged text refused with its line?

#include "egm/allocator_state.h"

#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "egm/address.h"
#include "file_door.h"

namespace egm {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::vector<CarveoutInfo> kCarveouts = {
    {.pxm = 4, .device_path = "/dev/egm4", .size = 100 * kGiB, .gpu_bdfs = {"0008:01:00.0", "0009:01:00.0"}},
    {.pxm = 5, .device_path = "/dev/egm5", .size = 100 * kGiB, .gpu_bdfs = {"0018:01:00.0"}}};
constexpr std::uint64_t kPage = 64 * kKiB;

/// The lines with their checksum.
std::string sealed(const std::string& lines) { return lines + "checksum " + allocator_checksum(lines) + "\n"; }

const std::string kHead = "egm-allocator-state 1\n"
                          "carveout 4 size 0x1900000000\n"
                          "carveout 5 size 0x1900000000\n"
                          "next-region 3\n";
const std::string kOwners = "owner \"cpu%20only\" idle gpus\n"
                            "owner \"vm0\" live gpus \"0008:01:00.0\" \"0009:01:00.0\"\n";
const std::string kRegions =
    "region 0 owner \"vm0\" carveout 4 offset 0x0 size 0x40010000 reserved 0x40200000 reached-by gpu\n"
    "region 2 owner \"cpu%20only\" carveout 5 offset 0x20000000 size 0x20000000 reserved 0x20000000 reached-by cpu\n";

struct AllocatorStateTest : testing::Test {
    AllocationPolicy policy{.all_gpus_together = false, .granule = 2 * kMiB};

    Result<RegionAllocator> read(const std::string& text) {
        return allocator_from_text(text, "state", kCarveouts, kPage, policy);
    }
    std::string refusal(const std::string& text) {
        auto allocator = read(text);
        return allocator ? "(not refused)" : allocator.error().message();
    }
    /// Two owners, one of whose VMs runs, with a number in between that is used no more.
    RegionAllocator example() {
        RegionAllocator allocator(kCarveouts, kPage, policy);
        EXPECT_TRUE(allocator.allocate(
            {.owner = "vm0", .pxm = 4, .size = kGiB + kPage, .gpu_bdfs = {"0008:01:00.0", "0009:01:00.0"}}));
        const AllocationRequest other{
            .owner = "cpu only", .pxm = 5, .size = 512 * kMiB, .fixed_offset = false, .gpu_visible = false};
        const int gone = allocator.allocate(other)->id;
        EXPECT_TRUE(allocator.allocate(other));
        EXPECT_TRUE(allocator.free(gone));
        EXPECT_TRUE(allocator.set_live("vm0", true));
        return allocator;
    }
};

TEST_F(AllocatorStateTest, TheTextIsWhatAPersonCanRead) {
    EXPECT_EQ(allocator_text(example()), sealed(kHead + kOwners + kRegions));
}

TEST_F(AllocatorStateTest, WhatIsWrittenIsReadBack) {
    const RegionAllocator before = example();
    auto after = read(allocator_text(before));
    ASSERT_TRUE(after) << after.error().message();
    EXPECT_EQ(after->regions(), before.regions());
    EXPECT_EQ(after->next_id(), 3);
    EXPECT_TRUE(after->owners().find("vm0")->live);
    EXPECT_EQ(*after->owners().owner_of_gpu("0009:01:00.0"), "vm0");
    for (const int pxm : {4, 5}) {
        EXPECT_EQ(after->losses(pxm), before.losses(pxm));
        EXPECT_EQ(after->usable(pxm), before.usable(pxm));
    }
    EXPECT_EQ(allocator_text(*after), allocator_text(before));
}

TEST_F(AllocatorStateTest, AnyNameIsReadBack) {
    RegionAllocator before(kCarveouts, kPage, policy);
    for (const std::string& name : {std::string(), std::string("\0\n\"% \xff", 6), std::string("gpus")})
        ASSERT_TRUE(
            before.allocate({.owner = name, .pxm = 4, .size = kPage, .fixed_offset = false, .gpu_visible = false}));
    auto after = read(allocator_text(before));
    ASSERT_TRUE(after) << after.error().message();
    EXPECT_EQ(after->regions(), before.regions());
}

TEST_F(AllocatorStateTest, AnEmptyTextIsAFreshState) {
    auto fresh = read("");
    ASSERT_TRUE(fresh);
    EXPECT_TRUE(fresh->regions().empty());
}

TEST_F(AllocatorStateTest, CommentsAreSkipped) { EXPECT_TRUE(read(sealed("# mine\n" + kHead + "# nothing yet\n"))); }

TEST_F(AllocatorStateTest, EveryCutAndEveryChangedByteIsRefused) {
    const std::string text = allocator_text(example());
    for (std::size_t size = 1; size < text.size(); ++size)
        ASSERT_FALSE(read(text.substr(0, size))) << size;
    for (std::size_t i = 0; i < text.size(); ++i)
        for (const int change : {1, 0x20, 0x80}) {
            std::string damaged = text;
            damaged[i] = char(damaged[i] ^ change);
            ASSERT_FALSE(read(damaged)) << "byte " << i << " of " << text;
        }
}

TEST_F(AllocatorStateTest, AStateOfAnotherMachineIsRefusedWithASentence) {
    const std::string text = sealed("egm-allocator-state 1\ncarveout 4 size 0x1900000000\nnext-region 0\n");
    EXPECT_EQ(refusal(text), "EINVAL: read state state: the state is of another machine, with egm4 of 100 GiB, while "
                             "this one has egm4 of 100 GiB, egm5 of 100 GiB: move the file away to start anew");
    std::string other_size = kHead;
    other_size.replace(other_size.find("0x19"), 4, "0x18");
    EXPECT_THAT(refusal(sealed(other_size)), HasSubstr("another machine, with egm4 of 96 GiB"));
}

TEST_F(AllocatorStateTest, AnotherVersionIsRefused) {
    EXPECT_THAT(refusal(sealed("egm-allocator-state 2\n")), HasSubstr("line 1: it is of version 2"));
    EXPECT_THAT(refusal("hello\n"), HasSubstr("line 1: this is no state of the region allocator"));
    EXPECT_THAT(refusal("hello"), HasSubstr("line 1: the file ends without its checksum"));
}

TEST_F(AllocatorStateTest, ACutFileSaysSo) {
    EXPECT_THAT(refusal(kHead + kOwners), HasSubstr("line 7: the file ends without its checksum"));
    EXPECT_THAT(refusal(sealed(kHead) + "x\n"), HasSubstr("line 6: something follows the checksum"));
    EXPECT_THAT(refusal(kHead + "checksum 0\n"), HasSubstr("line 5: the checksum is not that of the lines before it"));
    EXPECT_THAT(refusal(sealed("egm-allocator-state 1\n")), HasSubstr("there is no line next-region"));
}

TEST_F(AllocatorStateTest, EveryFaultIsToldWithItsLine) {
    const std::string told = refusal(sealed(kHead + "owner vm0 live gpus\n"
                                                    "owner \"vm1\" asleep gpus\n"
                                                    "region 0 owner \"vm2\" carveout 4 offset 0 size 1 reserved 1 "
                                                    "reached-by gpu\n"
                                                    "region -1\n"
                                                    "carveout 4 size 1\n"
                                                    "carveout 6 size 99999999999999999999\n"
                                                    "carveout 7\n"
                                                    "next-region 3 4\n"
                                                    "\n"));
    EXPECT_THAT(told, HasSubstr("line 5: \"vm0\" stands where a name in quotes is expected"));
    EXPECT_THAT(told, HasSubstr("line 6: \"asleep\" stands where \"live\" or \"idle\" is expected"));
    EXPECT_THAT(told, HasSubstr("line 7: no line before it names its owner"));
    EXPECT_THAT(told, HasSubstr("line 8: \"-1\" stands where a number"));
    EXPECT_THAT(told, HasSubstr("line 9: carveout 4 is there twice"));
    EXPECT_THAT(told, HasSubstr("line 10: \"99999999999999999999\" stands where a number"));
    EXPECT_THAT(told, HasSubstr("line 11: it ends where \"size\" is expected"));
    EXPECT_THAT(told, HasSubstr("line 12: next-region is there twice"));
    EXPECT_THAT(told, HasSubstr("line 12: \"4\" is too much"));
    EXPECT_THAT(told, HasSubstr("line 13: it begins with none of"));
}

TEST_F(AllocatorStateTest, WhatBreaksARuleIsToldWithItsLine) {
    const std::string overlapping = "region 1 owner \"vm0\" carveout 5 offset 0x20000000 size 0x10000 reserved 0x10000 "
                                    "reached-by gpu\n";
    EXPECT_THAT(refusal(sealed(kHead + kOwners + kRegions + overlapping)),
                HasSubstr("line 9: a region that a GPU reaches must start at offset 0"));
    policy.offset_zero = false;
    EXPECT_THAT(refusal(sealed(kHead + kOwners + kRegions + overlapping)), HasSubstr("line 9: it overlaps another"));
    EXPECT_THAT(refusal(sealed(kHead + kOwners)), HasSubstr("line 6: the owner has no region"));
    std::string lower = kHead + kOwners + kRegions;
    lower.replace(lower.find("next-region 3"), 13, "next-region 2");
    EXPECT_THAT(refusal(sealed(lower)), HasSubstr("line 8: the region's number is not below next-region"));
    policy = AllocationPolicy::whole_tray();
    EXPECT_THAT(refusal(sealed(kHead + kOwners + kRegions)), HasSubstr("line 8: the whole tray goes to one VM"));
}

TEST_F(AllocatorStateTest, ManyFaultsAreCutShortButCounted) {
    std::string lines = kHead;
    for (int i = 0; i < 100; ++i)
        lines += "nonsense\n";
    const std::string told = refusal(sealed(lines));
    EXPECT_THAT(told, HasSubstr("line 20: it begins"));
    EXPECT_THAT(told, Not(HasSubstr("line 21:")));
    EXPECT_THAT(told, HasSubstr("; and 84 more"));
}

TEST_F(AllocatorStateTest, TheToolSurvivesARestart) {
    models::linux::FileTree tree;
    tree.add_directory("/var/lib/egm");
    test::FileDoor door(tree, 11);
    constexpr const char* kPath = "/var/lib/egm/allocator";
    {
        auto claim = FileClaim::take(door, kPath);
        ASSERT_TRUE(claim) << claim.error().message();
        auto allocator = load_allocator(door, kPath, kCarveouts, kPage, policy);
        ASSERT_TRUE(allocator) << allocator.error().message();
        ASSERT_TRUE(allocator->allocate({.owner = "vm0", .pxm = 4, .size = kGiB}));
        ASSERT_TRUE(save_allocator(*claim, *allocator));
    }
    tree.lose_power(models::linux::Unsynced::kLost);
    auto again = load_allocator(door, kPath, kCarveouts, kPage, policy);
    ASSERT_TRUE(again) << again.error().message();
    EXPECT_EQ(again->allocate({.owner = "vm1", .pxm = 4, .size = kGiB}).error().error_number, ENOSPC);
}

} // namespace
} // namespace egm
