// Policies in a whole machine, natively by tenant and in VMs, and what a faulty policy is told.
#include "tests/run/program.h"

#include <fmt/format.h>

namespace {

using testing::HasSubstr;

/// One Grace serves two Blackwells over a C2C each, and its own cores: 450 GB/s of LPDDR5X for 200 + 200 + 400 GB/s.
std::string tray(const std::string& sharing, const std::string& tenants = "a b c") {
    const auto tenant = [&](unsigned i) { return tenants.empty() ? "" : fmt::format(", tenant: {}", tenants[2 * i]); };
    return fmt::format("scenario: tray\n"
                       "machine: gb200-tray\n"
                       "software:\n"
                       "  sharing:\n{}"
                       "measurement: {{time_max: 200 us}}\n"
                       "traffic:\n"
                       "  - group: all\n"
                       "    streams:\n"
                       "      - {{from: blackwell0.sm, op: read, source: grace0.egm{}}}\n"
                       "      - {{from: blackwell1.sm, op: read, source: grace0.egm{}}}\n"
                       "      - {{from: grace0.cpu, op: read, source: grace0.system{}}}\n",
                       sharing, tenant(0), tenant(1), tenant(2));
}

struct SharingRunTest : ProgramTest {
    /// GB/s of each stream of the first group, natively or in the VMs.
    std::vector<double> rates(const std::string& scenario, std::size_t setting = 0) {
        const Answer answer = run({"run", file("s.yaml", scenario), "--json", path("s.json"), "--quiet"});
        EXPECT_EQ(answer.status, 0) << answer.err;
        std::vector<double> found;
        const auto result = parse(read(path("s.json")));
        for (const auto& stream : result["traffic"][setting]["streams"]) {
            found.push_back(stream["value"].get<double>());
        }
        return found;
    }
    std::string complaint(const std::string& scenario) {
        const Answer answer = run({"check", file("s.yaml", scenario)});
        EXPECT_EQ(answer.status, 2);
        return answer.err;
    }
};

TEST_F(SharingRunTest, WeightsDivideAMemoryThatAllWaitFor) {
    // 450 GB/s by 1 : 1 : 2, of which nobody's path or window is the narrower: 200.8, 200.8 and 408 alone.
    const auto got = rates(tray("    - {at: lpddr0, policy: weighted-fair, weights: {a: 1, b: 1, c: 2}}\n"));
    const double sum = got[0] + got[1] + got[2];
    EXPECT_NEAR(got[0] / sum, 0.25, 0.0025);
    EXPECT_NEAR(got[1] / sum, 0.25, 0.0025);
    EXPECT_NEAR(got[2] / sum, 0.50, 0.005);
}

TEST_F(SharingRunTest, WhatAWeightCannotUseGoesToOthers) {
    // 3 of 5 parts would be 270 GB/s; the first GPU's C2C carries 200.8. The others share the rest.
    const auto got = rates(tray("    - {at: lpddr0, policy: weighted-fair, weights: {a: 3, b: 1, c: 1}}\n"));
    const auto alone = rates(tray("    - {at: lpddr0, policy: strict-priority, priorities: {a: 1}}\n"));
    EXPECT_NEAR(got[0], alone[0], 0.01 * alone[0]);
    EXPECT_NEAR(got[1], got[2], 0.01 * got[1]);
    EXPECT_GT(got[0] + got[1] + got[2], 440);
}

TEST_F(SharingRunTest, CapsHoldAtMemoryAndLink) {
    const auto got = rates(tray("    - {at: lpddr0, policy: rate-cap, caps: {c: 60 GB/s}}\n"
                                "    - {at: c2c, policy: rate-cap, caps: {b: 50 GB/s}}\n"));
    EXPECT_NEAR(got[1], 50, 0.0025 * 50);
    EXPECT_NEAR(got[2], 60, 0.0025 * 60);
    EXPECT_LE(got[1], 50.01);
    EXPECT_LE(got[2], 60.01);
}

TEST_F(SharingRunTest, PartitionKeepsAMinimum) {
    const auto got = rates(tray("    - {at: memory, policy: bandwidth-partition, minimums: {a: 190 GB/s}}\n"));
    EXPECT_GE(got[0], 189);
    EXPECT_GT(got[0] + got[1] + got[2], 440);
}

TEST_F(SharingRunTest, TenantsAreVmsNativelyAndInTheirVms) {
    const std::string scenario = "scenario: vms\n"
                                 "machine: gh200-quad\n"
                                 "software:\n"
                                 "  vms:\n"
                                 "    - {name: left, memory: [{of: grace0.egm}], gpus: [hopper0]}\n"
                                 "    - {name: right, memory: [{of: grace1.egm}], gpus: [hopper1]}\n"
                                 "  sharing:\n"
                                 "    - {at: c2c, policy: rate-cap, caps: {right: 77 GB/s}}\n"
                                 "measurement: {time_max: 100 us}\n"
                                 "traffic:\n"
                                 "  - group: both\n"
                                 "    streams:\n"
                                 "      - {from: hopper0.sm, op: read, source: grace0.egm}\n"
                                 "      - {from: hopper1.sm, op: read, source: grace1.egm}\n";
    for (const std::size_t setting : {0u, 1u}) {
        const auto got = rates(scenario, setting);
        EXPECT_GT(got[0], 300) << setting;
        EXPECT_NEAR(got[1], 77, 0.0025 * 77) << setting;
    }
}

TEST_F(SharingRunTest, SamePolicySameBytes) {
    const std::string scenario = tray("    - {at: [lpddr0, c2c], policy: weighted-fair, weights: {a: 3, b: 1}}\n");
    const std::string first = (rates(scenario), read(path("s.json")));
    EXPECT_EQ((rates(scenario), read(path("s.json"))), first);
}

TEST_F(SharingRunTest, FluidRefusesWhatItDoesNotKnow) {
    const Answer answer =
        run({"run", file("s.yaml", tray("    - {at: lpddr0, policy: weighted-fair, weights: {a: 3}}\n")), "--fidelity",
             "fluid"});
    EXPECT_EQ(answer.status, 2);
    EXPECT_THAT(answer.err, HasSubstr("s.yaml:5:7: error: --fidelity fluid knows no sharing policies"));
}

TEST_F(SharingRunTest, FaultyPoliciesAreToldAllAtOnce) {
    const std::string said =
        complaint(tray("    - {at: lpdr0, policy: weighted-fair, weights: {a: 3}}\n"
                       "    - {at: c2c0, policy: weighted-fare, weights: {a: 3}}\n"
                       "    - {at: c2c1, policy: first-come, weights: {a: 3}}\n"
                       "    - {at: c2c1, policy: weighted-fair}\n"
                       "    - {at: c2c2, policy: rate-cap, caps: {a: 3}}\n"
                       "    - {at: c2c3, policy: bandwidth-partition, minimums: {a: 3 GB/s}}\n"
                       "    - {at: lpddr1, policy: bandwidth-partition, minimums: {a: 900 GB/s}}\n"));
    EXPECT_THAT(said, HasSubstr("5:12: error: sharing 0: at: \"lpdr0\" is no link, memory or switch, and no kind of "
                                "them; did you mean \"lpddr0\"?"));
    EXPECT_THAT(said, HasSubstr("\"weighted-fare\" is not known; did you mean \"weighted-fair\"?"));
    EXPECT_THAT(said, HasSubstr("sharing 2: weights holds with policy weighted-fair only"));
    EXPECT_THAT(said, HasSubstr("sharing 3: at: c2c1 has a policy already"));
    EXPECT_THAT(said, HasSubstr("sharing 3: no weights"));
    EXPECT_THAT(said, HasSubstr("\"3\" has no unit"));
    EXPECT_THAT(said, HasSubstr("bandwidth-partition holds at memories"));
    EXPECT_THAT(said, HasSubstr("come to 900 GB/s, more than the"));
}

TEST_F(SharingRunTest, TenantThatNobodyIsIsTold) {
    EXPECT_THAT(complaint(tray("    - {at: lpddr0, policy: weighted-fair, weights: {aa: 3, b: 1}}\n")),
                HasSubstr("sharing 0: \"aa\" is no VM, and no stream's tenant"));
}

} // namespace
