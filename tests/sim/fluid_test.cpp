// The fluid solver: who gets how much of shared resources, and when is a fixed amount of work done?
//
// Closed forms where there are some; else the definition of max-min fairness, and an oracle that fills slowly.
#include "sim/fluid_finish.h"
#include "sim/fluid_max_min.h"

#include <cmath>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using sim::FluidNetwork;
using sim::FluidWork;
using sim::MaxMinSolver;
using Index = FluidNetwork::Index;
using testing::ElementsAre;

constexpr double kRounding = 1e-13;

struct FluidTest : testing::Test {
    FluidNetwork network;

    /// A resource of so many bytes a second, for `flow`: what it takes of a resource of one second a second.
    Index link() { return network.add_resource(); }
    Index flow(const std::vector<std::pair<Index, double>>& bytes_per_second,
               double rate_max = FluidNetwork::kUnlimited, double weight = 1) {
        const Index index = network.add_flow(rate_max, weight);
        for (const auto& [resource, rate] : bytes_per_second) {
            network.add_use(resource, 1 / rate);
        }
        return index;
    }
    std::vector<double> rates() const {
        MaxMinSolver solver(network);
        solver.solve();
        std::vector<double> found;
        for (Index i = 0; i < network.flows(); ++i) {
            found.push_back(solver.rate(i));
        }
        return found;
    }
    void expect_rates(const std::vector<double>& expected) const {
        const std::vector<double> found = rates();
        ASSERT_EQ(found.size(), expected.size());
        for (std::size_t i = 0; i < expected.size(); ++i) {
            EXPECT_NEAR(found[i] / expected[i], 1, kRounding) << "flow " << i;
        }
    }
};

// --- closed forms -------------------------------------------------------------------------------------------------

TEST_F(FluidTest, OneBottleneckIsSharedEqually) {
    const Index link = this->link();
    for (int i = 0; i < 3; ++i) {
        flow({{link, 90}});
    }
    expect_rates({30, 30, 30});
}

TEST_F(FluidTest, WeightsShareInTheirProportion) {
    const Index link = this->link();
    flow({{link, 90}}, FluidNetwork::kUnlimited, 1);
    flow({{link, 90}}, FluidNetwork::kUnlimited, 2);
    flow({{link, 90}}, FluidNetwork::kUnlimited, 6);
    expect_rates({10, 20, 60});
}

TEST_F(FluidTest, WhatACappedFlowLeavesGoesToTheOthers) {
    const Index link = this->link();
    flow({{link, 90}}, 10);
    flow({{link, 90}});
    flow({{link, 90}}, 80);
    expect_rates({10, 40, 40});
}

TEST_F(FluidTest, ParkingLotGivesTheLongFlowAsMuchAsEachShortOne) {
    // One flow over three links, one more on each: the long one is not punished for its length.
    std::vector<std::pair<Index, double>> way;
    for (int i = 0; i < 3; ++i) {
        way.emplace_back(link(), 10);
    }
    flow(way);
    for (const auto& hop : way) {
        flow({hop});
    }
    expect_rates({5, 5, 5, 5});
}

TEST_F(FluidTest, BottlenecksAreFoundOneAfterTheOther) {
    // Bertsekas and Gallager's example: a narrow link stops its flows, and the wide one is shared by what is left.
    const Index narrow = link();
    const Index wide = link();
    flow({{narrow, 12}});
    flow({{narrow, 12}});
    flow({{narrow, 12}, {wide, 30}});
    flow({{wide, 30}});
    expect_rates({4, 4, 4, 26});
}

TEST_F(FluidTest, FlowsPayDifferentTimeForAByte) {
    // Wire bytes of a small packet: 2 s and 1 s a byte; equal rates x take 3 x of the second.
    const Index link = this->link();
    flow({{link, 0.5}});
    flow({{link, 1}});
    expect_rates({1. / 3, 1. / 3});
}

TEST_F(FluidTest, SecondUseOfTheSameResourceAddsUp) {
    const Index memory = link();
    flow({{memory, 10}, {memory, 40}}); // a copy: 0.1 s of reading and 0.025 s of writing for each byte
    expect_rates({8});
}

