// Workloads, traces and comparisons as a user runs them: do their figures follow from the machine's, and does a replay
// keep the trace's times?
#include <fstream>

#include <fmt/format.h>

#include "tests/run/program.h"

namespace {

using testing::HasSubstr;

struct WorkloadTest : ProgramTest {
    nlohmann::json works(const std::string& machine, const std::string& entries, int status = 0) const {
        const Answer answer = run({"run", file("w.yaml", "scenario: w\nmachine: " + machine + "\ntraffic:\n" + entries),
                                   "--quiet", "--json", "-"});
        EXPECT_EQ(answer.status, status) << answer.err;
        return parse(answer.out)["traffic"];
    }
    static double figure(const nlohmann::json& group, const std::string& name) {
        for (const auto& one : group["work"]["figures"]) {
            if (one["name"] == name) {
                return one["value"];
            }
        }
        ADD_FAILURE() << "no figure " << name << " in " << group["work"];
        return 0;
    }
};

TEST_F(WorkloadTest, DecodeIsAsFastAsTheCopyEngineReadsWeightsOrAsComputingGoes) {
    const std::string entry =
        "  - {{workload: decode, name: {}, gpus: hopper0, layers: 8, layer_size: 8 MiB, tokens: 2, "
        "compute_rate: {}}}\n";
    const auto groups = works("gh200-quad", fmt::format(fmt::runtime(entry), "loads", "3 TB/s") +
                                                fmt::format(fmt::runtime(entry), "computes", "50 GB/s") +
                                                "  - group: copy\n    streams: [{from: hopper0.ce, op: copy, source: "
                                                "grace0.egm, target: hopper0.hbm}]\n");
    const double layer = 8 << 20;
    const double copy = groups[2]["streams"][0]["value"].get<double>() * 1e9; // bytes a second
    // 16 loads one after the other, and computing on the last; each load begins when the last byte of the one before is
    // there, so that a round trip of a microsecond or so comes to each: 5 %.
    const double loads = 16 * layer / copy + layer / 3e12;
    EXPECT_NEAR(groups[0]["work"]["finish_ns"].get<double>() / (loads * 1e9), 1, 0.07);
    EXPECT_NEAR(figure(groups[0], "decoded"), 2e9 / groups[0]["work"]["finish_ns"].get<double>(), 1e-6);
    // Computing hides all loads but the first.
    const double computes = layer / copy + 16 * layer / 50e9;
    EXPECT_NEAR(groups[1]["work"]["finish_ns"].get<double>() / (computes * 1e9), 1, 0.01);
    EXPECT_GT(figure(groups[1], "SMs compute"), 98);
}

TEST_F(WorkloadTest, FetchesFromOneCrowdedGraceTakeLongerThanFromMany) {
    const std::string entry = "  - {{workload: kv-cache, name: {}, gpus: \"hopper[0..3]\", memory: {}, block: 256 KiB, "
                              "requests: 16, concurrency: 2}}\n";
    const auto groups = works("gh200-nvl32", fmt::format(fmt::runtime(entry), "one", "grace8.egm") +
                                                 fmt::format(fmt::runtime(entry), "many", "\"grace[8..15].egm\""));
    // Eight blocks under way at once share one C2C, or mostly have one each.
    EXPECT_GT(figure(groups[0], "fetch p50"), 2 * figure(groups[1], "fetch p50"));
    EXPECT_GE(figure(groups[1], "fetch p99"), figure(groups[1], "fetch p50"));
    EXPECT_GE(figure(groups[1], "fetch max"), figure(groups[1], "fetch p99"));
    for (const auto& group : groups) {
        EXPECT_LE(group["work"]["share_of_bound"], 1.0001);
    }
}

TEST_F(WorkloadTest, HotRowsGatherFasterThanColdOnes) {
    const std::string entry = "  - {{workload: embedding, name: {}, gpus: hopper0, row: 512 B, rows: 4096, batches: 2, "
                              "table: 1 GiB, hit_rate: {} %}}\n";
    const auto groups =
        works("gh200", fmt::format(fmt::runtime(entry), "hot", 100) + fmt::format(fmt::runtime(entry), "cold", 0));
    EXPECT_GT(figure(groups[0], "looked up"), 2 * figure(groups[1], "looked up"));
}

TEST_F(WorkloadTest, ATraceOfFarApartAccessesHasTheirIdleLatency) {
    // Ten reads of 64 KiB, 100 us apart: each finds an idle machine, so all take the same, and the last is over that
    // long after its time.
    std::string trace = "time_us,initiator,op,memory,offset,bytes\n";
    for (int i = 0; i < 10; ++i) {
        trace += fmt::format("{},hopper0.sm,read,grace0.egm,{},65536\n", 100 * i, i << 21);
    }
    file("t.csv", trace);
    const auto groups = works("gh200", "  - trace: t.csv\n");
    const double p50 = figure(groups[0], "latency p50"), max = figure(groups[0], "latency max");
    EXPECT_GT(p50, 700); // more than an access of one line, CAL-025
    EXPECT_LT(p50, 3000);
    EXPECT_LE(max, p50 * 1.5); // the first misses the TLB, as each of a new page does
    EXPECT_EQ(figure(groups[0], "issued behind its time max"), 0);
    EXPECT_NEAR(groups[0]["work"]["finish_ns"].get<double>(),
                900'000 + figure(groups[0], "over after the last access's time"), 1);
    EXPECT_EQ(groups[0]["work"]["moved_bytes"], 10 * 65536);
}

TEST_F(WorkloadTest, ATraceThatAsksTooMuchFallsBehind) {
    // A thousand reads of 1 MiB within a microsecond: 1 GiB at 420 GB/s or so takes 2.5 ms.
    std::string trace = "time_ns,initiator,op,memory,offset,bytes\n";
    for (int i = 0; i < 256; ++i) {
        trace += fmt::format("{},hopper0.sm,read,grace0.egm,{},1048576\n", i, i << 20);
    }
    file("t.csv", trace);
    const auto groups = works("gh200", "  - {trace: t.csv, in_flight: 16}\n");
    const double finish = groups[0]["work"]["finish_ns"];
    EXPECT_NEAR(groups[0]["work"]["algbw_GB_per_s"].get<double>(), 420, 25);
    EXPECT_GT(figure(groups[0], "issued behind its time max"), finish * 0.8) << "240 of 256 wait for their turn";
    EXPECT_GT(figure(groups[0], "latency p99"), figure(groups[0], "issued behind its time p99"));
    EXPECT_THAT(groups[0]["work"]["binding"]["resource"].get<std::string>(), HasSubstr("c2c0"));
}

TEST_F(WorkloadTest, ATracesFaultsAreToldBeforeAnythingRuns) {
    file("t.csv", "time_ns,initiator,op,memory,offset,bytes\n1,hopper7.sm,read,grace0.egm,0,64\n"
                  "2,hopper0.sm,read,grace0.egm,17592186000000,64\n3,hopper0.sm,load,grace0.egm,0,64\n");
    const Answer answer = run({"check", file("w.yaml", "scenario: w\nmachine: gh200\ntraffic:\n  - trace: t.csv\n")});
    EXPECT_EQ(answer.status, 2);
    EXPECT_THAT(answer.err, HasSubstr("t.csv:4:1: error: op \"load\" is not known"));
    EXPECT_THAT(answer.err, HasSubstr("t.csv:3:1: error: access: working_set does not fit grace0.egm"));
    EXPECT_THAT(answer.err, HasSubstr("t.csv:2:1: error: access: from: \"hopper7.sm\" is no initiator"));
    EXPECT_EQ(run({"check", file("w.yaml", "scenario: w\nmachine: gh200\ntraffic:\n  - trace: no.csv\n")}).status, 2);
}

TEST_F(WorkloadTest, TheLegacyJobStandsBesideTheEgmJob) {
    const Answer answer =
        run({"compare", shipped("egm-job.yaml"), shipped("legacy-job.yaml"), "--json", path("c.json")});
    EXPECT_EQ(answer.status, 0) << answer.err;
    EXPECT_THAT(answer.out, HasSubstr("gh200-nvl32"));
    EXPECT_THAT(answer.out, HasSubstr("hgx-h100-pair"));
    EXPECT_THAT(answer.out, HasSubstr("legacy-job: limited by "));
    const auto json = parse(read(path("c.json")));
    EXPECT_EQ(json["schema_version"], 1);
    double tokens = 0;
    for (const auto& row : json["rows"]) {
        ASSERT_EQ(row["values"].size(), 2u);
        EXPECT_FALSE(row["values"][0].is_null()) << row;
        EXPECT_FALSE(row["values"][1].is_null()) << row << ": both have every figure";
        if (row["name"] == "decoded") {
            tokens = row["values"][0]["value"].get<double>() / row["values"][1]["value"].get<double>();
        }
    }
    // Four layers in eight are loaded, by PCIe at 57 GB/s instead of by C2C at 300 GB/s and more.
    EXPECT_GT(tokens, 3);
    EXPECT_EQ(json["results"][1]["machine"], "hgx-h100-pair");
}

TEST_F(WorkloadTest, WhatCannotBeComparedIsRefused) {
    EXPECT_EQ(run({"compare", shipped("egm-job.yaml")}).status, 2);
    EXPECT_EQ(run({"compare", shipped("egm-job.yaml"), path("none.yaml")}).status, 2);
}

} // namespace
