// Links and switches that break while traffic runs: does it dip, go on over what is left, and end in words where
// nothing is?
#include "tests/run/program.h"

#include <fmt/format.h>

namespace {

using testing::AllOf;
using testing::ContainsRegex;
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
    EXPECT_THAT(answer.err, AllOf(HasSubstr("blackwell0 no longer reaches blackwell8 over NVLink: nvl8-[0..17] down ("),
                                  HasSubstr("s.yaml:12)"), Not(HasSubstr("blackwell20"))));
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
                                              "    - {lanes: nvl2-3, lost: 2, at: 150 us}\n"
                                              "    - {lanes: nvl0-1, lost: 2, at: 300 us}\n"),
                               "--quiet", "--json", "-"});
    EXPECT_EQ(answer.status, 3) << answer.err;
    // Those that together leave nothing of nvl0-1, each with its line; nvl2-3 has four links left.
    const std::string lost = "nvl0-1 lost 2 links \\(.*s\\.yaml:";
    EXPECT_THAT(answer.err, ContainsRegex("hopper0 no longer reaches hopper1 over NVLink: " + lost + "9\\), " + lost +
                                          "10\\), " + lost + "12\\)\n"));
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

TEST_F(TimedFaultsTest, RoutesThatWouldDeadlockAreRefusedWithTheirEvent) {
    // Five switches around a hub, and a longer way from each to the next, which packets take once the hub is dead.
    const std::string machine = file("ring.yaml", R"(topology: ring
egm: false
parts:
  cpu: {preset: x86}
  ddr: {preset: ddr5-4800x8, at: cpu}
  gpu[0..4]: {preset: h100-sxm}
  hbm[0..4]: {preset: hbm3-80gb-h100, at: "gpu{0}"}
  sw[0..4]: {preset: nvswitch3}
  between[0..4][0..1]: {preset: nvswitch3}
  hub: {preset: nvswitch3}
links:
  pcie[0..4]: {preset: pcie5-x16, a: cpu, b: "gpu{0}"}
  nvl[0..4]: {preset: nvlink4, a: "gpu{0}", b: "sw{0}"}
  spoke[0..4]: {preset: nvlink4, a: "sw{0}", b: hub}
  out[0..4]: {preset: nvlink4, a: "sw{0}", b: "between{0}-0"}
  on[0..4]: {preset: nvlink4, a: "between{0}-0", b: "between{0}-1"}
  in[0..3]: {preset: nvlink4, a: "between{0}-1", b: "sw{0+1}"}
  closing: {preset: nvlink4, a: between4-1, b: sw0}
)");
    const auto check = [&](const std::string& event) {
        return run({"check", file("s.yaml", "scenario: s\nmachine: " + machine +
                                                "\ntraffic:\n  - group: g\n    streams:\n"
                                                "      - {from: gpu0.sm, op: read, source: gpu2.hbm}\n"
                                                "faults:\n  events:\n    - " +
                                                event + "\n")});
    };
    EXPECT_EQ(check("{down: out0, at: 50 us}").err, "");
    const Answer answer = check("{down: hub, at: 50 us, until: 90 us}");
    EXPECT_EQ(answer.status, 2);
    EXPECT_THAT(answer.err,
                AllOf(HasSubstr("s.yaml:9:7: error: faults: from 50 us on, with hub down, the routes can deadlock: "),
                      HasSubstr("out0 sw0>between0-0"), HasSubstr("wait for each other in a circle"),
                      Not(HasSubstr("back"))));
}

