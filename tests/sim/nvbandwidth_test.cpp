// nvbandwidth in a scenario: which streams does a test case become, which GPUs and pairs count as alike, and what is
// said about a faulty entry?
#include "sim/nvbandwidth.h"

#include "sim/gpu_classes.h"
#include "sim/words.h"
#include "tests/sim/input_test.h"

namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct NvbandwidthInputTest : InputTest {
    std::vector<sim::StreamGroup> groups(const std::string& machine, const std::string& entry) {
        auto loaded = scenario("scenario: s\nmachine: " + machine + "\ntraffic:\n  - " + entry + "\n");
        EXPECT_THAT(said(), ElementsAre());
        return loaded ? std::move(loaded->groups) : std::vector<sim::StreamGroup>{};
    }
    /// "h100-0.ce: h100-1.hbm > h100-0.hbm", who copies what.
    static std::string text(const sim::Stream& stream) {
        return stream.initiator + "." + sim::to_text(stream.engine) + ": " + sim::to_text(stream.source) + " > " +
               sim::to_text(stream.target);
    }
    static std::vector<std::string> texts(const sim::StreamGroup& group) {
        std::vector<std::string> all;
        for (const sim::Stream& stream : group.streams) {
            all.push_back(text(stream));
        }
        return all;
    }
};

TEST_F(NvbandwidthInputTest, HostCopiesGoBetweenPinnedMemoryOfTheOwnSocketAndTheGpu) {
    const auto all = groups("hgx-h100", "{nvbandwidth: host_to_device_memcpy_ce, gpus: [h100-5], buffer_size: 1 GiB}");
    ASSERT_EQ(all.size(), 1u);
    EXPECT_THAT(texts(all[0]), ElementsAre("h100-5.ce: x86-1.system > h100-5.hbm")); // GPUs 4 to 7 are of socket 1
    EXPECT_EQ(all[0].streams[0].allocator, sim::Allocator::kPinned);
    EXPECT_EQ(all[0].streams[0].working_set_bytes, 1u << 30);
}

TEST_F(NvbandwidthInputTest, AReadIsDoneByTheRowAndAWriteToo) {
    const std::string pair = ", gpus: [h100-0, h100-1]}";
    const auto read = groups("hgx-h100", "{nvbandwidth: device_to_device_memcpy_read_ce" + pair);
    EXPECT_THAT(texts(read.at(0)), ElementsAre("h100-0.ce: h100-1.hbm > h100-0.hbm"));
    const auto write = groups("hgx-h100", "{nvbandwidth: device_to_device_memcpy_write_sm" + pair);
    EXPECT_THAT(texts(write.at(0)), ElementsAre("h100-0.sm: h100-0.hbm > h100-1.hbm"));
    // The usual kernel: a block of 512 threads on each of 132 SMs, twelve loads in flight a thread.
    EXPECT_EQ(write[0].streams[0].blocks, 132u);
    EXPECT_EQ(write[0].streams[0].threads, 512u);
    EXPECT_EQ(write[0].streams[0].unroll, 12u);
}

TEST_F(NvbandwidthInputTest, BothWaysAreTwoCopiesWithThreeMatrices) {
    const std::string pair = ", gpus: [h100-0, h100-1]}";
    const auto read = groups("hgx-h100", "{nvbandwidth: device_to_device_bidirectional_memcpy_read_ce" + pair);
    EXPECT_THAT(texts(read.at(0)),
                ElementsAre("h100-0.ce: h100-1.hbm > h100-0.hbm", "h100-1.ce: h100-0.hbm > h100-1.hbm"));
    const auto write = groups("hgx-h100", "{nvbandwidth: device_to_device_bidirectional_memcpy_write_ce" + pair);
    EXPECT_THAT(texts(write.at(0)),
                ElementsAre("h100-1.ce: h100-1.hbm > h100-0.hbm", "h100-0.ce: h100-0.hbm > h100-1.hbm"));
    const auto& matrices = write[0].nvbandwidth->matrices;
    ASSERT_EQ(matrices.size(), 3u);
    EXPECT_EQ(matrices[1].name, "device_to_device_bidirectional_memcpy_write_ce_write2");
    EXPECT_EQ(matrices[2].description, "memcpy CE GPU(row) <-> GPU(column) Total bandwidth (GB/s)");
    EXPECT_THAT(matrices[2].cells[1]->streams, ElementsAre(0u, 1u));
    EXPECT_FALSE(matrices[2].cells[0]) << "a GPU has no pair with itself";
}

