// Placement: do HVA, IPA and file offset together give the largest block there can be, and is the reason told when they
// cannot?

#include "egm/placement.h"

#include <bit>
#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace egm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr Ipa kRam{0x4000'0000};

NodesToPlace nodes(std::uint64_t page_size, std::vector<std::uint64_t> sizes) {
    NodesToPlace wanted{.page_size = page_size, .ram_base = kRam};
    for (const std::uint64_t size : sizes)
        wanted.nodes.push_back({.size = size});
    return wanted;
}

TEST(PlacementTest, NodesOf447GiBGetGiBBlocksBothOfThem) {
    const auto placed = place_nodes(nodes(4 * kKiB, {447 * kGiB, 447 * kGiB}));
    EXPECT_EQ(placed[1].ipa, Ipa{0x70'0000'0000});
    for (const PlacedNode& node : placed) {
        EXPECT_THAT(node.blocks, ElementsAre(BlockShare{kGiB, 447 * kGiB}));
        EXPECT_EQ(node.largest.why_not_larger, "");
        EXPECT_EQ(node.advice, "");
        EXPECT_EQ(node.hva.alignment, kGiB);
        EXPECT_EQ(node.hva.phase, 0u);
    }
}

// 56896 MiB = 55 GiB + 576 MiB: node 1 begins at 56 GiB + 576 MiB, a multiple of 64 MiB and of nothing larger.
TEST(PlacementTest, SecondNodeBehindAnUnevenOneIsToldWhatWouldHelp) {
    const auto small_pages = place_nodes(nodes(4 * kKiB, {56896 * kMiB, 56896 * kMiB}));
    EXPECT_EQ(small_pages[1].ipa, Ipa{0xE'2400'0000});
    EXPECT_EQ(small_pages[0].largest.block, kGiB);
    EXPECT_EQ(small_pages[1].largest.block, 2 * kMiB);
    EXPECT_EQ(small_pages[1].advice,
              "if node 0 had 576 MiB less, or began 448 MiB higher, blocks of 1 GiB would fit this node");
    const auto large_pages = place_nodes(nodes(64 * kKiB, {56896 * kMiB, 56896 * kMiB}));
    EXPECT_EQ(large_pages[1].largest.block, 64 * kKiB);
    EXPECT_THAT(large_pages[1].largest.why_not_larger, HasSubstr("differ modulo 512 MiB"));
    EXPECT_THAT(large_pages[1].advice, HasSubstr("64 MiB less"));
}

TEST(PlacementTest, GapGivesTheSecondNodeItsBlocks) {
    NodesToPlace wanted = nodes(4 * kKiB, {56896 * kMiB, 56896 * kMiB});
    wanted.gaps_allowed = true;
    const auto placed = place_nodes(wanted);
    EXPECT_EQ(placed[1].ipa, Ipa{57 * kGiB});
    EXPECT_EQ(placed[1].largest.block, kGiB);
}

TEST(PlacementTest, FreeOffsetIsChosenToAgreeWithTheGuestAddress) {
    NodesToPlace wanted = nodes(4 * kKiB, {56896 * kMiB, 10 * kGiB});
    wanted.nodes[1].offset_is_free = true;
    wanted.nodes[1].file_offset = 100 * kGiB;
    wanted.nodes[1].carveout_size = 447 * kGiB;
    const auto placed = place_nodes(wanted);
    EXPECT_EQ(placed[1].file_offset, 100 * kGiB + 576 * kMiB);
    EXPECT_EQ(placed[1].largest.block, kGiB);
    wanted.nodes[1].carveout_size = 110 * kGiB; // no room to move
    EXPECT_EQ(place_nodes(wanted)[1].file_offset, 100 * kGiB);
}

TEST(PlacementTest, KnownPhysicalAddressLimitsWhatCanAgree) {
    NodesToPlace wanted = nodes(4 * kKiB, {64 * kGiB});
    wanted.nodes[0].carveout_spa = Spa{0x1000'0020'0000};
    const auto placed = place_nodes(wanted);
    EXPECT_EQ(placed[0].largest.block, 2 * kMiB);
    EXPECT_EQ(placed[0].largest.why_not_larger,
              "the carveout's physical address is known to be a multiple of 2 MiB only");
}

TEST(PlacementTest, DriverWhosePositionIsPhysicalAgreesWithItByAGap) {
    NodesToPlace wanted = nodes(4 * kKiB, {64 * kGiB});
    wanted.nodes[0].carveout_spa = Spa{0x1000'0020'0000};
    wanted.nodes[0].shapes = {DriverShape::kA};
    EXPECT_EQ(place_nodes(wanted)[0].largest.block, 2 * kMiB) << "the guest's RAM begins at 1 GiB sharp";
    EXPECT_THAT(place_nodes(wanted)[0].advice, HasSubstr("began 2 MiB higher"));
    wanted.gaps_allowed = true;
    const auto placed = place_nodes(wanted);
    EXPECT_EQ(placed[0].ipa, kRam + 2 * kMiB);
    EXPECT_EQ(placed[0].hva.phase, 2 * kMiB) << "HVA, IPA and SPA are all 2 MiB past a GiB";
    EXPECT_EQ(placed[0].largest.block, kGiB);
}

TEST(PlacementTest, SmallerAlignmentThatWasAskedForIsExactlyThatSmall) {
    NodesToPlace wanted = nodes(4 * kKiB, {64 * kGiB});
    wanted.block_alignment = 2 * kMiB;
    EXPECT_EQ(place_nodes(wanted)[0].largest.block, 2 * kMiB);
    wanted.block_alignment = 2 * kGiB;
    EXPECT_EQ(place_nodes(wanted)[0].hva.alignment, 2 * kGiB);
}

TEST(PlacementTest, NoChoiceOfAddressGivesLargerBlocksThanWasFound) {
    // Every HVA modulo 512 MiB in steps of 16 MiB, against what was chosen.
    for (const std::uint64_t first : {10 * kGiB, 10 * kGiB + 48 * kMiB, 10 * kGiB + 256 * kMiB}) {
        const auto placed = place_nodes(nodes(64 * kKiB, {first, 20 * kGiB}));
        for (std::uint64_t hva = 0; hva < 512 * kMiB; hva += 16 * kMiB) {
            const SlotPlacement slot{
                .page_size = 64 * kKiB, .hva = {hva}, .ipa = placed[1].ipa, .file_offset = 0, .size = 20 * kGiB};
            EXPECT_LE(largest_block(slot).block, placed[1].largest.block) << first << " " << hva;
        }
    }
}

TEST(PlacementTest, DeviceRegionsPackWithoutGapsLargestFirst) {
    const auto placed = place_device_regions({{4 * kTiB}, kTiB}, {96 * kGiB, 256 * kGiB, 128 * kGiB}, "vm0");
    ASSERT_TRUE(placed);
    EXPECT_THAT(*placed, ElementsAre(Ipa{4 * kTiB + 256 * kGiB}, Ipa{4 * kTiB}, Ipa{4 * kTiB + 384 * kGiB}));
}

TEST(PlacementTest, DeviceRegionsMayFillTheWindowAndNoMore) {
    EXPECT_TRUE(place_device_regions({{4 * kTiB}, kTiB}, {512 * kGiB, 512 * kGiB}, "vm0"));
    const auto refused = place_device_regions({{4 * kTiB}, kTiB}, {512 * kGiB, 512 * kGiB, 4 * kKiB}, "vm0");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().error_number, ENOSPC);
    EXPECT_EQ(refused.error().object, "vm0");
}

} // namespace
} // namespace egm