TEST_F(TimedFaultsTest, SwitchesThatChooseByTheDestinationStillDoAfterAFault) {
    // Two ways from leaf to leaf, of which a destination gets one: 25 GB/s x 94 %, 128 B of data behind 16 B of header.
    const std::string machine = file("leaves.yaml", R"(topology: leaves
egm: false
parts:
  cpu: {preset: x86}
  ddr: {preset: ddr5-4800x8, at: cpu}
  gpu[0..2]: {preset: h100-sxm}
  hbm[0..2]: {preset: hbm3-80gb-h100, at: "gpu{0}"}
  leaf[0..1]: {preset: nvswitch3, equal_ways: by_destination}
  spine[0..1]: {preset: nvswitch3, equal_ways: by_destination}
links:
  pcie[0..2]: {preset: pcie5-x16, a: cpu, b: "gpu{0}"}
  nvl[0..2]: {preset: nvlink4, count: 4, a: "gpu{0}", b: "leaf{0/2}"}
  trunk[0..1][0..1]: {preset: nvlink4, a: "leaf{0}", b: "spine{1}"}
)");
    const Answer answer =
        run({"run",
             file("s.yaml", "scenario: s\nmachine: " + machine +
                                "\ntraffic:\n  - group: g\n    streams:\n"
                                "      - {from: gpu0.sm, op: write, target: gpu2.hbm}\n"
                                "faults:\n  events:\n    - {lanes: nvl1, lost: 1, at: 50 us, until: 90 us}\n"),
             "--quiet", "--json", "-"});
    ASSERT_EQ(answer.status, 0) << answer.err;
    const auto phases = parse(answer.out)["traffic"][0]["phases"];
    ASSERT_EQ(phases.size(), 5u);
    for (const auto& phase : phases) {
        EXPECT_NEAR(phase["total_GB_per_s"], 25 * 0.94 * 128 / 144, 0.5) << phase;
    }
}

/// A work of one or more GPUs of a rack, and what breaks meanwhile.
struct TimedFaultsOfWorksTest : TimedFaultsTest {
    Answer work(const std::string& machine, const std::string& traffic, const std::string& events) {
        return run({"run",
                    file("s.yaml", fmt::format("scenario: s\nmachine: {}\ntraffic:\n  - {}\n{}", machine, traffic,
                                               events.empty() ? "" : "faults:\n  events:\n" + events)),
                    "--json", "-", "--quiet"});
    }
    nlohmann::json done(const std::string& machine, const std::string& traffic, const std::string& events) {
        const Answer answer = work(machine, traffic, events);
        EXPECT_EQ(answer.status, 0) << answer.err;
        return parse(answer.out)["traffic"][0]["work"];
    }
    static double finish(const nlohmann::json& work) { return work["finish_ns"].get<double>(); }
};

const char* const kCopy = "{collective: send-recv, among: [blackwell0, blackwell8], by: ce, size: 256 MiB}";

