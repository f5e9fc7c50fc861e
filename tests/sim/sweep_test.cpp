// The plan of a sweep: which values does a text mean, and is every fault of it said?
#include "sim/sweep_loader.h"
#include "sim/sweep_values.h"
#include "tests/sim/input_test.h"

namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

struct SweepValuesTest : testing::Test {
    std::vector<std::string> values(const std::string& text) {
        diagnostics = {};
        return sim::expand_values(text, {"here", 0, 0}, diagnostics).value_or(std::vector<std::string>{});
    }
    std::string fault(const std::string& text) {
        EXPECT_TRUE(values(text).empty()) << text;
        EXPECT_EQ(diagnostics.errors(), 1u) << text;
        return diagnostics.empty() ? "" : to_text(diagnostics.all().front());
    }
    sim::Diagnostics diagnostics;
};

TEST_F(SweepValuesTest, CommasSeparateButNotWithinBracketsOrQuotes) {
    EXPECT_THAT(values("10 GB/s,20 GB/s"), ElementsAre("10 GB/s", "20 GB/s"));
    EXPECT_THAT(values("[a, b], {c: 1, d: 2}, 'e, f'"), ElementsAre("[a, b]", "{c: 1, d: 2}", "'e, f'"));
}

TEST_F(SweepValuesTest, RangeGoesByStepsToTheLastThatIsNotAbove) {
    EXPECT_THAT(values("10..50 step 20 GB/s"), ElementsAre("10 GB/s", "30 GB/s", "50 GB/s"));
    EXPECT_THAT(values("10..60 step 20 GB/s"), ElementsAre("10 GB/s", "30 GB/s", "50 GB/s"));
    EXPECT_THAT(values("1..4 step 1"), ElementsAre("1", "2", "3", "4"));
    EXPECT_THAT(values("7..7 step 1"), ElementsAre("7"));
}

TEST_F(SweepValuesTest, RangeGoesByAFactor) {
    EXPECT_THAT(values("1..20 times 2"), ElementsAre("1", "2", "4", "8", "16"));
    EXPECT_THAT(values("256 KiB..4 MiB times 4"), ElementsAre("256 KiB", "1 MiB", "4 MiB"));
    EXPECT_THAT(values("64..256 times 2 KiB"), ElementsAre("64 KiB", "128 KiB", "256 KiB"));
}

TEST_F(SweepValuesTest, DecimalsStayExact) {
    // 0.1 + 0.1 + 0.1 is not 0.3 in binary.
    EXPECT_THAT(values("0.1..0.35 step 0.1"), ElementsAre("0.1", "0.2", "0.3"));
    EXPECT_THAT(values("0.5..1.5 step 0.25 %"), ElementsAre("0.5 %", "0.75 %", "1 %", "1.25 %", "1.5 %"));
    EXPECT_THAT(values("0.5..1.5 step 0.5 us"), ElementsAre("500 ns", "1 us", "1.5 us"));
}

TEST_F(SweepValuesTest, ListAndRangesMix) {
    EXPECT_THAT(values("1, 4..8 step 4, 100"), ElementsAre("1", "4", "8", "100"));
}

TEST_F(SweepValuesTest, NamesWithRangesInThemAreNoRanges) {
    EXPECT_THAT(values("hopper[0..3].sm, gh200"), ElementsAre("hopper[0..3].sm", "gh200"));
}

TEST_F(SweepValuesTest, FaultsSayWhatToWrite) {
    EXPECT_THAT(fault("10..50 GB/s"), AllOf(HasSubstr("does not say how far apart"), HasSubstr("step 10 GB/s")));
    EXPECT_THAT(fault("50..10 step 10"), HasSubstr("goes downwards"));
    EXPECT_THAT(fault("1..9 step 0"), HasSubstr("never ends"));
    EXPECT_THAT(fault("1..9 times 1"), HasSubstr("never ends"));
    EXPECT_THAT(fault("0..9 times 2"), HasSubstr("never ends"));
    EXPECT_THAT(fault("1..9 times 1.5"), HasSubstr("not a whole number"));
    EXPECT_THAT(fault("1..9 step 1 GBps"), HasSubstr("unknown unit"));
    EXPECT_THAT(fault("1 us..9 GB/s step 1 GB/s"), HasSubstr("has \"1 us\""));
    EXPECT_THAT(fault("1..20000 step 1"), HasSubstr("more than 10000 values"));
    EXPECT_THAT(fault("1,,2"), HasSubstr("empty value"));
    EXPECT_THAT(fault("1.2.3..4 step 1"), HasSubstr("has \"1.2.3\""));
    EXPECT_THAT(fault("1..9223372036854775807 times 2 TiB"), HasSubstr("too large"));
}

TEST_F(SweepValuesTest, LargeNumbersDoNotOverflow) {
    EXPECT_THAT(values("1..18446744073709551615 times 4294967296"), ElementsAre("1", "4294967296"));
    EXPECT_THAT(values("18446744073709551610..18446744073709551615 step 4"),
                ElementsAre("18446744073709551610", "18446744073709551614"));
}