TEST_F(NvbandwidthInputTest, OneAndAllAreDrivenAsTheToolDrivesThem) {
    const std::string three = ", gpus: [h100-0, h100-1, h100-2]}";
    const auto first = [&](const std::string& name) {
        return texts(groups("hgx-h100", "{nvbandwidth: " + name + three).at(0));
    };
    EXPECT_THAT(first("all_to_one_write_ce"),
                ElementsAre("h100-1.ce: h100-1.hbm > h100-0.hbm", "h100-2.ce: h100-2.hbm > h100-0.hbm"));
    EXPECT_THAT(first("all_to_one_read_ce"),
                ElementsAre("h100-1.ce: h100-0.hbm > h100-1.hbm", "h100-2.ce: h100-0.hbm > h100-2.hbm"));
    EXPECT_THAT(first("one_to_all_read_ce"),
                ElementsAre("h100-0.ce: h100-1.hbm > h100-0.hbm", "h100-0.ce: h100-2.hbm > h100-0.hbm"));
    // By SMs the source drives, whatever the name says.
    EXPECT_THAT(first("all_to_one_read_sm"),
                ElementsAre("h100-0.sm: h100-0.hbm > h100-1.hbm", "h100-0.sm: h100-0.hbm > h100-2.hbm"));
    EXPECT_THAT(first("one_to_all_read_sm"),
                ElementsAre("h100-1.sm: h100-1.hbm > h100-0.hbm", "h100-2.sm: h100-2.hbm > h100-0.hbm"));
}

TEST_F(NvbandwidthInputTest, KernelsOfOneGpuShareItsRoomForThreads) {
    const auto all = groups("hgx-h100", "{nvbandwidth: one_to_all_write_sm}");
    ASSERT_EQ(all[0].streams.size(), 7u);
    EXPECT_EQ(all[0].streams[0].blocks, 132u * 2048 / 512 / 7); // less than one a SM
}

TEST_F(NvbandwidthInputTest, BisectionGoesHalfWayRound) {
    const auto all = groups("gb200-nvl72", "{nvbandwidth: multinode_bisect_write_ce}");
    ASSERT_EQ(all.size(), 1u);
    ASSERT_EQ(all[0].streams.size(), 72u);
    EXPECT_EQ(text(all[0].streams[40]), "blackwell40.ce: blackwell40.hbm > blackwell4.hbm");
}

TEST_F(NvbandwidthInputTest, TestsOfOneNodeAreOfItsFirstNodeAndMultinodeOnesOfAll) {
    EXPECT_EQ(groups("gb200-nvl72", "{nvbandwidth: device_local_copy}")[0].nvbandwidth->gpus.size(), 4u);
    EXPECT_EQ(
        groups("gb200-nvl72", "{nvbandwidth: multinode_device_to_device_memcpy_read_ce}")[0].nvbandwidth->gpus.size(),
        72u);
}

TEST_F(NvbandwidthInputTest, PairsThatAreAlikeShareARun) {
    // One switch level: 72 x 71 pairs of one kind.
    const auto all = groups("gb200-nvl72", "{nvbandwidth: multinode_device_to_device_memcpy_read_ce}");
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].nvbandwidth->cells, 72u * 71u);
    // "pairs: all": each of them.
    EXPECT_EQ(groups("gb200-tray", "{nvbandwidth: device_to_device_memcpy_read_ce, pairs: all}").size(), 4u * 3u);
}

TEST_F(NvbandwidthInputTest, ASlowerLinkMakesItsPairsAKindOfTheirOwn) {
    // From blackwell0, to it, and among the others.
    const auto all = groups("{topology: gb200-tray, set: {\"nvl0-3.latency\": 900 ns}}",
                            "{nvbandwidth: device_to_device_memcpy_read_ce}");
    ASSERT_EQ(all.size(), 3u);
    const auto& cells = all[0].nvbandwidth->matrices[0].cells;
    EXPECT_EQ(cells[1]->group, cells[2]->group);         // 0 reads from 1, from 2
    EXPECT_NE(cells[1]->group, cells[4]->group);         // 0 reads from 1, 1 from 0
    EXPECT_EQ(cells[4 + 2]->group, cells[8 + 3]->group); // 1 from 2, 2 from 3
    EXPECT_NE(cells[4 + 2]->group, cells[1]->group);
}