TEST_F(TimedFaultsOfWorksTest, AWorkGoesOnOverWhatIsLeftAndEndsLater) {
    const auto whole = done("gb200-nvl72", kCopy, "");
    const auto touched = done("gb200-nvl72", kCopy, "    - {down: nvl0-3, at: 50 us}\n");
    ASSERT_EQ(touched["events"].size(), 2u);
    EXPECT_EQ(touched["events"][0]["at_ns"], 50'000);
    EXPECT_EQ(touched["events"][0]["what"], "nvl0-3 down");
    EXPECT_EQ(touched["events"][1]["what"], "routes follow");
    EXPECT_GT(touched["lost_packets"], 0);
    EXPECT_GT(touched["lost_bytes"], 0);
    EXPECT_FALSE(whole.contains("events"));
    // What is left at 50 us goes over 17 of 18 links, or a little later.
    const double expected = 50e3 + (finish(whole) - 50e3) * 18 / 17;
    EXPECT_GT(finish(touched), expected * 0.99);
    EXPECT_LT(finish(touched), expected * 1.08);
    const auto elsewhere = done("gb200-nvl72", kCopy, "    - {down: nvl20-3, at: 50 us}\n");
    EXPECT_EQ(finish(elsewhere), finish(whole));
    EXPECT_EQ(elsewhere["lost_packets"], 0);
    const auto late = done("gb200-nvl72", kCopy, "    - {down: nvl0-3, at: 900 ms}\n");
    EXPECT_EQ(finish(late), finish(whole));
}

TEST_F(TimedFaultsOfWorksTest, WhereNoWayIsLeftItEndsWithAFault) {
    const Answer answer = work("gb200-nvl72", kCopy, "    - {down: \"nvl8-[0..17]\", at: 50 us}\n");
    EXPECT_EQ(answer.status, 3);
    EXPECT_THAT(answer.err, HasSubstr("no longer reaches blackwell8 over NVLink: nvl8-[0..17] down"));
    const auto result = parse(answer.out)["traffic"][0]["work"];
    EXPECT_THAT(result["fault"].get<std::string>(), HasSubstr("no longer reaches"));
    EXPECT_EQ(result["events"].size(), 2u);
}

TEST_F(TimedFaultsOfWorksTest, AnAllReduceInTheSwitchesGoesOnByThoseThatReachAll) {
    const char* const reduce = "{collective: all-reduce, algorithm: nvls, among: \"h100-[0..7]\", size: 64 MiB}";
    const auto whole = done("hgx-h100", reduce, "");
    const auto touched = done("hgx-h100", reduce, "    - {down: nvl3-2, at: 50 us}\n");
    EXPECT_GT(touched["lost_packets"], 0);
    EXPECT_GT(finish(touched), finish(whole) * 1.05);
    // No switch has all eight any more.
    const Answer apart = work("hgx-h100", reduce,
                              "    - {down: nvl0-0, at: 50 us}\n    - {down: nvl1-1, at: 50 us}\n"
                              "    - {down: nvl2-2, at: 50 us}\n    - {down: nvl3-3, at: 50 us}\n");
    EXPECT_EQ(apart.status, 3);
    EXPECT_THAT(apart.err, HasSubstr("no NVSwitch is left that reaches all of the group of h100-"));
}

TEST_F(TimedFaultsOfWorksTest, TextTellsWhatHappenedAndOtherFidelitiesThatNothingDid) {
    const std::string scenario = file("s.yaml", fmt::format("scenario: s\nmachine: gb200-nvl72\ntraffic:\n  - {}\n"
                                                            "faults: {{events: [{{down: nvl0-3, at: 50 us}}]}}\n",
                                                            kCopy));
    EXPECT_THAT(run({"run", scenario}).out,
                AllOf(HasSubstr("at 50 us nvl0-3 down; at 60 us routes follow; lost and sent again: "),
                      HasSubstr("until routes follow a fault")));
    EXPECT_THAT(run({"run", scenario, "--fidelity", "fluid"}).out, HasSubstr("nothing breaks here"));
}

TEST_F(TimedFaultsOfWorksTest, WhatFaultsDoNotMeetIsRefusedInWords) {
    const std::tuple<const char*, const char*, const char*> refused[] = {
        {"gb200-nvl72", "{nvbandwidth: [device_to_device_memcpy_read_ce], gpus: [blackwell0, blackwell1]}",
         "faults do not meet nvbandwidth's cases"},
        {"gb200-nvl72", "{group: g, streams: [{from: blackwell0.sm, op: read, source: blackwell8.hbm, start: 50 us}]}",
         "faults meet only streams that run all the time"},
        {"ideal-8", "{collective: all-to-all, among: \"host[0..7]\", per_pair: 1 MiB}",
         "faults do not meet ideal end points"},
    };
    for (const auto& [machine, traffic, why] : refused) {
        const Answer answer = work(machine, traffic,
                                   std::string(machine) == "ideal-8" ? "    - {down: link3, at: 50 us}\n"
                                                                     : "    - {down: nvl0-3, at: 50 us}\n");
        EXPECT_EQ(answer.status, 2) << traffic;
        EXPECT_THAT(answer.err, HasSubstr(why)) << traffic;
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