TEST_F(FluidTest, DamagedResourceGivesWhatItHas) {
    const Index half = network.add_resource(0.5);
    const Index dead = network.add_resource(0);
    flow({{half, 10}});
    flow({{half, 10}, {dead, 10}});
    EXPECT_THAT(rates(), ElementsAre(5, 0));
}

TEST_F(FluidTest, FlowWithoutResourcesHasItsOwnLimit) {
    flow({}, 7);
    MaxMinSolver solver(network);
    solver.solve();
    EXPECT_EQ(solver.rate(0), 7);
    EXPECT_EQ(solver.limit(0), MaxMinSolver::kOwnLimit);
}

TEST_F(FluidTest, LimitNamesTheBottleneckAndLoadItsUse) {
    const Index narrow = link();
    const Index wide = link();
    flow({{narrow, 10}, {wide, 40}});
    flow({{wide, 40}}, 20);
    MaxMinSolver solver(network);
    solver.solve();
    EXPECT_EQ(solver.limit(0), narrow);
    EXPECT_EQ(solver.limit(1), MaxMinSolver::kOwnLimit);
    EXPECT_DOUBLE_EQ(solver.load(narrow), 1);
    EXPECT_DOUBLE_EQ(solver.load(wide), 0.75);
}

TEST_F(FluidTest, SomeFlowsAreSolvedAsIfThereWereNoOthers) {
    const Index link = this->link();
    for (int i = 0; i < 3; ++i) {
        flow({{link, 90}});
    }
    MaxMinSolver solver(network);
    solver.solve();
    const std::vector<Index> two{0, 2};
    solver.solve(two);
    EXPECT_DOUBLE_EQ(solver.rate(0), 45);
    EXPECT_DOUBLE_EQ(solver.rate(1), 30) << "not asked for: as it was";
    EXPECT_DOUBLE_EQ(solver.rate(2), 45);
    solver.solve();
    EXPECT_DOUBLE_EQ(solver.rate(2), 30);
}

/// All ordered pairs of `leaves` x `hosts` over spines: each host has a link of `edge` bytes a second each way, each
/// leaf `trunk` bytes a second each way to the spines together.
void all_pairs(FluidNetwork& network, unsigned leaves, unsigned hosts, double edge, double trunk) {
    std::vector<Index> up, down, out, in;
    for (unsigned i = 0; i < leaves * hosts; ++i) {
        up.push_back(network.add_resource());
        down.push_back(network.add_resource());
    }
    for (unsigned i = 0; i < leaves; ++i) {
        out.push_back(network.add_resource());
        in.push_back(network.add_resource());
    }
    for (unsigned from = 0; from < leaves * hosts; ++from) {
        for (unsigned to = 0; to < leaves * hosts; ++to) {
            if (from == to) {
                continue;
            }
            network.add_flow();
            network.add_use(up[from], 1 / edge);
            network.add_use(down[to], 1 / edge);
            if (from / hosts != to / hosts) {
                network.add_use(out[from / hosts], 1 / trunk);
                network.add_use(in[to / hosts], 1 / trunk);
            }
        }
    }
}

TEST_F(FluidTest, NonBlockingFabricGivesEachPairItsShareOfTheLink) {
    all_pairs(network, 4, 8, 450e9, 8 * 450e9);
    for (const double rate : rates()) {
        ASSERT_NEAR(rate / (450e9 / 31), 1, kRounding);
    }
}

TEST_F(FluidTest, OversubscribedTrunksStopTheFarPairsAndNearOnesTakeTheRest) {
    // A trunk of 2 edges carries 8 x 24 far flows: 2 / 192 each; the 7 near flows of a host share 1 - 24 x 2 / 192.
    all_pairs(network, 4, 8, 1, 2);
    const std::vector<double> found = rates();
    std::size_t next = 0;
    for (unsigned from = 0; from < 32; ++from) {
        for (unsigned to = 0; to < 32; ++to) {
            if (from != to) {
                ASSERT_NEAR(found[next] / (from / 8 != to / 8 ? 2. / 192 : 0.75 / 7), 1, kRounding);
                ++next;
            }
        }
    }
}

// --- any network --------------------------------------------------------------------------------------------------

