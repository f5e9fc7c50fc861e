// Links and switches that break while traffic runs: does it dip, go on over what is left, and end in words where
// nothing is?
#include "tests/run/program.h"

#include <fmt/format.h>

namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// One GPU reads another's HBM over 18 links of 50 GB/s x 98 %, 128 B of data behind 16 B of header: 784 GB/s.
constexpr double kWhole = 18 * 50 * 0.98 * 128 / 144;

struct TimedFaultsTest : ProgramTest {
    /// Two pairs on a rack; what breaks touches the first.
    Answer pairs(const std::string& faults) {
        return run(
            {"run",
             file("s.yaml", fmt::format("scenario: s\nmachine: gb200-nvl72\ntraffic:\n  - group: pairs\n    streams:\n"
                                        "      - {{from: blackwell0.sm, op: read, source: blackwell8.hbm}}\n"
                                        "      - {{from: blackwell20.sm, op: read, source: blackwell28.hbm}}\n"
                                        "faults:\n  detection: 10 us\n  retry: 20 us\n  events:\n{}",
                                        faults)),
             "--quiet", "--json", "-"});
    }
};

TEST_F(TimedFaultsTest, ALinkDiesRoutesFollowAndItComesBack) {
    const Answer answer = pairs("    - {down: nvl0-3, at: 50 us, until: 350 us}\n");
    ASSERT_EQ(answer.status, 0) << answer.err;
    const auto group = parse(answer.out)["traffic"][0];
    const auto& phases = group["phases"];
    ASSERT_EQ(phases.size(), 5u) << phases;
    EXPECT_EQ(phases[0]["what"], "before");
    EXPECT_EQ(phases[1]["what"], "nvl0-3 down");
    EXPECT_EQ(phases[2]["what"], "routes follow");
    EXPECT_EQ(phases[3]["what"], "nvl0-3 back");
    EXPECT_EQ(phases[4]["what"], "routes follow");
    const auto rate = [&](int phase, int stream) { return phases[phase]["streams_GB_per_s"][stream].get<double>(); };
    EXPECT_NEAR(rate(0, 0), kWhole, kWhole * 0.01);
    EXPECT_LT(rate(1, 0), kWhole * 0.97); // blocks wait for what was lost
    EXPECT_GT(phases[1]["lost_packets"], 0);
    EXPECT_NEAR(rate(2, 0), kWhole * 17 / 18, kWhole * 0.06); // the lost are sent again in the first 20 of 290 us
    EXPECT_EQ(phases[2]["lost_packets"], 0);
    EXPECT_NEAR(rate(4, 0), kWhole, kWhole * 0.01);
    for (int phase = 0; phase < 5; ++phase) {
        EXPECT_NEAR(rate(phase, 1), kWhole, kWhole * 0.02) << "the other pair has nothing to do with it";
    }
    for (const auto& stream : group["streams"]) {
        EXPECT_EQ(stream["bytes_sent"], stream["bytes_received"]);
    }
}

TEST_F(TimedFaultsTest, ASwitchDiesAndEverybodyHasSeventeenPlanesLeft) {
    const Answer answer = pairs("    - {down: nvswitch7, at: 50 us}\n"
                                "    - {down: nvl50-1, at: 300 us}\n"); // of others: it makes the phase before long
    ASSERT_EQ(answer.status, 0) << answer.err;
    const auto phases = parse(answer.out)["traffic"][0]["phases"];
    ASSERT_EQ(phases.size(), 5u);
    for (int stream = 0; stream < 2; ++stream) {
        EXPECT_NEAR(phases[0]["streams_GB_per_s"][stream], kWhole, kWhole * 0.01);
        EXPECT_NEAR(phases[2]["streams_GB_per_s"][stream], kWhole * 17 / 18, kWhole * 0.08);
    }
}

