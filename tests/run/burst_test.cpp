// The burst size is a choice of the simulation: does the throughput change when it halves or doubles?
#include "tests/run/planning_test.h"

#include <fmt/format.h>

#include "sim/stream_plan.h"

namespace {

struct Kind {
    const char* name;
    const char* machine;
    const char* stream;

    friend void PrintTo(const Kind& one, std::ostream* out) { *out << one.name; }
};

struct BurstTest : PlanningTest, testing::WithParamInterface<Kind> {
    static std::string text(std::uint64_t burst) {
        return fmt::format("scenario: burst\nmachine: {}\ntraffic:\n  - group: one\n    streams:\n      - {{{}{}}}\n",
                           GetParam().machine, GetParam().stream,
                           burst != 0 ? fmt::format(", burst: {} B", burst) : std::string());
    }
    double throughput(std::uint64_t burst) const {
        const Answer answer = run({"run", file("burst.yaml", text(burst)), "--quiet", "--json", "-"});
        EXPECT_EQ(answer.status, 0) << answer.err;
        return parse(answer.out)["traffic"][0]["streams"][0]["value"].get<double>();
    }
};

TEST_P(BurstTest, HalfAndDoubleChangeTheThroughputByLessThanTwoPercent) {
    load(text(0));
    sim::StreamPlanner planner(*scenario, *machine);
    const auto planned = planner.plan(scenario->groups[0].streams[0], nullptr);
    ASSERT_TRUE(planned) << planned.error();
    const std::uint64_t burst = planned->job.burst_bytes;
    const double chosen = throughput(0);
    EXPECT_EQ(throughput(burst), chosen) << "the burst that the planner chose is " << burst << " B";
    EXPECT_NEAR(throughput(burst / 2) / chosen, 1, 0.02) << burst / 2 << " B";
    EXPECT_NEAR(throughput(burst * 2) / chosen, 1, 0.02) << burst * 2 << " B";
}

INSTANTIATE_TEST_SUITE_P(
    Each, BurstTest,
    testing::Values(
        Kind{"SmReadsEgm", "gh200", "from: hopper0.sm, op: read, source: grace0.egm"},
        Kind{"SmReadsEgmByOneBlock", "gh200", "from: hopper0.sm, op: read, source: grace0.egm, blocks: 1"},
        Kind{"SmWritesEgm", "gh200", "from: hopper0.sm, op: write, target: grace0.egm"},
        Kind{"SmReadsHbm", "gh200", "from: hopper0.sm, op: read, source: hopper0.hbm"},
        Kind{"SmReadsHbmByOneBlock", "gh200", "from: hopper0.sm, op: read, source: hopper0.hbm, blocks: 1"},
        Kind{"SmReadsPeer", "gh200-quad", "from: hopper0.sm, op: read, source: hopper1.hbm"},
        Kind{"SmReadsPeerByOneBlock", "gh200-quad", "from: hopper0.sm, op: read, source: hopper1.hbm, blocks: 1"},
        Kind{"SmReadsRemoteEgm", "gh200-quad", "from: hopper0.sm, op: read, source: grace1.egm"},
        Kind{"SmReadsSystemMemoryByAts", "gh200",
             "from: hopper0.sm, op: read, source: grace0.system, allocator: system"},
        Kind{"CeCopiesFromEgm", "gh200", "from: hopper0.ce, op: copy, source: grace0.egm, target: hopper0.hbm"},
        Kind{"CeCopiesToEgm", "gh200", "from: hopper0.ce, op: copy, source: hopper0.hbm, target: grace0.egm"},
        Kind{"CeCopiesInHbm", "gh200", "from: hopper0.ce, op: copy, source: hopper0.hbm"},
        Kind{"CpuReadsByOneThread", "gh200", "from: grace0.cpu, op: read, source: grace0.system, threads: 1"},
        Kind{"CpuReadsByAllThreads", "gh200", "from: grace0.cpu, op: read, source: grace0.system, threads: 72"},
        Kind{"CpuTriad", "gh200", "from: grace0.cpu, op: stream-triad, source: grace0.system"},
        Kind{"NicReads", "gh200-quad", "from: nic0, op: read, source: grace0.system"}),
    [](const auto& info) { return info.param.name; });

} // namespace
