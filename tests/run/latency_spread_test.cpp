// The spread of a stream's latency: does the report tell how far the accesses are apart?
#include "tests/run/program.h"

namespace {

using testing::HasSubstr;

struct LatencySpreadTest : ProgramTest {
    Answer run_streams(const std::string& streams, std::vector<std::string> options) {
        options.insert(options.begin(),
                       {"run", file("one.yaml", "scenario: one\nmachine: gh200\nmeasurement: {time_max: 60 us}\n"
                                                "traffic:\n  - group: one\n    streams:\n" +
                                                    streams)});
        Answer answer = run(options);
        EXPECT_EQ(answer.status, 0) << answer.err;
        return answer;
    }
    nlohmann::json stream(const std::string& streams, const std::string& fidelity) {
        return parse(run_streams(streams, {"--json", "-", "--fidelity", fidelity}).out)["traffic"][0]["streams"][0];
    }
};

TEST_F(LatencySpreadTest, LonelyChaseTakesTheSameTimeEachTime) {
    // One load at a time in an idle machine: no access can be shorter or longer than another.
    const auto chase = stream("      - {from: hopper0.sm, op: pointer-chase, source: grace0.egm, working_set: 4 GiB}\n",
                              "transaction");
    const auto spread = chase["latency_spread_ns"];
    const double mean = chase["latency_under_load_ns"];
    for (const char* one : {"p50", "p90", "p99", "max"}) {
        EXPECT_NEAR(spread[one], mean, 0.002) << one << ": servers carry parts of a picosecond over";
    }
}

TEST_F(LatencySpreadTest, UnderLoadTheQuantilesAreInOrderAndAroundTheMean) {
    const auto read = stream("      - {from: hopper0.sm, op: read, source: hopper0.hbm}\n", "transaction");
    const auto spread = read["latency_spread_ns"];
    const double mean = read["latency_under_load_ns"];
    EXPECT_LT(spread["p50"], spread["p90"]);
    EXPECT_LT(spread["p90"], spread["p99"]);
    EXPECT_LT(spread["p99"], spread["max"]);
    EXPECT_LT(mean, spread["p99"]);
    // Half of the accesses take at least p50, so the mean is at least half of it.
    EXPECT_GT(mean, spread["p50"].get<double>() / 2);
}

TEST_F(LatencySpreadTest, FluidAndBoundMeasureNoneAndSayNone) {
    const std::string streams = "      - {from: hopper0.sm, op: read, source: hopper0.hbm}\n";
    for (const std::string fidelity : {"fluid", "bound"}) {
        EXPECT_FALSE(stream(streams, fidelity).contains("latency_spread_ns")) << fidelity;
    }
    EXPECT_THAT(run_streams(streams, {}).out, HasSubstr("    an access takes "));
}

} // namespace
