// egmsim run --sensitivity: how far do results move over the ranges of assumed figures?
#include "tests/run/program.h"

#include <cmath>

namespace {

using nlohmann::json;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr double kExact = 1e-6;

struct SensitivityTest : ProgramTest {
    json vary(const std::string& scenario, std::vector<std::string> more = {}) const {
        more.insert(more.begin(), {"run", file("s.yaml", scenario), "--sensitivity", "--quiet", "--json", "-"});
        const Answer answer = run(more);
        EXPECT_EQ(answer.status, 0) << answer.err;
        return parse(answer.out);
    }
    static json result(const json& answer, const std::string& name, const std::string& setting) {
        for (const json& each : answer["results"]) {
            if (each["name"] == name && each["setting"] == setting) {
                return each;
            }
        }
        ADD_FAILURE() << "no result " << name << " in " << answer;
        return json::object();
    }
    static json move(const json& result, const std::string& figure) {
        for (const json& each : result["moves"]) {
            if (each["figure"] == figure) {
                return each;
            }
        }
        ADD_FAILURE() << "not moved by " << figure << ": " << result;
        return json::object();
    }
};

const std::string kChase = "scenario: chase\nmachine: gh200\ntraffic:\n  - each_alone: chases\n    streams:\n"
                           "      - {name: ATS, from: hopper0.sm, op: pointer-chase, source: grace0.system}\n"
                           "      - {name: HBM, from: hopper0.sm, op: pointer-chase, source: hopper0.hbm}\n";

TEST_F(SensitivityTest, AChaseMovesByTheShareOfItsPathThatIsAssumed) {
    const json answer = vary(kChase);
    const json ats = result(answer, "ATS", "native");
    const double nominal = ats["value"];
    EXPECT_NEAR(nominal, 818.3, 0.5); // 707 + request 90 + TLB 11 + one table access 10
    // Every access asks the SMMU, so each range goes straight into the latency: 90 -> 50 and 100 ns, 11 -> 5 and 50 ns.
    EXPECT_NEAR(move(ats, "hopper-gh200 ats_request_latency")["at_low"], nominal - 40, 0.1);
    EXPECT_NEAR(move(ats, "hopper-gh200 ats_request_latency")["at_high"], nominal + 10, 0.1);
    EXPECT_NEAR(move(ats, "grace smmu.tlb_latency")["at_low"], nominal - 6, 0.1);
    EXPECT_NEAR(move(ats, "grace smmu.tlb_latency")["at_high"], nominal + 39, 0.1);
    // Sorted by effect: -40 ns before +39 ns; together the roots of the sums of squares.
    EXPECT_EQ(ats["moves"][0]["figure"], "hopper-gh200 ats_request_latency");
    double down = 0, up = 0;
    for (const json& each : ats["moves"]) {
        const double low = each["at_low"].get<double>() / nominal - 1,
                     high = each["at_high"].get<double>() / nominal - 1;
        down += std::pow(std::min({low, high, 0.0}), 2);
        up += std::pow(std::max({low, high, 0.0}), 2);
    }
    EXPECT_NEAR(ats["down"], -std::sqrt(down), kExact);
    EXPECT_NEAR(ats["up"], std::sqrt(up), kExact);
    // What is calibrated alone rests on none of them, and figures of engines that do not run have no effect.
    EXPECT_TRUE(result(answer, "HBM", "native")["moves"].empty());
    EXPECT_THAT(answer["without_effect"],
                AllOf(Contains("hopper-gh200 copy_engine.window"), Contains("grace smmu.walkers"),
                      Not(Contains("grace smmu.tlb_latency"))));
    EXPECT_EQ(answer["runs_done"], answer["runs"]);
    EXPECT_EQ(answer["runs"], 1 + 2 * answer["figures"].size());
    for (const json& figure : answer["figures"]) { // bare metal: no costs of calls
        EXPECT_NE(figure["preset"], "kernel");
        EXPECT_NE(figure["why"], "");
    }
}

TEST_F(SensitivityTest, AStartOfAVmMovesWithTheCostsOfItsCalls) {
    const json answer = vary("scenario: start\nmachine: gh200\nsoftware:\n"
                             "  vms: [{name: vm0, memory: [{of: grace0.egm}], gpus: [hopper0]}]\n");
    const json ready = result(answer, "vm0 ready", "bring-up");
    const double nominal = ready["value"];
    // 104 GiB scrubbed at 8 or 43 instead of 20 GB/s; a reset of 5 s instead of 0.1 s.
    const double bytes = 104.0 * 1024 * 1024 * 1024;
    EXPECT_NEAR(move(ready, "kernel scrub_bandwidth")["at_low"], nominal + bytes / 8 - bytes / 20, 10);
    EXPECT_NEAR(move(ready, "kernel scrub_bandwidth")["at_high"], nominal + bytes / 43 - bytes / 20, 10);
    EXPECT_NEAR(move(ready, "kernel device_reset")["at_high"], nominal + 4.9e9, 10);
    for (const json& figure : answer["figures"]) { // no traffic: no figures of hardware
        EXPECT_EQ(figure["preset"], "kernel");
    }
}

TEST_F(SensitivityTest, WhatTheMachineOrTheScenarioSetsIsNotVaried) {
    const json answer =
        vary(kChase + "software:\n  compare_native: true\n"
                      "  vms: [{name: vm0, memory: [{of: grace0.egm}], gpus: [hopper0]}]\n"
                      "  kernel: {costs: {scrub_bandwidth: 30 GB/s}}\n",
             {"--set", "machine.hopper0.ats_request_latency=75 ns", "--set", "machine.grace0.smmu.tlb_latency=20 ns"});
    EXPECT_THAT(answer["not_varied"],
                AllOf(Contains("hopper-gh200 ats_request_latency"), Contains("grace smmu.tlb_latency"),
                      Contains("kernel scrub_bandwidth"), Not(Contains("grace smmu.walk_access"))));
    for (const json& each : answer["results"]) {
        for (const json& one : each["moves"]) {
            EXPECT_NE(one["figure"], "kernel scrub_bandwidth");
        }
    }
    EXPECT_NEAR(move(result(answer, "ATS", "native"), "grace smmu.walk_access")["at_high"],
                result(answer, "ATS", "native")["value"].get<double>() + 40, 0.2); // one leaf, 10 -> 50 ns
}

TEST_F(SensitivityTest, EveryPartOfAPresetMovesAtOnce) {
    // Two hosts' requests, each through its own SMMU: both move, as one figure.
    const json answer = vary("scenario: two\nmachine: gh200-quad\ntraffic:\n  - group: both\n    streams:\n"
                             "      - {name: a, from: hopper0.sm, op: pointer-chase, source: grace0.system}\n"
                             "      - {name: b, from: hopper3.sm, op: pointer-chase, source: grace3.system}\n");
    for (const char* name : {"a", "b"}) {
        const json one = result(answer, name, "native");
        EXPECT_NEAR(move(one, "grace smmu.tlb_latency")["at_high"], one["value"].get<double>() + 39, 0.1) << name;
    }
}

TEST_F(SensitivityTest, TheTextTellsTheSame) {
    const std::string scenario = file("s.yaml", kChase);
    const Answer text = run({"run", scenario, "--sensitivity"});
    EXPECT_EQ(text.status, 0) << text.err;
    EXPECT_THAT(text.out, AllOf(HasSubstr("ATS, native"), HasSubstr("all together -5.0 % to +6.9 %"),
                                HasSubstr("Without effect on any result here:")));
    EXPECT_EQ(run({"run", scenario, "--sensitivity"}).out, text.out);
}

TEST_F(SensitivityTest, TheFluidModelCanBeAsked) { // whose translations hit: 707 ns, and no ATS
    const Answer text = run({"run", file("s.yaml", kChase), "--sensitivity", "--fidelity", "fluid"});
    EXPECT_EQ(text.status, 0) << text.err;
    EXPECT_THAT(text.out, AllOf(HasSubstr("fidelity fluid"), HasSubstr("Moved by none of them"),
                                HasSubstr("ATS, native (707 ns)")));
}

TEST_F(SensitivityTest, AFailedRunIsNotAnEffect) {
    const Answer corrupted = run({"run", shipped("fault-offset.yaml"), "--sensitivity"});
    EXPECT_EQ(corrupted.status, 3);
    EXPECT_THAT(corrupted.err, HasSubstr("is corrupted"));
    EXPECT_EQ(corrupted.out, "");
    // 64 cores are asked for, and at its low end the range of cores has 32 of them: not possible, with the reason.
    const json answer = vary("scenario: x86\nmachine: {topology: hgx-h100, set: {\"x86-[0..1].cores\": 56}}\ntraffic:\n"
                             "  - group: g\n    streams:\n"
                             "      - {name: r, from: x86-0.cpu, op: read, source: x86-0.system, threads: 48}\n");
    EXPECT_THAT(answer["not_possible"], Contains(AllOf(HasSubstr("x86 cores at 32"), HasSubstr("threads"))));
}

TEST_F(SensitivityTest, InterruptedItTellsWhatIsKnown) {
    const Answer answer = run({"run", shipped("egm-vs-ats.yaml"), "--sensitivity", "--progress"}, "6 of ");
    EXPECT_EQ(answer.status, 130);
    EXPECT_THAT(answer.out, AllOf(HasSubstr("Interrupted: "), HasSubstr("Columns: ")));
}

} // namespace
