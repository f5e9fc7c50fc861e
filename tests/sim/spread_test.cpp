// Spread streams as a scenario writes them: which memories, in which order, and what is refused?
#include "tests/sim/input_test.h"

#include <fmt/format.h>

namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

struct SpreadTest : InputTest {
    std::optional<sim::Scenario> run(const std::string& machine, const std::string& stream) {
        return scenario(fmt::format("scenario: s\nmachine: {}\ntraffic:\n  - fan_in: f\n{}", machine, stream));
    }
    /// "grace1 by hopper1", or "grace1"
    static std::vector<std::string> places(const sim::Stream& stream) {
        std::vector<std::string> texts;
        for (const sim::MemoryName& place : stream.sources()) {
            texts.push_back(place.part + (place.via.empty() ? "" : " by " + place.via));
        }
        return texts;
    }
};

TEST_F(SpreadTest, EachInitiatorBeginsBehindItsOwnMemoryAndLeavesItOut) {
    const auto scenario = run("gh200-quad", "    from: hopper[0..3].sm\n"
                                            "    op: read\n"
                                            "    source: {spread: \"grace[0..3].egm\", own: false}\n");
    ASSERT_TRUE(scenario) << testing::PrintToString(said());
    const auto& streams = scenario->groups.at(0).streams;
    ASSERT_EQ(streams.size(), 4u);
    EXPECT_EQ(streams[2].name, "hopper2.sm read grace[0..3].egm");
    EXPECT_THAT(places(streams[0]), ElementsAre("grace1", "grace2", "grace3"));
    EXPECT_THAT(places(streams[2]), ElementsAre("grace3", "grace0", "grace1"));
    EXPECT_EQ(streams[2].source.part, "grace3");
}

TEST_F(SpreadTest, WithItsOwnMemoryItComesLast) {
    const auto scenario = run("gh200-quad", "    from: [hopper1.sm]\n"
                                            "    op: copy\n"
                                            "    source: hopper1.hbm\n"
                                            "    target: {spread: [\"hopper[0..1].hbm\", grace3.egm]}\n");
    ASSERT_TRUE(scenario) << testing::PrintToString(said());
    const sim::Stream& stream = scenario->groups.at(0).streams.at(0);
    EXPECT_EQ(stream.name, "hopper1.sm copy hopper1.hbm to hopper[0..1].hbm + grace3.egm");
    std::vector<std::string> targets;
    for (const sim::MemoryName& place : stream.targets()) {
        targets.push_back(place.part);
    }
    EXPECT_THAT(targets, ElementsAre("grace3", "hopper0", "hopper1"));
}

TEST_F(SpreadTest, AllWindowsOfASocketAreTakenInTurnAndSiblingsBeginWithDifferentOnes) {
    const std::string stream = "    from: blackwell[0..1].sm\n"
                               "    op: read\n"
                               "    source: {spread: \"grace[0..2].egm\", own: false, windows: all}\n";
    const auto scenario = run("gb200-nvl72", stream);
    ASSERT_TRUE(scenario) << testing::PrintToString(said());
    const auto& streams = scenario->groups.at(0).streams;
    EXPECT_THAT(places(streams[0]), ElementsAre("grace1 by blackwell2", "grace2 by blackwell4", "grace1 by blackwell3",
                                                "grace2 by blackwell5"));
    EXPECT_THAT(places(streams[1]), ElementsAre("grace1 by blackwell3", "grace2 by blackwell5", "grace1 by blackwell2",
                                                "grace2 by blackwell4"));
}

TEST_F(SpreadTest, WhatCannotBeIsRefusedOnceAndInWords) {
    const std::pair<const char*, const char*> faults[] = {
        {"source: {spread: \"grace[0..4].egm\"}", "spread: \"grace4.egm\" is no memory of this machine; did you mean"},
        {"source: {spread: [grace0.egm, grace0.egm]}", "spread: \"grace0.egm\" is there twice"},
        {"source: {spread: []}", "spread is no list of memories"},
        {"source: {spread: [[grace0.egm]]}", "spread: an entry names no memory"},
        {"source: {spread: \"grace[3..0].egm\"}", "\"grace[3..0].egm\" is not a range"},
        {"source: {sprea: grace0.egm}", "no spread; say over what"},
        {"source: {sprea: grace0.egm}", "unknown key \"sprea\"; did you mean \"spread\"?"},
        {"source: {spread: grace1.egm, windows: some}", "windows \"some\" is not known"},
        {"source: {spread: grace1.egm}, via: hopper1", "via does not go with a spread"},
        {"source: {spread: grace0.egm}, op: ping-pong", "a ping-pong has one flag in one memory"},
        {"source: {spread: grace0.egm}, working_set: 1 TiB", "working_set does not fit grace0.egm"},
    };
    for (const auto& [source, expected] : faults) {
        const std::string op = std::string(source).find("op:") == std::string::npos ? ", op: read" : "";
        EXPECT_FALSE(scenario(fmt::format("scenario: s\nmachine: gh200-quad\ntraffic:\n"
                                          "  - {{fan_in: f, from: [hopper0.sm, hopper2.sm]{}, {}}}\n",
                                          op, source)))
            << source;
        EXPECT_THAT(said(), Contains(HasSubstr(expected))) << source;
    }
    EXPECT_FALSE(run("gh200-quad", "    from: hopper[0..3].sm\n"
                                   "    op: read\n"
                                   "    source: {spread: \"grace[0..4].egm\"}\n"));
    EXPECT_EQ(said().size(), 1u) << testing::PrintToString(said()); // not once for each initiator
    EXPECT_FALSE(run("gh200-quad", "    from: [hopper0.sm, hopper1.sm]\n"
                                   "    op: read\n"
                                   "    source: {spread: grace0.egm, own: false}\n"));
    EXPECT_THAT(said(), ElementsAre(HasSubstr("nothing is left for hopper0 without its own memory")));
}

TEST_F(SpreadTest, RangesStandForLists) {
    const auto scenario = run("gh200-quad", "    from: [\"hopper[0..1].sm\", hopper3.ce]\n"
                                            "    op: copy\n"
                                            "    source: grace0.egm\n");
    ASSERT_TRUE(scenario) << testing::PrintToString(said());
    std::vector<std::string> names;
    for (const sim::Stream& stream : scenario->groups.at(0).streams) {
        names.push_back(stream.initiator);
    }
    EXPECT_THAT(names, ElementsAre("hopper0", "hopper1", "hopper3"));
}

} // namespace
