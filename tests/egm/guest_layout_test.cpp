// Guest layout: where does each node lie, and what do a GPU's firmware properties say?

#include "egm/guest_layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace egm {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

GuestLayoutRequest sockets(int count, int gpus_each, std::uint64_t size) {
    GuestLayoutRequest request;
    for (int socket = 0; socket < count; ++socket) {
        request.nodes.push_back({.size = size});
        for (int gpu = 0; gpu < gpus_each; ++gpu)
            request.gpus.push_back({"000" + std::to_string(request.gpus.size()) + ":01:00.0", socket});
    }
    return request;
}

TEST(GuestLayoutTest, NodesFollowEachOtherFrom1GiB) {
    const GuestLayout layout = lay_out_guest(sockets(2, 2, 447 * kGiB));
    EXPECT_EQ(layout.nodes[0].ram, (Range<Ipa>{{0x4000'0000}, 447 * kGiB}));
    EXPECT_EQ(layout.nodes[1].ram, (Range<Ipa>{{0x70'0000'0000}, 447 * kGiB}));
    EXPECT_EQ(layout.nodes[1].ram.end(), Ipa{0xDF'C000'0000});
}

TEST(GuestLayoutTest, NodeAfterAnOddSizeIsNotMovedToABoundary) {
    // QEMU leaves no gaps between nodes, whatever that does to the alignment of the next one.
    const GuestLayout layout = lay_out_guest(sockets(2, 1, 56896 * kMiB));
    EXPECT_EQ(layout.nodes[1].ram.begin, Ipa{0xE'2400'0000});
    EXPECT_EQ(layout.nodes[1].ram.end(), Ipa{0x1C'0800'0000});
}

TEST(GuestLayoutTest, EachGpuAddsEightInitiatorNodes) {
    EXPECT_EQ(lay_out_guest(sockets(2, 2, kGiB)).node_count, 34);
    EXPECT_EQ(lay_out_guest(sockets(1, 4, kGiB)).node_count, 33);
    EXPECT_EQ(lay_out_guest(sockets(4, 1, kGiB)).node_count, 36);
}

TEST(GuestLayoutTest, VcpusAreSharedOutEvenlyInWholeRuns) {
    GuestLayoutRequest request = sockets(2, 2, kGiB);
    request.vcpus = 121;
    const GuestLayout layout = lay_out_guest(request);
    EXPECT_EQ(layout.nodes[0].vcpus, (VcpuRange{0, 61}));
    EXPECT_EQ(layout.nodes[1].vcpus, (VcpuRange{61, 60}));
}

TEST(GuestLayoutTest, NodesWithMemoryAloneComeAfterTheInitiators) {
    // CPU node 0, then 2 x 8 initiators, then the node that says it wants no CPU; its memory lies behind node 0's.
    GuestLayoutRequest request = sockets(2, 1, kGiB);
    request.nodes[0].memory_only = true;
    request.nodes[0].size = 3 * kGiB;
    request.vcpus = 4;
    const GuestLayout layout = lay_out_guest(request);
    EXPECT_EQ(layout.nodes[1].node, 0);
    EXPECT_EQ(layout.nodes[1].vcpus, (VcpuRange{0, 4}));
    EXPECT_EQ(layout.nodes[1].ram, (Range<Ipa>{{0x4000'0000}, kGiB}));
    EXPECT_EQ(layout.gpus[0].first_initiator_node, 1);
    EXPECT_EQ(layout.gpus[1].first_initiator_node, 9);
    EXPECT_EQ(layout.nodes[0].node, 17);
    EXPECT_EQ(layout.nodes[0].vcpus, (VcpuRange{}));
    EXPECT_EQ(layout.nodes[0].ram, (Range<Ipa>{{0x8000'0000}, 3 * kGiB}));
    EXPECT_EQ(layout.gpus[0].egm_pxm, 17);
    EXPECT_EQ(layout.gpus[0].egm_base, Ipa{0x8000'0000});
    EXPECT_EQ(layout.node_count, 18);
}

TEST(GuestLayoutTest, NodesBeyondTheVcpusHaveMemoryAlone) {
    GuestLayoutRequest request = sockets(3, 1, kGiB);
    request.vcpus = 2;
    const GuestLayout layout = lay_out_guest(request);
    EXPECT_EQ(layout.nodes[0].vcpus, (VcpuRange{0, 1}));
    EXPECT_EQ(layout.nodes[1].vcpus, (VcpuRange{1, 1}));
    EXPECT_EQ(layout.nodes[2].node, 2 + 3 * 8);
}

TEST(GuestLayoutTest, GpuPropertiesNameTheNodeOfItsSocket) {
    const GuestLayout layout = lay_out_guest(sockets(2, 2, 447 * kGiB));
    const GuestGpu& third = layout.gpus[2];
    EXPECT_EQ(third.egm_base, Ipa{0x70'0000'0000});
    EXPECT_EQ(third.egm_size, 447 * kGiB);
    EXPECT_EQ(third.egm_pxm, 1);
    EXPECT_EQ(third.first_initiator_node, 2 + 2 * 8);
}

TEST(GuestLayoutTest, RetiredMemoryIsAHoleAndTheRestStaysInPlace) {
    GuestLayoutRequest request;
    request.nodes.push_back({.size = kGiB, .retired = {{0, 0x10000}, {0x100000, 0x20000}, {kGiB - 0x10000, 0x10000}}});
    const GuestMemoryNode node = lay_out_guest(request).nodes[0];
    EXPECT_THAT(node.holes, ElementsAre(Range<Ipa>{{0x4000'0000}, 0x10000}, Range<Ipa>{{0x4010'0000}, 0x20000},
                                        Range<Ipa>{{0x4000'0000 + kGiB - 0x10000}, 0x10000}));
    EXPECT_THAT(node.usable,
                ElementsAre(Range<Ipa>{{0x4001'0000}, 0xF0000}, Range<Ipa>{{0x4012'0000}, kGiB - 0x120000 - 0x10000}));
}

TEST(GuestLayoutTest, RetiredMemoryOutsideTheRegionIsCutOff) {
    GuestLayoutRequest request;
    request.nodes.push_back({.size = 0x20000, .retired = {{0x10000, 0x30000}, {0x80000, 0x10000}}});
    EXPECT_THAT(lay_out_guest(request).nodes[0].holes, ElementsAre(Range<Ipa>{{0x4001'0000}, 0x10000}));
}

TEST(GuestLayoutTest, HolesOfARegionInsideItsCarveoutCountFromTheRegion) {
    GuestLayoutRequest request;
    request.nodes.push_back({.size = kGiB, .file_offset = kGiB, .retired = {{kGiB + 0x50000, 0x10000}}});
    EXPECT_THAT(lay_out_guest(request).nodes[0].holes, ElementsAre(Range<Ipa>{{0x4005'0000}, 0x10000}));
}

TEST(GuestLayoutTest, HighMmioWindowFollowsTheMemoryAtItsOwnAlignment) {
    EXPECT_EQ(lay_out_guest(sockets(2, 2, 447 * kGiB)).high_mmio, (Range<Ipa>{{4 * kTiB}, 4 * kTiB}));
    EXPECT_EQ(lay_out_guest(sockets(2, 4, 447 * kGiB)).high_mmio, (Range<Ipa>{{8 * kTiB}, 8 * kTiB}));
    EXPECT_EQ(lay_out_guest(sockets(2, 2, 447 * kGiB)).address_bits(), 43u);
}

TEST(GuestLayoutTest, HighMmioWindowIsThePowerOfTwoThatHoldsEveryGpu) {
    GuestLayoutRequest request = sockets(2, 2, 447 * kGiB);
    for (GuestGpuRequest& gpu : request.gpus)
        gpu.mmio_bytes = 2 * kTiB; // GB300: 8 TiB for four
    EXPECT_EQ(lay_out_guest(request).high_mmio, (Range<Ipa>{{8 * kTiB}, 8 * kTiB}));
    request.gpus.pop_back();
    EXPECT_EQ(lay_out_guest(request).high_mmio.size, 8 * kTiB); // 6 TiB are no power of two
    EXPECT_EQ(lay_out_guest(sockets(1, 1, kGiB)).high_mmio.size, 4 * kTiB);
}

TEST(GuestLayoutTest, CoherentGpuWithoutEgmHasInitiatorsAndNoEgm) {
    const GuestLayout layout = lay_out_guest(
        {.nodes = {{.size = kGiB}}, .gpus = {{.bdf = "0009:01:00.0", .memory_node = -1, .coherent = true}}});
    EXPECT_EQ(layout.gpus[0].first_initiator_node, 1);
    EXPECT_EQ(layout.gpus[0].egm_size, 0u);
    EXPECT_EQ(layout.node_count, 9);
}

TEST(GuestLayoutTest, GpuWithoutEgmHasNoProperties) {
    const GuestLayout layout = lay_out_guest(
        {.nodes = {{.size = 64 * kGiB}}, .gpus = {{"0000:17:00.0", -1}}, .ram_base = kLegacyGuestRamBase});
    EXPECT_EQ(layout.gpus[0].egm_size, 0u);
    EXPECT_EQ(layout.node_count, 1);
    EXPECT_EQ(layout.nodes[0].ram.begin, Ipa{4 * kGiB});
    EXPECT_THAT(layout.nodes[0].holes, IsEmpty());
}

} // namespace
} // namespace egm
