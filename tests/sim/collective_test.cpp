// Collectives as graphs: has every member in the end what the collective promises, by transfers that wait for what they
// pass on?
//
// On a fabric of equal links a step that forgets to wait takes no less time, so that no finish time can show it.
#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "sim/work.h"
#include "tests/sim/input_test.h"

namespace {

using sim::WorkGraph;
using testing::Each;
using testing::ElementsAre;
using testing::SizeIs;

using Members = std::set<std::string>;

struct CollectiveGraphTest : InputTest {
    /// Over four ideal end points, in one piece on one channel.
    const WorkGraph& graph(const std::string& entry) {
        loaded = scenario("scenario: s\nmachine: ideal-8\ntraffic:\n  - {among: \"host[0..3]\", " + entry + "}\n");
        EXPECT_THAT(said(), ElementsAre());
        return loaded->groups.at(0).work->graph;
    }

    /// Of whose data each member may know in the end: a transfer carries what its sender has, and what transfers that
    /// it waits for have brought to its sender.
    static std::vector<Members> known(const WorkGraph& graph) {
        std::map<std::string, Members> has;
        std::vector<Members> carried(graph.nodes().size());
        for (WorkGraph::Index node = 0; node < graph.nodes().size(); ++node) { // builders add what is waited for first
            const sim::Stream& path = graph.paths()[graph.nodes()[node].path];
            carried[node].insert(path.initiator);
            for (const WorkGraph::Order& order : graph.orders()) {
                if (order.after == node && target(graph, order.before) == path.initiator) {
                    EXPECT_LT(order.before, node);
                    carried[node].insert(carried[order.before].begin(), carried[order.before].end());
                }
            }
            has[path.initiator].insert(path.initiator);
            has[target(graph, node)].insert(carried[node].begin(), carried[node].end());
        }
        std::vector<Members> all;
        for (const auto& [member, data] : has) {
            all.push_back(data);
        }
        return all;
    }
    static const std::string& target(const WorkGraph& graph, WorkGraph::Index node) {
        return graph.paths()[graph.nodes()[node].path].target.part;
    }
    /// By sender and receiver.
    static std::map<std::pair<std::string, std::string>, std::uint64_t> bytes(const WorkGraph& graph) {
        std::map<std::pair<std::string, std::string>, std::uint64_t> sums;
        for (WorkGraph::Index node = 0; node < graph.nodes().size(); ++node) {
            sums[{graph.paths()[graph.nodes()[node].path].initiator, target(graph, node)}] += graph.nodes()[node].bytes;
        }
        return sums;
    }

    std::optional<sim::Scenario> loaded;
};

TEST_F(CollectiveGraphTest, WhatEveryoneNeedsReachesEveryone) {
    for (const char* entry : {"collective: all-gather", "collective: reduce-scatter", "collective: all-reduce",
                              "collective: all-reduce, algorithm: tree", "collective: all-to-all"}) {
        const auto all = known(graph(std::string(entry) + ", size: 4 KiB"));
        EXPECT_THAT(all, SizeIs(4)) << entry;
        EXPECT_THAT(all, Each(SizeIs(4))) << entry;
    }
}

TEST_F(CollectiveGraphTest, ABroadcastReachesAllFromItsRootOnward) {
    const auto all = known(graph("collective: broadcast, root: host2, size: 4 KiB"));
    // host2 to host3 to host0 to host1, which sends to nobody.
    EXPECT_THAT(all, ElementsAre(Members{"host0", "host2", "host3"}, Members{"host0", "host2", "host3"},
                                 Members{"host2"}, Members{"host2", "host3"}));
}

TEST_F(CollectiveGraphTest, OneWhoSharesUnevenlySendsEachItsShare) {
    // 4099 B over four: the first three get a byte more than the last.
    const auto sums = bytes(graph("collective: all-to-all, size: 4099 B"));
    EXPECT_THAT(sums, SizeIs(12));
    for (const auto& [pair, sum] : sums) {
        EXPECT_EQ(sum, pair.second == "host3" ? 1024u : 1025u) << pair.first << " to " << pair.second;
    }
}

// 4099 B over four are blocks of 1025, 1025, 1025 and 1024 B: who does not pass host3's on sends a byte more.
TEST_F(CollectiveGraphTest, RingsMoveAllOfASizeThatDoesNotDivide) {
    const std::tuple<const char*, std::uint64_t, std::string> rings[] = {
        {"all-gather", 3074, "host2"},     // all but the next one's
        {"reduce-scatter", 3074, "host3"}, // all but its own, whose sum ends there
    };
    for (const char* split : {"", ", channels: 3", ", chunk: 1 KiB", ", channels: 5, chunk: 64 B"}) {
        for (const auto& [kind, most, one_more] : rings) {
            const auto sums = bytes(graph(fmt::format("collective: {}, size: 4099 B{}", kind, split)));
            ASSERT_THAT(sums, SizeIs(4));
            for (const auto& [pair, sum] : sums) {
                EXPECT_EQ(sum, pair.first == one_more ? most + 1 : most) << kind << split << " " << pair.first;
            }
        }
        std::uint64_t all = 0;
        for (const auto& [pair, sum] : bytes(graph(fmt::format("collective: all-reduce, size: 4099 B{}", split)))) {
            all += sum;
        }
        EXPECT_EQ(all, 2u * 3 * 4099) << split;
    }
}

TEST_F(CollectiveGraphTest, PieceThatOnlyALongerBlockHasGoesRoundByItself) {
    // A block of 101 B and three of 100 B in pieces of 100 B: host0's last byte goes to all others, one after the
    // other.
    const WorkGraph& graph = this->graph("collective: all-gather, chunk: 100 B, size: 401 B");
    std::vector<WorkGraph::Index> bytes;
    std::vector<std::string> senders;
    for (WorkGraph::Index node = 0; node < graph.nodes().size(); ++node) {
        if (graph.nodes()[node].bytes == 1) {
            bytes.push_back(node);
            senders.push_back(graph.paths()[graph.nodes()[node].path].initiator);
        }
    }
    EXPECT_THAT(graph.nodes(), SizeIs(4 * 3 + 3));
    ASSERT_THAT(senders, ElementsAre("host0", "host1", "host2"));
    const auto waits = [&](WorkGraph::Index after, WorkGraph::Index before) {
        return std::any_of(graph.orders().begin(), graph.orders().end(),
                           [&](const auto& order) { return order.after == after && order.before == before; });
    };
    EXPECT_TRUE(waits(bytes[1], bytes[0]));
    EXPECT_TRUE(waits(bytes[2], bytes[1]));
}

TEST_F(CollectiveGraphTest, PiecesAndChannelsAddUpToTheWhole) {
    // Three channels of a block of 1000 B, in pieces of 100 B at most: each member passes 3 blocks on.
    const WorkGraph& graph = this->graph("collective: all-gather, channels: 3, chunk: 100 B, size: 4000 B");
    EXPECT_THAT(bytes(graph), SizeIs(4));
    for (const auto& [pair, sum] : bytes(graph)) {
        EXPECT_EQ(sum, 3000u) << pair.first << " to " << pair.second;
    }
    // 334, 333 and 333 B: four pieces each, three steps, four members
    EXPECT_THAT(graph.nodes(), SizeIs(3 * 4 * 3 * 4));
}

} // namespace
