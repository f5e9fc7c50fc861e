// What a spread costs, put together from parts of walks: is it what a walk to each place, one by one, would give?
#include "tests/run/planning_test.h"

#include <algorithm>
#include <map>

#include "sim/static_bound.h"

namespace {

struct SpreadBoundTest : PlanningTest {
    std::vector<sim::PlannedStream> planned;

    void plan_all(const std::string& text) {
        load(text);
        sim::StreamPlanner planner(*scenario, *machine);
        for (const sim::Stream& stream : scenario->groups.at(0).streams) {
            auto one = planner.plan(stream, nullptr);
            ASSERT_TRUE(one) << one.error();
            planned.push_back(std::move(*one));
        }
    }
    /// Each place of the stream's leg walked by itself: the sum over all, a byte, and the mean latency.
    std::pair<std::map<std::uint32_t, double>, double> walked(const sim::PlannedStream& stream) {
        const models::Leg& leg = stream.job.write ? *stream.job.write : stream.job.reads.at(0);
        const auto bytes = static_cast<double>(stream.job.burst_bytes);
        const auto places = static_cast<double>(leg.places());
        std::map<std::uint32_t, double> uses;
        double latency = 0;
        for (std::size_t i = 0; i < leg.places(); ++i) {
            const models::PathTrace path = stream.engine->trace_path(leg.place(i), stream.job.burst_bytes);
            for (const auto& use : path.uses) {
                uses[machine->index_of(use.server)] += use.picoseconds / bytes / places;
            }
            for (const auto& hold : path.holds) {
                uses[machine->index_of(hold.pool)] +=
                    hold.byte_picoseconds / static_cast<double>(hold.pool->limit_bytes()) / bytes / places;
            }
            latency += static_cast<double>(path.latency) / places;
        }
        return {uses, latency};
    }
    void expect_same() {
        const auto bounds = sim::static_bounds(planned, *machine);
        for (std::size_t i = 0; i < planned.size(); ++i) {
            const auto [uses, latency] = walked(planned[i]);
            EXPECT_NEAR(bounds[i].latency_ps, latency, latency * 1e-9);
            for (const auto& [resource, picoseconds] : bounds[i].uses) {
                ASSERT_TRUE(uses.count(resource)) << machine->resources()[resource].name;
                EXPECT_NEAR(picoseconds, uses.at(resource), uses.at(resource) * 1e-9)
                    << machine->resources()[resource].name;
            }
            // What is not there is used like one of its entry that is.
            for (const auto& [resource, picoseconds] : uses) {
                const unsigned entry = machine->provenance(resource).number;
                EXPECT_TRUE(std::any_of(bounds[i].uses.begin(), bounds[i].uses.end(), [&](const sim::ResourceUse& use) {
                    return machine->provenance(use.first).number == entry &&
                           std::abs(use.second - picoseconds) < picoseconds * 1e-9;
                })) << machine->resources()[resource].name;
            }
        }
    }
};

std::string spread(const std::string& machine, const std::string& from, const std::string& rest) {
    return "scenario: s\nmachine: " + machine + "\ntraffic:\n  - fan_in: f\n    from: " + from + "\n" + rest;
}

TEST_F(SpreadBoundTest, OnDirectLinks) {
    plan_all(spread("gh200-quad", "hopper[0..3].sm", "    op: read\n    source: {spread: \"grace[0..3].egm\"}\n"));
    expect_same();
}

TEST_F(SpreadBoundTest, OverOneLevelOfSwitches) {
    plan_all(spread("gb200-nvl72", "[blackwell3.sm, blackwell70.sm]",
                    "    op: read\n    source: {spread: \"grace[0..35].egm\", own: false, windows: all}\n"));
    expect_same();
}

TEST_F(SpreadBoundTest, OverTwoLevels) {
    plan_all(
        spread("dgx-gh200-256", "[hopper0.sm, hopper101.sm]",
               "    op: read\n    source: {spread: [\"grace[0..15].egm\", \"hopper[90..120].hbm\"], own: false}\n"));
    expect_same();
}

TEST_F(SpreadBoundTest, OfWritesWhichAreAcknowledgedEarly) {
    plan_all(spread("dgx-gh200-256", "[hopper7.sm]",
                    "    op: write\n    target: {spread: \"grace[0..31].egm\", own: false}\n"));
    expect_same();
}

TEST_F(SpreadBoundTest, AroundADeadLink) {
    plan_all(spread("{topology: gb200-nvl72, set: {nvl5-3.down: true}}", "[blackwell4.sm, blackwell5.sm]",
                    "    op: read\n    source: {spread: \"blackwell[0..71].hbm\", own: false}\n"));
    expect_same();
}

} // namespace
