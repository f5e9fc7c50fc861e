// A plot in text: is each point where it belongs, and can every axis be read?
#include "sim/text_plot.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using sim::round_numbers;
using sim::TextPlot;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

std::vector<std::string> lines_of(const std::string& text) {
    std::istringstream in(text);
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) {
        lines.push_back(line);
    }
    return lines;
}

TEST(TextPlotTest, DrawsALineFromCornerToCorner) {
    TextPlot plot;
    plot.title = "rate [GB/s]";
    plot.x_title = "blocks";
    plot.lines = {{"only", {{0, 0}, {7, 15}}}};
    plot.ticks = {{0, "0"}, {7, "7"}};
    plot.columns = 4; // 8 x 16 dots: the line rises by two dots a column
    plot.rows = 4;
    // One mark at each end; between, two dots above each other in each of the character's two columns.
    EXPECT_THAT(lines_of(plot.draw()), ElementsAre("rate [GB/s]", //
                                                   "     │   ●",  //
                                                   "  10 ┤  ⡜",   //
                                                   "     │ ⡜",    //
                                                   "   0 ┤●",     //
                                                   "     └┴──┴",  //
                                                   "      0  7",  //
                                                   "      blocks"));
}

TEST(TextPlotTest, LinesHaveMarksOfTheirOwnAndNames) {
    TextPlot plot;
    plot.lines = {{"read", {{0, 1}, {1, 2}}}, {"write", {{0, 1}, {1, 3}}}};
    const std::string text = plot.draw();
    EXPECT_THAT(text, HasSubstr("● read"));
    EXPECT_THAT(text, HasSubstr("○ write"));
}

TEST(TextPlotTest, KneeIsMarkedBelowItsPlace) {
    TextPlot plot;
    plot.columns = 11;
    plot.lines = {{"", {{0, 0}, {10, 10}}}};
    plot.knee = 5;
    const auto lines = lines_of(plot.draw());
    const std::size_t rule = 1 + 12; // title, rows
    EXPECT_EQ(lines[rule + 1].find('^'), lines[rule].find("└") + 1 + 5);
}

TEST(TextPlotTest, ConstantAndSinglePointsHaveRoomAroundThem) {
    for (const double value : {0., 5., -3.}) {
        TextPlot plot;
        plot.lines = {{"", {{1, value}, {2, value}}}};
        EXPECT_THAT(plot.draw(), HasSubstr("●")) << value;
        plot.lines = {{"", {{1, value}}}};
        EXPECT_THAT(plot.draw(), HasSubstr("●")) << value;
    }
}

TEST(TextPlotTest, NothingIsDrawnOfNothing) { EXPECT_EQ(TextPlot{}.draw(), ""); }

TEST(TextPlotTest, LabelsNeverRunIntoEachOther) {
    TextPlot plot;
    plot.lines = {{"", {{0, 0}, {40, 1}}}};
    for (int i = 0; i <= 40; ++i) {
        plot.ticks.push_back({static_cast<double>(i), std::to_string(1000 + i)});
    }
    const auto lines = lines_of(plot.draw());
    const std::string labels = lines[lines.size() - 2];
    std::istringstream words(labels);
    int count = 0, last = 0;
    for (std::string word; words >> word; ++count) {
        EXPECT_EQ(word.size(), 4u) << labels;
        last = std::stoi(word);
    }
    EXPECT_GT(count, 5);
    EXPECT_EQ(last, 1040); // the end is always labelled
}

TEST(RoundNumbersTest, AreMultiplesOfOneTwoAndFive) {
    EXPECT_THAT(round_numbers(0, 10, 6), ElementsAre(0, 2, 4, 6, 8, 10));
    EXPECT_THAT(round_numbers(0, 10, 3), ElementsAre(0, 5, 10));
    EXPECT_THAT(round_numbers(130, 420, 4), ElementsAre(200, 300, 400));
    EXPECT_THAT(round_numbers(-1, 1, 4), ElementsAre(-1, -0.5, 0, 0.5, 1));
    for (const double high : {1e-6, 0.03, 7., 4e5, 8e12}) {
        const auto numbers = round_numbers(0, high, 6);
        EXPECT_GE(numbers.size(), 2u) << high;
        EXPECT_LE(numbers.size(), 7u) << high;
    }
}

} // namespace
