// Fixed amounts of work on machines: is each part over when its causes say, by both fidelities?
#include "tests/run/planning_test.h"

#include "sim/runner.h"
#include "sim/work_report.h"

namespace {

using sim::WorkGraph;
using testing::HasSubstr;

/// Four GH200; what a test builds runs as the only group.
struct WorkRunTest : PlanningTest {
    std::shared_ptr<sim::Work> work = std::make_shared<sim::Work>();
    WorkGraph& graph = work->graph;
    WorkGraph::Index ce = 0;   ///< hopper0's copy engine writes to hopper1's HBM
    WorkGraph::Index read = 0; ///< hopper0's SMs read grace0's EGM
    sim::RunResult result;

    void SetUp() override {
        sim::Diagnostics diagnostics;
        sim::SearchPath search;
        search.topology_directories.emplace_back(EGMSIM_SOURCE_DIR "/topologies");
        scenario = sim::load_scenario(
            file("scenario.yaml",
                 "scenario: work\nmachine: gh200-quad\ntraffic:\n  - group: paths\n    streams:\n"
                 "      - {name: copy, from: hopper0.ce, op: copy, source: hopper0.hbm, target: "
                 "hopper1.hbm, working_set: 64 MiB}\n"
                 "      - {name: read, from: hopper0.sm, op: read, source: grace0.egm, working_set: 64 "
                 "MiB}\n"),
            {}, search, diagnostics);
        ASSERT_TRUE(scenario) << sim::to_text(diagnostics.all().at(0));
        ce = graph.add_path(scenario->groups[0].streams[0]);
        read = graph.add_path(scenario->groups[0].streams[1]);
        work->what = "a test";
    }

    const sim::WorkResult& run(sim::Fidelity fidelity = sim::Fidelity::kTransaction) {
        scenario->groups.assign(1, {"work", {}, {}, work});
        result = sim::run_scenario(*scenario, fidelity, {});
        return *result.settings.at(0).groups.at(0).work;
    }
    static double us(sim::WorkTimes const& times, WorkGraph::Index node) {
        return static_cast<double>(times.over[node] - times.began[node]) * 1e-6;
    }
};

TEST_F(WorkRunTest, ComputingAndBarriersTakeTheirTimeAndNothingElse) {
    const auto first = graph.compute(3'000'000), second = graph.compute(5'000'000);
    const auto join = graph.barrier();
    const auto last = graph.compute(1'000'000);
    const auto late = graph.compute(1'000);
    graph.node(late).not_before = 20'000'000;
    graph.order(first, join);
    graph.order(second, join);
    graph.order(join, last);
    const auto& found = run();
    const auto& times = found.times;
    EXPECT_EQ(times.fault, "");
    EXPECT_EQ(found.bound_ps, 20'001'000);
    EXPECT_EQ(times.over[join], 5'000'000u);
    EXPECT_EQ(times.over[last], 6'000'000u);
    EXPECT_EQ(times.began[late], 20'000'000u);
    EXPECT_EQ(times.finish, 20'001'000u);
}

TEST_F(WorkRunTest, TransferTakesItsBytesAtTheRateOfThePathAndItsLatency) {
    const auto one = graph.transfer(ce, 64 << 20);
    const auto two = graph.transfer(ce, 64 << 20);
    graph.order(one, two);
    const auto& found = run(sim::Fidelity::kAll);
    // As often as it is done, and as the fluid model says: bytes / rate and the way there.
    EXPECT_NEAR(us(found.times, one), us(found.times, two), 0.01);
    EXPECT_EQ(found.times.began[two], found.times.over[one]);
    EXPECT_NEAR(static_cast<double>(*found.fluid_ps) / static_cast<double>(found.times.finish), 1, 0.01);
    EXPECT_GE(static_cast<double>(found.times.finish), found.bound_ps);
    EXPECT_GT(found.share_of_bound(), 0.99);
    EXPECT_EQ(found.bytes, 128u << 20);
}

TEST_F(WorkRunTest, AcknowledgedTransferTakesTheWayBackToo) {
    const auto delivered = graph.transfer(ce, 4096);
    const auto acknowledged = graph.transfer(ce, 4096);
    graph.node(acknowledged).acknowledged = true;
    graph.order(delivered, acknowledged);
    const auto& found = run(sim::Fidelity::kAll);
    EXPECT_GT(us(found.times, acknowledged), us(found.times, delivered) + 0.1); // NVLink and hubs
    const double finish = us(found.times, delivered) + us(found.times, acknowledged);
    EXPECT_NEAR(static_cast<double>(*found.fluid_ps) * 1e-6, finish, 0.03 * finish);
}

TEST_F(WorkRunTest, SmallTransfersTakeTheLatencyNotTheRateOfTheirWindow) {
    const auto one = graph.transfer(read, 4096);
    const auto& found = run(sim::Fidelity::kAll);
    const double measured = us(found.times, one);
    EXPECT_NEAR(static_cast<double>(*found.fluid_ps) * 1e-6, measured, 0.03 * measured);
    EXPECT_GE(static_cast<double>(found.times.finish), found.bound_ps);
    EXPECT_THAT(found.binding.resource, HasSubstr("order and latency"));
}

TEST_F(WorkRunTest, SixtyThousandTransfersAtOnce) {
    for (int i = 0; i < 65'536; ++i) {
        graph.transfer(ce, 64);
    }
    const auto& times = run().times;
    EXPECT_EQ(times.fault, "");
    EXPECT_EQ(std::count(times.over.begin(), times.over.end(), sim::WorkTimes::kNever), 0);
}

TEST_F(WorkRunTest, CircleIsRefused) {
    const auto one = graph.compute(1), two = graph.compute(1);
    graph.order(one, two);
    graph.order(two, one);
    EXPECT_THAT(run().times.fault, HasSubstr("waits for itself"));
}

TEST_F(WorkRunTest, ReportsSayWhatCameOfIt) {
    work->size_bytes = 1 << 20;
    work->bus_factor = 1.5;
    graph.transfer(ce, 1 << 20);
    const auto& found = run();
    const double algbw = (1 << 20) * 1e12 / static_cast<double>(found.times.finish);
    EXPECT_DOUBLE_EQ(found.algbw(*work), algbw);
    EXPECT_DOUBLE_EQ(found.busbw(*work), 1.5 * algbw);
    EXPECT_THAT(sim::work_text(result), HasSubstr(sim::in_exact_time(static_cast<double>(found.times.finish))));
    const auto json = sim::work_json(*work, found);
    EXPECT_EQ(json["times"].size(), 1u);
    EXPECT_NEAR(json["algbw_GB_per_s"], algbw / 1e9, 1e-9);
}

} // namespace
