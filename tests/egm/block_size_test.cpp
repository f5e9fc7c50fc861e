// Block size: which stage-2 blocks does a slot get, and is the reason named when they are small?
//
// 56896 MiB = 55 GiB + 576 MiB is the firmware test fixture's carveout; 447 GiB is what a GB200 board has.

#include "egm/block_size.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace egm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr Hva kHva{0x7f00'0000'0000};

SlotPlacement slot(std::uint64_t page, std::uint64_t ipa, std::uint64_t size) {
    return {.page_size = page, .hva = kHva, .ipa = {ipa}, .file_offset = 0, .size = size};
}

TEST(BlockSizeTest, Nodes447GiBGetTheLargestBlockOnBothHosts) {
    for (const std::uint64_t ipa : {0x4000'0000ull, 0x70'0000'0000ull}) {
        EXPECT_EQ(largest_block(slot(4 * kKiB, ipa, 447 * kGiB)).block, kGiB);
        EXPECT_EQ(largest_block(slot(64 * kKiB, ipa, 447 * kGiB)).block, 512 * kMiB);
        EXPECT_EQ(largest_block(slot(4 * kKiB, ipa, 447 * kGiB)).why_not_larger, "");
    }
    EXPECT_EQ(block_histogram(slot(4 * kKiB, 0x4000'0000, 447 * kGiB)).front().blocks(), 447u);
    EXPECT_EQ(block_histogram(slot(64 * kKiB, 0x4000'0000, 447 * kGiB)).front().blocks(), 894u);
}

TEST(BlockSizeTest, SecondNodeOf56896MiBIsMisplaced) {
    const std::uint64_t size = 56896 * kMiB;
    const std::uint64_t node1 = 0x4000'0000 + size;
    ASSERT_EQ(node1, 0xE'2400'0000u);
    EXPECT_EQ(largest_block(slot(4 * kKiB, 0x4000'0000, size)).block, kGiB);
    EXPECT_EQ(largest_block(slot(4 * kKiB, node1, size)).block, 2 * kMiB);
    const BlockVerdict verdict = largest_block(slot(64 * kKiB, node1, size));
    EXPECT_EQ(verdict.block, 64 * kKiB);
    EXPECT_EQ(verdict.why_not_larger, "the mapping's address and the guest address differ modulo 512 MiB");
}

TEST(BlockSizeTest, TailOfTheFirst56896MiBNodeIsInSmallerBlocks) {
    EXPECT_THAT(block_histogram(slot(4 * kKiB, 0x4000'0000, 56896 * kMiB)),
                ElementsAre(BlockShare{kGiB, 55 * kGiB}, BlockShare{2 * kMiB, 576 * kMiB}));
    EXPECT_THAT(block_histogram(slot(64 * kKiB, 0x4000'0000, 56896 * kMiB)),
                ElementsAre(BlockShare{512 * kMiB, 55 * kGiB + 512 * kMiB}, BlockShare{64 * kKiB, 64 * kMiB}));
}

TEST(BlockSizeTest, HeadAndTailAreInSmallerBlocks) {
    // From 1 GiB - 2 MiB - 4 KiB to 2 GiB + 4 KiB, all three addresses alike.
    const std::uint64_t begin = kGiB - 2 * kMiB - 4 * kKiB;
    const SlotPlacement odd{.page_size = 4 * kKiB,
                            .hva = kHva + begin,
                            .ipa = {begin},
                            .file_offset = begin,
                            .size = kGiB + 2 * kMiB + 8 * kKiB};
    EXPECT_THAT(block_histogram(odd),
                ElementsAre(BlockShare{kGiB, kGiB}, BlockShare{2 * kMiB, 2 * kMiB}, BlockShare{4 * kKiB, 8 * kKiB}));
}

TEST(BlockSizeTest, ContiguousBitSizesAreNeverChosen) {
    SlotPlacement placed = slot(4 * kKiB, 0x4000'0000, kGiB);
    placed.hva = kHva + 64 * kKiB;
    EXPECT_EQ(largest_block(placed).block, 4 * kKiB);
    EXPECT_THAT(largest_block(placed).why_not_larger, HasSubstr("position in the carveout differ modulo 2 MiB"));
}

TEST(BlockSizeTest, PhysicalAlignmentLimitsTheBlock) {
    SlotPlacement placed = slot(4 * kKiB, 0x4000'0000, 4 * kGiB);
    placed.spa_alignment = 64 * kMiB;
    EXPECT_EQ(largest_block(placed).block, 2 * kMiB);
    EXPECT_THAT(largest_block(placed).why_not_larger, HasSubstr("multiple of 64 MiB only"));
}

TEST(BlockSizeTest, SmallSlotHoldsNoLargeBlock) {
    const BlockVerdict verdict = largest_block(slot(64 * kKiB, 0x4000'0000, 256 * kMiB));
    EXPECT_EQ(verdict.block, 64 * kKiB);
    EXPECT_EQ(verdict.why_not_larger, "the slot holds no whole aligned block of 512 MiB");
}

TEST(BlockSizeTest, HistogramAddsUpWhateverThePlacement) {
    for (const std::uint64_t page : {4 * kKiB, 16 * kKiB, 64 * kKiB})
        for (std::uint64_t ipa = 0; ipa < 3 * kGiB; ipa += 192 * kMiB + 64 * kKiB)
            for (std::uint64_t size = 64 * kKiB; size < 5 * kGiB; size += 448 * kMiB + 64 * kKiB) {
                std::uint64_t sum = 0;
                for (const BlockShare& share : block_histogram(slot(page, ipa, size))) {
                    EXPECT_EQ(share.bytes % share.block, 0u);
                    sum += share.bytes;
                }
                EXPECT_EQ(sum, size);
            }
}

} // namespace
} // namespace egm