TEST_F(NvbandwidthInputTest, ADeadLinkMakesItsPairsAKindOfTheirOwn) {
    // To and from blackwell0 there are 17 equal ways left, among the others 18.
    const auto all =
        groups("{topology: gb200-tray, set: {nvl0-3.down: true}}", "{nvbandwidth: device_to_device_memcpy_read_ce}");
    ASSERT_EQ(all.size(), 2u);
    const auto& cells = all[0].nvbandwidth->matrices[0].cells;
    EXPECT_EQ(cells[1]->group, cells[4]->group);
    EXPECT_NE(cells[1]->group, cells[4 + 2]->group);
}

TEST_F(NvbandwidthInputTest, RacksOfTwoLevelsHaveTwoKindsOfPairs) {
    const auto all = groups("nvl576", "{nvbandwidth: multinode_device_to_device_memcpy_read_ce, gpus: [blackwell0, "
                                      "blackwell1, blackwell72, blackwell73]}");
    ASSERT_EQ(all.size(), 2u);
    const auto& cells = all[0].nvbandwidth->matrices[0].cells;
    EXPECT_EQ(cells[1]->group, cells[2 * 4 + 3]->group); // within a rack
    EXPECT_EQ(cells[2]->group, cells[2 * 4 + 1]->group); // from rack to rack
}

TEST_F(NvbandwidthInputTest, WhatTheMachineCannotRunIsWaived) {
    const auto all = groups("gh200", "{nvbandwidth: all}");
    std::map<std::string, std::string> waived;
    for (const auto& group : all) {
        waived[std::string(group.nvbandwidth->test->name)] = group.nvbandwidth->waived;
    }
    EXPECT_EQ(waived.size(), 48u);
    EXPECT_EQ(waived["device_to_device_memcpy_read_ce"], "needs two GPUs or more");
    EXPECT_EQ(waived["host_to_device_memcpy_ce"], "");
    for (const char* name : {"one_to_all_sm", "all_to_all_sm"}) {
        EXPECT_THAT(waived[std::string("multinode_device_to_device_broadcast_") + name],
                    HasSubstr("streams have no multicast group to store to"));
    }
}

TEST_F(NvbandwidthInputTest, InAVmTheToolSeesTheVmsGpus) {
    auto loaded = scenario("scenario: s\nmachine: gh200-quad\nsoftware:\n  vms:\n"
                           "    - {name: vm0, memory: [{of: grace2.egm}], gpus: [hopper2]}\n"
                           "traffic:\n  - nvbandwidth: host_to_device_memcpy_ce\n");
    ASSERT_THAT(said(), ElementsAre());
    EXPECT_THAT(loaded->groups[0].nvbandwidth->gpus, ElementsAre("hopper2"));
}

TEST_F(NvbandwidthInputTest, FaultsAreNamedWithTheirPlace) {
    scenario("scenario: s\n"
             "machine: gb200-tray\n"
             "traffic:\n"
             "  - nvbandwidth: [host_to_device_memcopy_ce, device_local_copy, device_local_copy]\n"
             "    gpus: [blackwell9, blackwell0, blackwell0]\n"
             "    pairs: some\n"
             "    bufferSize: 512\n");
    EXPECT_THAT(said(),
                ElementsAre("s.yaml:4:19: error: nvbandwidth: \"host_to_device_memcopy_ce\" is no test case; did "
                            "you mean \"host_to_device_memcpy_ce\"?",
                            "s.yaml:4:65: error: nvbandwidth: device_local_copy is named twice",
                            "s.yaml:5:12: error: nvbandwidth: gpus: \"blackwell9\" is no GPU of this machine; did "
                            "you mean \"blackwell0\"?",
                            "s.yaml:5:36: error: nvbandwidth: gpus: blackwell0 is named twice",
                            "s.yaml:6:12: error: nvbandwidth: pairs \"some\" is not known; one of: distinct, all",
                            "s.yaml:7:5: error: nvbandwidth: unknown key \"bufferSize\"; did you mean "
                            "\"buffer_size\"?"));
}

TEST_F(NvbandwidthInputTest, TooManyPairsAreRefused) {
    scenario("scenario: s\nmachine: gb200-nvl72\ntraffic:\n"
             "  - {nvbandwidth: multinode_device_to_device_memcpy_read_ce, pairs: all}\n");
    EXPECT_THAT(said(), ElementsAre(HasSubstr("needs more streams than a scenario may have")));
    scenario("scenario: s\nmachine: nvl576\ntraffic:\n  - nvbandwidth: multinode_bisect_write_ce\n");
    EXPECT_THAT(said(), ElementsAre(HasSubstr("576 GPUs; a matrix has 256 at most")));
}

} // namespace
