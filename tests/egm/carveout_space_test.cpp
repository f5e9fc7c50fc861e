// Carveout space: is every byte of a carveout in exactly one account?
//
// 64 KiB host pages, so the largest block is 512 MiB.

#include "egm/carveout_space.h"

#include <gtest/gtest.h>

#include "egm/address.h"

namespace egm {
namespace {

constexpr std::uint64_t kPage = 64 * kKiB;
constexpr std::uint64_t kBlock = 512 * kMiB;

struct CarveoutSpaceTest : testing::Test {
    CarveoutSpace space{4 * kBlock, kPage};

    void expect_whole() { EXPECT_EQ(space.usable() + space.losses().total(), 4 * kBlock); }
};

TEST_F(CarveoutSpaceTest, AnEmptyCarveoutIsUnassigned) {
    EXPECT_EQ(space.losses(), (Losses{.unassigned = 4 * kBlock}));
    EXPECT_EQ(space.usable(), 0u);
}

TEST_F(CarveoutSpaceTest, RoundingIsInternalLoss) {
    space.hold(0, {.size = 3 * kPage, .reserved = 2 * kMiB});
    EXPECT_EQ(space.usable(), 3 * kPage);
    EXPECT_EQ(space.losses(),
              (Losses{.internal = 2 * kMiB - 3 * kPage, .alignment = kBlock - 2 * kMiB, .unassigned = 3 * kBlock}));
}

TEST_F(CarveoutSpaceTest, PiecesSmallerThanABlockAreExternalLoss) {
    space.hold(kPage, {.size = kBlock, .reserved = kBlock});              // free in front: one page
    space.hold(2 * kBlock, {.size = 2 * kBlock, .reserved = 2 * kBlock}); // and the block less one page between
    EXPECT_EQ(space.losses(), (Losses{.external = kBlock}));
    expect_whole();
}

TEST_F(CarveoutSpaceTest, TheBytesBehindTheLastPageAreLostToAlignment) {
    const CarveoutSpace odd(2 * kBlock + 12345, kPage);
    EXPECT_EQ(odd.size_in_pages(), 2 * kBlock);
    EXPECT_EQ(odd.losses(), (Losses{.alignment = 12345, .unassigned = 2 * kBlock}));
    EXPECT_EQ(CarveoutSpace(100, kPage).losses(), (Losses{.alignment = 100}));
}

TEST_F(CarveoutSpaceTest, RetiredBytesAreCountedOnceWhereverTheyLie) {
    // Two pages: the guest's last one, and the first of the rounding behind it.
    space.hold(0, {.size = 4 * kPage, .reserved = 8 * kPage});
    // In front of the first whole block of the free extent, and in the block.
    space.set_retired({{3 * kPage, 2 * kPage}, {kBlock - kPage, 2 * kPage}});
    EXPECT_EQ(space.usable(), 3 * kPage);
    EXPECT_EQ(space.losses(), (Losses{.retired = 4 * kPage,
                                      .internal = 3 * kPage,
                                      .alignment = kBlock - 8 * kPage - kPage,
                                      .unassigned = 3 * kBlock - kPage}));
    expect_whole();
}

TEST_F(CarveoutSpaceTest, RetiredRangesAreReplaced) {
    space.set_retired({{0, kPage}});
    space.hold(0, {.size = kBlock, .reserved = kBlock});
    space.set_retired({{kBlock - kPage, 2 * kPage}});
    EXPECT_EQ(space.usable(), kBlock - kPage);
    EXPECT_EQ(space.losses(), (Losses{.retired = 2 * kPage, .unassigned = 3 * kBlock - kPage}));
    space.release(0);
    space.set_retired({});
    EXPECT_EQ(space.losses(), (Losses{.unassigned = 4 * kBlock}));
}

TEST_F(CarveoutSpaceTest, SmallRegionsDoNotWaitForALargeBlock) {
    space.hold(0, {.size = kPage, .reserved = kPage});
    EXPECT_EQ(space.place(kPage), kPage) << "one page cannot be a block of 512 MiB";
    EXPECT_EQ(space.place(kBlock), kBlock) << "a whole block is aligned";
}

TEST_F(CarveoutSpaceTest, WithoutAnAlignedPlaceALargeRegionGoesWhereItFits) {
    space.hold(kBlock, {.size = kPage, .reserved = kPage});
    space.hold(4 * kBlock - kPage, {.size = kPage, .reserved = kPage});
    // Free: one block from 0 on, and [1 block + 1 page, 4 blocks - 1 page), of which 2 blocks - 1 page are aligned.
    EXPECT_EQ(space.place(2 * kBlock), kBlock + kPage);
    EXPECT_EQ(space.place(kBlock), 0u);
    EXPECT_EQ(space.place(3 * kBlock), std::nullopt);
}

} // namespace
} // namespace egm