/// Fills as the textbook says, all sums made anew in each round.
std::vector<double> oracle(const FluidNetwork& network) {
    const std::size_t flows = network.flows();
    std::vector<long double> rates(flows, 0);
    std::vector<bool> stopped(flows, false);
    while (std::find(stopped.begin(), stopped.end(), false) != stopped.end()) {
        long double level = FluidNetwork::kUnlimited;
        std::vector<long double> taken(network.resources(), 0), rising(network.resources(), 0);
        for (Index f = 0; f < flows; ++f) {
            for (std::size_t i = 0; i < network.used(f).size(); ++i) {
                const long double cost = network.costs(f)[i];
                (stopped[f] ? taken : rising)[network.used(f)[i]] += cost * (stopped[f] ? rates[f] : network.weight(f));
            }
            if (!stopped[f]) {
                level = std::min<long double>(level, network.rate_max(f) / static_cast<long double>(network.weight(f)));
            }
        }
        std::vector<long double> levels(network.resources(), FluidNetwork::kUnlimited);
        for (Index r = 0; r < network.resources(); ++r) {
            if (rising[r] > 0) {
                levels[r] = std::max<long double>(network.capacity(r) - taken[r], 0) / rising[r];
                level = std::min(level, levels[r]);
            }
        }
        for (Index f = 0; f < flows; ++f) {
            if (stopped[f]) {
                continue;
            }
            bool full = network.rate_max(f) / static_cast<long double>(network.weight(f)) <= level;
            for (const Index r : network.used(f)) {
                full = full || levels[r] <= level;
            }
            if (full) {
                stopped[f] = true;
                rates[f] = std::min<long double>(level * network.weight(f), network.rate_max(f));
            }
        }
    }
    return {rates.begin(), rates.end()};
}