TEST_F(TimedFaultsTest, WhereNoWayIsLeftTheStreamEndsWithAFaultAndTheOthersGoOn) {
    const Answer answer = pairs("    - {down: \"nvl8-[0..17]\", at: 50 us}\n");
    EXPECT_EQ(answer.status, 3);
    EXPECT_THAT(answer.err, AllOf(HasSubstr("blackwell0 no longer reaches blackwell8 over NVLink: nvl8-[0..17] down"),
                                  Not(HasSubstr("blackwell20"))));
    const auto group = parse(answer.out)["traffic"][0];
    EXPECT_THAT(group["streams"][0]["fault"].get<std::string>(), HasSubstr("no longer reaches blackwell8"));
    EXPECT_NEAR(group["phases"][2]["streams_GB_per_s"][1], kWhole, kWhole * 0.02);
    EXPECT_EQ(group["phases"][2]["streams_GB_per_s"][0], 0);
}

TEST_F(TimedFaultsTest, LostLinksOfABundleMakeItNarrower) {
    // Two superchips of a quad are joined by six links; with two of them lost, two thirds are left, and no packet is
    // lost.
    const Answer answer = run({"run",
                               file("s.yaml", "scenario: s\nmachine: gh200-quad\ntraffic:\n  - group: g\n    streams:\n"
                                              "      - {from: hopper0.sm, op: read, source: hopper1.hbm}\n"
                                              "faults:\n  events:\n"
                                              "    - {lanes: nvl0-1, lost: 2, at: 60 us}\n"),
                               "--quiet", "--json", "-"});
    ASSERT_EQ(answer.status, 0) << answer.err;
    const auto phases = parse(answer.out)["traffic"][0]["phases"];
    ASSERT_EQ(phases.size(), 3u);
    EXPECT_EQ(phases[1]["what"], "nvl0-1 lost 2 links");
    EXPECT_NEAR(phases[2]["total_GB_per_s"].get<double>() / phases[0]["total_GB_per_s"].get<double>(), 4. / 6, 0.01);
    EXPECT_EQ(phases[1]["lost_packets"], 0);
}

/// GB/s of all streams, by phase.
std::vector<double> totals(const nlohmann::json& group) {
    std::vector<double> rates;
    for (const auto& phase : group["phases"]) {
        rates.push_back(phase["total_GB_per_s"]);
    }
    return rates;
}

TEST_F(TimedFaultsTest, LossesOfOneBundleAddUpUntilNothingIsLeft) {
    // Of six links two are lost, then two more, then the last two: nothing is left, and no way round.
    const Answer answer = run({"run",
                               file("s.yaml", "scenario: s\nmachine: gh200-quad\ntraffic:\n  - group: g\n    streams:\n"
                                              "      - {from: hopper0.sm, op: read, source: hopper1.hbm}\n"
                                              "faults:\n  events:\n"
                                              "    - {lanes: nvl0-1, lost: 2, at: 60 us}\n"
                                              "    - {lanes: nvl0-1, lost: 2, at: 150 us}\n"
                                              "    - {lanes: nvl0-1, lost: 2, at: 300 us}\n"),
                               "--quiet", "--json", "-"});
    EXPECT_EQ(answer.status, 3) << answer.err;
    EXPECT_THAT(answer.err, HasSubstr("hopper0 no longer reaches hopper1 over NVLink"));
    const auto rates = totals(parse(answer.out)["traffic"][0]);
    ASSERT_EQ(rates.size(), 7u);
    EXPECT_NEAR(rates[2] / rates[0], 4. / 6, 0.01);
    EXPECT_NEAR(rates[4] / rates[0], 2. / 6, 0.01);
    EXPECT_EQ(rates[6], 0);
}

TEST_F(TimedFaultsTest, ASwitchThatLosesALinkOfEachBundleStillPassesOn) {
    // 18 links a GPU, to four switches as 5, 5, 4 and 4: one of the first five is lost.
    const Answer answer = run({"run",
                               file("s.yaml", "scenario: s\nmachine: hgx-h100\ntraffic:\n  - group: g\n    streams:\n"
                                              "      - {from: h100-0.sm, op: read, source: h100-1.hbm}\n"
                                              "faults:\n  events:\n"
                                              "    - {lanes: nvswitch0, lost: 1, at: 60 us}\n"),
                               "--quiet", "--json", "-"});
    ASSERT_EQ(answer.status, 0) << answer.err;
    const auto group = parse(answer.out)["traffic"][0];
    EXPECT_NEAR(totals(group).at(2) / totals(group).at(0), 17. / 18, 0.01);
    EXPECT_EQ(group["phases"][2]["lost_packets"], 0);
}

