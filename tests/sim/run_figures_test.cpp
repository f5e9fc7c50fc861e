// Figures of a result by name: does each name mean one figure, with its unit, and does a wrong one get help?
#include "sim/run_figures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using sim::find_figure;
using testing::HasSubstr;

/// A result as docs/json.md has it, shortened.
constexpr const char* kJson = R"({
  "simulated_ns": 5e9, "events": 12,
  "vms": [{"name": "vm0", "bring_up_ns": 6e9, "regions": [{"size_bytes": 1}]}],
  "traffic": [
    {"setting": "native", "group": "both", "measured_ns": 100, "total_GB_per_s": 300, "busy": [{"resource": "x"}],
     "streams": [
       {"name": "reads", "unit": "GB/s", "value": 200, "steady": true, "binding": {"resource": "hbm0"},
        "latency_spread_ns": {"p50": 10, "p99": 20}, "bytes_sent": 4096},
       {"name": "chases", "unit": "ns", "value": 344, "confidence_half_width": 1}]},
    {"setting": "vm", "group": "both", "total_GB_per_s": 290,
     "streams": [{"name": "reads", "unit": "GB/s", "value": 190}]},
    {"setting": "native", "group": "again", "total_GB_per_s": 1,
     "streams": [{"name": "chases", "unit": "ns", "value": 350}]}
  ]})";

struct RunFiguresTest : testing::Test {
    const std::vector<sim::RunFigure> figures = sim::figures_of(kJson);

    double number(const std::string& wanted, const std::string& unit) {
        const auto found = find_figure(wanted, figures, kJson);
        EXPECT_EQ(found.why, "") << wanted;
        if (!found.figure || !found.figure->number) {
            ADD_FAILURE() << wanted << " is no number";
            return -1;
        }
        EXPECT_EQ(found.figure->unit, unit) << wanted;
        return *found.figure->number;
    }
    std::string why(const std::string& wanted) {
        const auto found = find_figure(wanted, figures, kJson);
        EXPECT_FALSE(found.figure) << wanted;
        return found.why;
    }
};

TEST_F(RunFiguresTest, UnitsComeFromTheKeyOrTheStream) {
    EXPECT_EQ(number("native:reads/value", "GB/s"), 200);
    EXPECT_EQ(number("native:reads/latency_spread.p99", "ns"), 20);
    EXPECT_EQ(number("native:reads/bytes_sent", "B"), 4096);
    EXPECT_EQ(number("native:reads/steady", ""), 1);
    EXPECT_EQ(number("native:both/chases/confidence_half_width", "ns"), 1);
    EXPECT_EQ(number("native:both/total", "GB/s"), 300);
    EXPECT_EQ(number("vm0/bring_up", "ns"), 6e9);
    EXPECT_EQ(number("simulated", "ns"), 5e9);
    EXPECT_EQ(number("events", ""), 12);
}

TEST_F(RunFiguresTest, ShortNamesStandForLongOnes) {
    EXPECT_EQ(number("native:reads/p50", "ns"), 10);
    EXPECT_EQ(find_figure("native:reads/limit", figures, kJson).figure->text, "hbm0");
}

TEST_F(RunFiguresTest, WithoutASettingTheVmIsMeantWhereThereIsOne) {
    EXPECT_EQ(number("reads/value", "GB/s"), 190);
    EXPECT_EQ(number("both/total", "GB/s"), 290);
    EXPECT_EQ(number("again/total", "GB/s"), 1);
}

TEST_F(RunFiguresTest, NameOfTwoStreamsNeedsItsGroup) {
    EXPECT_THAT(why("chases/value"),
                HasSubstr("stands for \"native:both/chases/value\" and \"native:again/chases/value"));
    EXPECT_EQ(number("again/chases/value", "ns"), 350);
}

TEST_F(RunFiguresTest, BareMetalIsNoAnswerAboutVmsThatDidNotComeUp) {
    const std::string json = R"({"error": {"errno": 28}, "vms": [], "traffic": [
        {"setting": "native", "group": "g", "streams": [{"name": "reads", "unit": "GB/s", "value": 200}]}]})";
    const auto all = sim::figures_of(json);
    EXPECT_THAT(find_figure("reads/value", all, json).why, HasSubstr("on bare metal only"));
    EXPECT_TRUE(find_figure("native:reads/value", all, json).figure);
}

TEST_F(RunFiguresTest, PointerGoesAnywhere) {
    EXPECT_EQ(find_figure("/traffic/0/busy/0/resource", figures, kJson).figure->text, "x");
    EXPECT_EQ(number("/vms/0/regions/0/size_bytes", ""), 1);
    EXPECT_THAT(why("/traffic/9"), HasSubstr("nothing there"));
    EXPECT_THAT(why("/~"), HasSubstr("no JSON pointer"));
}

TEST_F(RunFiguresTest, WrongNamesGetHelp) {
    EXPECT_THAT(why("raeds/value"), HasSubstr("no stream, group or VM is called \"raeds\"; did you mean \"reads\"?"));
    EXPECT_THAT(why("native:reads/valeu"), HasSubstr("no figure \"valeu\"; did you mean \"value\"?"));
    EXPECT_THAT(why("native:reads/p98"), HasSubstr("no figure \"p98\""));
    EXPECT_THAT(why("evnts"), HasSubstr("did you mean \"events\"?"));
}

TEST_F(RunFiguresTest, AddressFindsItsFigure) {
    for (const sim::RunFigure& figure : figures) {
        const auto found = find_figure(figure.address(), figures, kJson);
        ASSERT_TRUE(found.figure) << figure.address() << ": " << found.why;
        EXPECT_EQ(found.figure->number, figure.number) << figure.address();
    }
}

} // namespace