struct SweepPlanTest : InputTest {
    static constexpr const char* kScenario = "scenario: s\nmachine: gh200\ntraffic:\n  - group: g\n    streams:\n"
                                             "      - {name: one, from: hopper0.sm, op: read, source: hopper0.hbm}\n";
    sim::SweepPlan plan(const std::string& sweep) {
        const auto read = scenario(kScenario + std::string("sweep:\n") + sweep);
        return read && read->sweep ? *read->sweep : sim::SweepPlan{};
    }
};

TEST_F(SweepPlanTest, LastAxisTurnsFastest) {
    const auto read = plan("  over:\n"
                           "    - {path: traffic.g.streams.one.blocks, values: [1, 2]}\n"
                           "    - {name: unrolled, path: traffic.g.streams.one.unroll, values: 1..4 step 1}\n");
    EXPECT_THAT(said(), ElementsAre());
    ASSERT_EQ(read.points(), 8u);
    EXPECT_THAT(read.place(0), ElementsAre(0, 0));
    EXPECT_THAT(read.place(5), ElementsAre(1, 1));
    EXPECT_EQ(read.axes[0].name, "traffic.g.streams.one.blocks");
    EXPECT_EQ(read.axes[1].name, "unrolled");
    const auto overrides = read.overrides(5);
    ASSERT_EQ(overrides.size(), 2u);
    EXPECT_EQ(overrides[0].value.text, "2");
    EXPECT_EQ(overrides[1].path, "traffic.g.streams.one.unroll");
    EXPECT_TRUE(read.axes[0].is_line());
}

TEST_F(SweepPlanTest, PointIsWhatItsOverridesSay) {
    const auto read = plan("  over: [{path: traffic.g.streams.one.blocks, values: [7, ~]}]\n");
    for (const auto& [point, blocks] : {std::pair{0u, 7u}, {1u, 0u}}) {
        diagnostics = {};
        const auto at = sim::load_scenario("s.yaml", {}, search, diagnostics, read.overrides(point));
        ASSERT_TRUE(at);
        EXPECT_EQ(at->groups[0].streams[0].blocks, blocks);
    }
    EXPECT_EQ(read.axes[0].values[1].label, "as is");
    EXPECT_FALSE(read.axes[0].is_line());
}

TEST_F(SweepPlanTest, ValuesThatGrowByAFactorStandEvenly) {
    const auto axis = [&](const std::string& values) {
        return plan("  over: [{path: traffic.g.streams.one.blocks, values: [" + values + "]}]\n").axes.at(0);
    };
    EXPECT_FALSE(axis("1..64 times 2").is_line());
    EXPECT_FALSE(axis("3..300 times 10").is_line());
    EXPECT_TRUE(axis("1..64 step 9").is_line());
    EXPECT_TRUE(axis("1, 2").is_line());
    EXPECT_FALSE(axis("2, 1").is_line());
}

TEST_F(SweepPlanTest, CaseChangesManyValues) {
    const auto read = plan("  over:\n    - name: size\n      cases:\n        small: {traffic.g.streams.one.blocks: 1, "
                           "traffic.g.streams.one.unroll: 2}\n        as it is: {}\n");
    EXPECT_THAT(said(), ElementsAre());
    ASSERT_EQ(read.points(), 2u);
    EXPECT_EQ(read.overrides(0).size(), 2u);
    EXPECT_EQ(read.overrides(1).size(), 0u);
    EXPECT_EQ(read.axes[0].values[1].label, "as it is");
}

TEST_F(SweepPlanTest, FaultOfAValueIsAtItsPlace) {
    const auto read = plan("  over: [{path: traffic.g.streams.one.blocks, values: [1, many]}]\n");
    diagnostics = {};
    EXPECT_FALSE(sim::load_scenario("s.yaml", {}, search, diagnostics, read.overrides(1)));
    EXPECT_THAT(said(), ElementsAre(HasSubstr("s.yaml:8:59: error: stream \"one\": blocks \"many\"")));
}

TEST_F(SweepPlanTest, EveryFaultOfASweepIsSaid) {
    plan("  over:\n"
         "    - {path: a.b, values: [1, 1]}\n"
         "    - {path: a.b, values: 2}\n"
         "    - {path: a.b}\n"
         "    - {name: x, cases: {y: z}}\n"
         "    - {name: x, cases: {}, pathh: 2}\n"
         "  show: p99\n"
         "  knee: ' against x'\n"
         "  shows: 1\n");
    EXPECT_THAT(said(), testing::UnorderedElementsAre(
                            HasSubstr("has the value \"1\" twice"), HasSubstr("two axes are called \"a.b\""),
                            HasSubstr("axis 2 needs a path and its values"), HasSubstr("case \"y\" has no keys"),
                            HasSubstr("two axes are called \"x\""), HasSubstr("cases is no map"),
                            HasSubstr("unknown key \"pathh\""), HasSubstr("show is no list"),
                            HasSubstr("names no two figures"), HasSubstr("unknown key \"shows\"; did you mean")));
}

TEST_F(SweepPlanTest, TooManyPointsAreRefused) {
    plan("  over:\n    - {path: a, values: 1..200 step 1}\n    - {path: b, values: 1..200 step 1}\n");
    EXPECT_THAT(said(), ElementsAre(HasSubstr("more than 10000 points")));
}

} // namespace