TEST_F(TimedFaultsTest, RoutesKnowOnlyOfWhatHasBeenDetected) {
    // A link of the second pair dies at 50 us and is known of at 150 us; one of the first pair dies at 140 us and is
    // known of at 240 us: until then its packets are lost.
    const Answer answer = run({"run",
                               file("s.yaml", "scenario: s\nmachine: gb200-nvl72\ntraffic:\n  - group: pairs\n"
                                              "    streams:\n"
                                              "      - {from: blackwell0.sm, op: read, source: blackwell8.hbm}\n"
                                              "      - {from: blackwell20.sm, op: read, source: blackwell28.hbm}\n"
                                              "faults:\n  detection: 100 us\n  retry: 5 us\n  events:\n"
                                              "    - {down: nvl20-3, at: 50 us}\n"
                                              "    - {down: nvl0-3, at: 140 us}\n"),
                               "--quiet", "--json", "-"});
    ASSERT_EQ(answer.status, 0) << answer.err;
    const auto phases = parse(answer.out)["traffic"][0]["phases"];
    ASSERT_EQ(phases.size(), 5u) << phases;
    const auto lost = [&](int phase) { return phases[phase]["lost_packets"].get<double>(); };
    // As many a microsecond as when both links are dead: the second half of them, over 90 instead of 10 us.
    EXPECT_GT(lost(3), lost(1) / 2);
    EXPECT_EQ(lost(4), 0);
}

TEST_F(TimedFaultsTest, TheNextGroupFindsTheMachineWhole) {
    const std::string group = "    streams: [{from: blackwell0.sm, op: read, source: blackwell8.hbm}]\n";
    const Answer answer = run({"run",
                               file("s.yaml", "scenario: s\nmachine: gb200-nvl72\ntraffic:\n  - group: one\n" + group +
                                                  "  - group: two\n" + group +
                                                  "faults:\n  detection: 10 us\n  retry: 20 us\n  events:\n"
                                                  "    - {down: nvl0-3, at: 100 us}\n"),
                               "--quiet", "--json", "-"});
    ASSERT_EQ(answer.status, 0) << answer.err;
    const auto groups = parse(answer.out)["traffic"];
    ASSERT_EQ(groups.size(), 2u);
    for (const auto& one : groups) {
        EXPECT_NEAR(totals(one).at(0), kWhole, kWhole * 0.01) << one["group"];
        EXPECT_LT(totals(one).at(2), kWhole * 0.97) << one["group"];
    }
}

TEST_F(TimedFaultsTest, WhatCannotBreakIsRefusedInWords) {
    const std::pair<const char*, const char*> faults[] = {
        {"    - {down: c2c0, at: 50 us}\n", "\"c2c0\" is no NVLink; only links and switches"},
        {"    - {down: nvl0-30, at: 50 us}\n", "is no NVLink and no NVSwitch of this machine; did you mean"},
        {"    - {down: nvl0-3}\n", "no at; say when"},
        {"    - {down: nvl0-3, at: 1 us}\n", "\"1 us\" is too small"},
        {"    - {down: nvl0-3, at: 50 us, until: 40 us}\n", "until is not after \"at\""},
        {"    - {down: nvl0-3, lanes: nvl0-4, at: 50 us}\n", "names not one thing that breaks"},
        {"    - {lanes: nvl0-3, lost: 1, at: 50 us}\n", "1 is all of the 1 links of nvl0-3; write \"down\""},
    };
    for (const auto& [text, expected] : faults) {
        const Answer answer = pairs(text);
        EXPECT_EQ(answer.status, 2) << text;
        EXPECT_THAT(answer.err, HasSubstr(expected)) << text;
    }
}

} // namespace