struct AnyNetworkTest : testing::TestWithParam<unsigned> {
    static FluidNetwork any(unsigned seed) {
        std::mt19937 random(seed);
        const auto upto = [&](unsigned most) { return static_cast<unsigned>(random() % most); };
        FluidNetwork network;
        const unsigned resources = 1 + upto(20);
        for (unsigned i = 0; i < resources; ++i) {
            network.add_resource(upto(10) == 0 ? 0.25 * upto(4) : 1);
        }
        const unsigned flows = 1 + upto(60);
        const bool ties = upto(2) == 0; // few different figures: many levels are equal
        const auto figure = [&] { return ties ? 1.0 + upto(3) : 0.01 + upto(100'000) / 1000.0; };
        for (unsigned i = 0; i < flows; ++i) {
            const bool capped = upto(3) == 0;
            network.add_flow(capped ? figure() / 10 : FluidNetwork::kUnlimited, upto(2) == 0 ? 1 : figure());
            const unsigned uses = capped ? upto(5) : 1 + upto(5);
            for (unsigned use = 0; use < uses; ++use) {
                network.add_use(upto(resources), figure());
            }
        }
        return network;
    }
};

TEST_P(AnyNetworkTest, AgreesWithTheSlowOracle) {
    const FluidNetwork network = any(GetParam());
    const std::vector<double> expected = oracle(network);
    MaxMinSolver solver(network);
    solver.solve();
    for (Index f = 0; f < network.flows(); ++f) {
        ASSERT_NEAR(solver.rate(f), expected[f], 1e-11 * std::max(expected[f], 1e-3)) << "flow " << f;
    }
}

TEST_P(AnyNetworkTest, EachFlowIsAtItsLimitOrHasABottleneckWhereNoneHasMoreForItsWeight) {
    const FluidNetwork network = any(GetParam());
    MaxMinSolver solver(network);
    solver.solve();
    std::vector<double> load(network.resources(), 0);
    std::vector<double> most(network.resources(), 0); // rate / weight
    for (Index f = 0; f < network.flows(); ++f) {
        EXPECT_LE(solver.rate(f), network.rate_max(f));
        for (std::size_t i = 0; i < network.used(f).size(); ++i) {
            load[network.used(f)[i]] += network.costs(f)[i] * solver.rate(f);
            most[network.used(f)[i]] = std::max(most[network.used(f)[i]], solver.rate(f) / network.weight(f));
        }
    }
    for (Index r = 0; r < network.resources(); ++r) {
        EXPECT_LE(load[r], network.capacity(r) + 1e-12) << "nothing gives more than it has";
        EXPECT_NEAR(load[r], solver.load(r), 1e-12);
    }
    for (Index f = 0; f < network.flows(); ++f) {
        const Index limit = solver.limit(f);
        if (limit == MaxMinSolver::kOwnLimit) {
            EXPECT_EQ(solver.rate(f), network.rate_max(f));
            continue;
        }
        EXPECT_THAT(network.used(f), testing::Contains(limit));
        EXPECT_NEAR(load[limit], network.capacity(limit), 1e-12) << "full";
        EXPECT_LE(most[limit], solver.rate(f) / network.weight(f) * (1 + 1e-11) + 1e-15);
    }
}

TEST_P(AnyNetworkTest, SolvesTheSameBytesAgain) {
    const FluidNetwork network = any(GetParam());
    MaxMinSolver first(network), second(network);
    first.solve();
    second.solve();
    second.solve();
    for (Index f = 0; f < network.flows(); ++f) {
        EXPECT_EQ(first.rate(f), second.rate(f));
        EXPECT_EQ(first.limit(f), second.limit(f));
    }
}

INSTANTIATE_TEST_SUITE_P(Seeds, AnyNetworkTest, testing::Range(0u, 200u));

TEST_F(FluidTest, ThousandsOfFlowsThatLeaveAResourceLeaveNoRoundingBehind) {
    // All but one flow are stopped by limits of their own, each at another level, and take nearly all of the link.
    constexpr int kFlows = 100'000;
    const Index link = this->link();
    const double cost = 1 / 150.1;
    long double taken = 0;
    for (int i = 0; i < kFlows; ++i) {
        const double rate = (1 + i % 1000 / 1000.0) * 1e-3;
        flow({{link, 150.1}}, rate);
        taken += rate;
    }
    const Index last = flow({{link, 150.1}});
    const auto left = static_cast<double>(1.L / cost - taken); // 0.15: a thousandth of the link
    EXPECT_NEAR(rates()[last] / left, 1, 1e-12);
}

// --- fixed works --------------------------------------------------------------------------------------------------

TEST_F(FluidTest, WorkTakesItsBytesAtItsRateAndItsLatency) {
    flow({{link(), 100}});
    EXPECT_THAT(sim::fluid_finish_times(network, {{.bytes = 500, .latency = 2, .start = 1}}), ElementsAre(1 + 5 + 2));
}

TEST_F(FluidTest, WhoIsDoneLeavesItsShareToTheOthers) {
    const Index link = this->link();
    flow({{link, 100}});
    flow({{link, 100}});
    // Both at 50 until 2 s; 200 bytes are left for 100 a second.
    EXPECT_THAT(sim::fluid_finish_times(network, {{.bytes = 100}, {.bytes = 300}}), ElementsAre(2, 4));
}

TEST_F(FluidTest, WhoComesLaterTakesItsShareFromThenOn) {
    const Index link = this->link();
    flow({{link, 100}});
    flow({{link, 100}});
    // 100 bytes alone in 1 s, then 100 at 50: done at 3 s; the other has had 100 then, and 50 more alone.
    EXPECT_THAT(sim::fluid_finish_times(network, {{.bytes = 200}, {.bytes = 150, .start = 1}}), ElementsAre(3, 3.5));
}

TEST_F(FluidTest, FollowerStartsWhenTheLastByteHasArrived) {
    const Index link = this->link();
    flow({{link, 100}});
    flow({{link, 100}});
    flow({{link, 100}});
    const auto times = sim::fluid_finish_times(
        network, {{.bytes = 100, .latency = 0.5}, {.bytes = 100, .after = 0}, {.bytes = 0, .latency = 1, .after = 1}});
    EXPECT_THAT(times, ElementsAre(1.5, 2.5, 3.5));
}

TEST_F(FluidTest, FlowWaitsForAllThatItComesAfter) {
    const Index link = this->link();
    for (int i = 0; i < 4; ++i) {
        flow({{link, 100}});
    }
    // Two share 100 bytes a second: 50 bytes in 1 s, 100 in 1.5 s. A join of both, of no bytes; what follows it must
    // not begin before 3 s either.
    const auto times = sim::fluid_finish_times(
        network, {{.bytes = 50, .latency = 1}, {.bytes = 100}, {.bytes = 0}, {.bytes = 100, .start = 3}},
        {{0, 2}, {1, 2}, {2, 3}});
    EXPECT_THAT(times.began, ElementsAre(0, 0, 2, 3));
    EXPECT_THAT(times.arrived, ElementsAre(2, 1.5, 2, 4));
}

TEST_F(FluidTest, FlowsInACircleNeverBegin) {
    const Index link = this->link();
    flow({{link, 100}});
    flow({{link, 100}});
    flow({{link, 100}});
    const auto times = sim::fluid_finish_times(network, {{.bytes = 1}, {.bytes = 1}, {.bytes = 100}}, {{0, 1}, {1, 0}});
    EXPECT_THAT(times.began, ElementsAre(FluidNetwork::kUnlimited, FluidNetwork::kUnlimited, 0));
    EXPECT_THAT(times.arrived, ElementsAre(FluidNetwork::kUnlimited, FluidNetwork::kUnlimited, 1));
}

TEST_F(FluidTest, WorkBehindADeadLinkNeverArrivesAndOthersDo) {
    flow({{network.add_resource(0), 100}});
    flow({{link(), 100}});
    flow({{link(), 100}});
    const auto times = sim::fluid_finish_times(network, {{.bytes = 1}, {.bytes = 100}, {.bytes = 1, .after = 0}});
    EXPECT_THAT(times, ElementsAre(FluidNetwork::kUnlimited, 1, FluidNetwork::kUnlimited));
}

struct AllToAll {
    unsigned gpus;
    double bytes; ///< for each ordered pair
    double seconds;

    friend void PrintTo(const AllToAll& one, std::ostream* out) { *out << one.gpus << "x" << one.bytes; }
};

struct AllToAllTest : FluidTest, testing::WithParamInterface<AllToAll> {};

TEST_P(AllToAllTest, EndsWithTheLastByteOfTheLink) {
    // One non-blocking switch, 450 GB/s each way, two links of 250 ns: (N - 1) S / B + 500 ns for each pair.
    const auto& [gpus, bytes, seconds] = GetParam();
    all_pairs(network, 1, gpus, 450e9, 1);
    const auto times =
        sim::fluid_finish_times(network, std::vector<FluidWork>(network.flows(), {.bytes = bytes, .latency = 500e-9}));
    for (const double time : times) {
        ASSERT_NEAR(time / ((gpus - 1) * bytes / 450e9 + 500e-9), 1, kRounding);
    }
    EXPECT_NEAR(times[0] / seconds, 1, 1e-4) << "as published, to four digits";
}

constexpr double kMiB64 = 64 << 20;
constexpr double kKiB64 = 64 << 10;
INSTANTIATE_TEST_SUITE_P(Fabrics, AllToAllTest,
                         testing::Values(AllToAll{8, kMiB64, 1044.416e-6}, AllToAll{32, kMiB64, 4623.555e-6},
                                         AllToAll{72, kMiB64, 10588.79e-6}, AllToAll{256, kMiB64, 38028.86e-6},
                                         AllToAll{32, kKiB64, 5.015e-6}, AllToAll{72, kKiB64, 10.840e-6},
                                         AllToAll{256, kKiB64, 37.637e-6}));

TEST_F(FluidTest, RingAllReduceTakesItsStepsOneAfterTheOther) {
    // 2 (N - 1) steps of S / N bytes to the next GPU, each after the step before has come in from the one behind:
    // 510 x (1 MiB / 450 GB/s + 500 ns) = 1443.4 us.
    constexpr unsigned kGpus = 256;
    std::vector<Index> up, down;
    for (unsigned i = 0; i < kGpus; ++i) {
        up.push_back(link());
        down.push_back(link());
    }
    std::vector<FluidWork> works;
    for (unsigned step = 0; step < 2 * (kGpus - 1); ++step) {
        for (unsigned gpu = 0; gpu < kGpus; ++gpu) {
            flow({{up[gpu], 450e9}, {down[(gpu + 1) % kGpus], 450e9}});
            works.push_back(
                {.bytes = 1 << 20,
                 .latency = 500e-9,
                 .after = step == 0 ? FluidWork::kNothing : (step - 1) * kGpus + (gpu + kGpus - 1) % kGpus});
        }
    }
    const auto times = sim::fluid_finish_times(network, works);
    EXPECT_NEAR(*std::max_element(times.begin(), times.end()) / (510 * ((1 << 20) / 450e9 + 500e-9)), 1, 1e-12);
    EXPECT_NEAR(times.back(), 1443.4e-6, 0.05e-6);
}

} // namespace
