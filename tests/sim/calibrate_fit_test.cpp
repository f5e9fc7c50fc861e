// The fit behind egmsim calibrate, on models that can be worked out on paper.
#include "sim/calibrate/fit.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using namespace sim::calibrate;
using State = FitResult::State;
using testing::ElementsAre;

/// Rows as functions of the parameters.
FitModel model_of(std::vector<std::function<double(const std::vector<double>&)>> rows) {
    return [rows](const std::vector<FitQuery>& queries) {
        std::vector<std::vector<double>> answers;
        for (const FitQuery& query : queries) {
            answers.emplace_back();
            for (const std::size_t row : query.rows) {
                answers.back().push_back(rows[row](query.parameters));
            }
        }
        return answers;
    };
}

FitParameter around(double start, double uncertainty = 0.3) {
    return {.start = start, .low = start / 4, .high = start * 4, .uncertainty = uncertainty};
}

TEST(FitTest, TwoFiguresThatTheRowsDetermineAreFound) {
    // A latency and a bandwidth behind two sizes of transfer: t = l + s / b, with l = 120 and b = 2.5.
    const auto time = [](double size) { return [size](const std::vector<double>& x) { return x[0] + size / x[1]; }; };
    const FitModel model = model_of({time(1), time(100), time(10000)});
    const std::vector<double> truth{120, 2.5};
    std::vector<FitRow> rows;
    for (const double size : {1.0, 100.0, 10000.0}) {
        rows.push_back({time(size)(truth), 0.005});
    }
    const FitResult result = fit({around(100), around(3)}, rows, model);
    EXPECT_NEAR(result.values[0], 120, 120 * 0.002);
    EXPECT_NEAR(result.values[1], 2.5, 2.5 * 0.002);
    EXPECT_THAT(result.states, ElementsAre(State::kDetermined, State::kDetermined));
    // The latency is in two of the rows, about equally; the bandwidth is in the last.
    EXPECT_EQ(result.rows_of[1][0], 2u);
    EXPECT_LT(result.spread, 0.5);
    EXPECT_TRUE(result.combinations.empty());
    // One row of 0.5 % would leave the bandwidth 0.5 %.
    EXPECT_NEAR(result.deviations[1], 0.005, 0.002);
}

TEST(FitTest, OfAProductOneFactorStaysAndTheCombinationIsNamed) {
    const auto product = [](const std::vector<double>& x) { return x[0] * x[1]; };
    const FitResult result =
        fit({around(10, 0.3), around(5, 0.2)}, {{60, 0.01}, {60, 0.01}}, model_of({product, product}));
    // The first has the wider prior, so it takes what is missing: 60 / 5. The second may be off by its prior all the
    // same, and so may the first: 0.3 x 0.2 / (0.3^2 + 0.2^2)^(1/2).
    EXPECT_THAT(result.states, ElementsAre(State::kWeak, State::kKept));
    EXPECT_NEAR(result.values[0], 12, 0.03);
    EXPECT_NEAR(result.deviations[0], 0.166, 0.002);
    EXPECT_EQ(result.values[1], 5);
    ASSERT_EQ(result.combinations.size(), 1u);
    const auto& parts = result.combinations[0].parts;
    ASSERT_EQ(parts.size(), 2u);
    EXPECT_LT(parts[0].second * parts[1].second, 0); // one up, the other down
}

TEST(FitTest, AFigureThatNoRowDependsOnIsSilent) {
    const FitResult result = fit({around(10), around(7)}, {{11, 0.01}}, model_of({[](const auto& x) { return x[0]; }}));
    EXPECT_THAT(result.states, ElementsAre(State::kDetermined, State::kSilent));
    EXPECT_EQ(result.values[1], 7);
    EXPECT_TRUE(result.rows_of[1].empty());
}

TEST(FitTest, AWeakRowMovesAFigureByWhatItIsWorth) {
    // A prior of 10 % and one row of 10 % noise weigh the same: half way in the logarithm.
    const FitResult result = fit({around(10, 0.1)}, {{11, 0.1}}, model_of({[](const auto& x) { return x[0]; }}));
    EXPECT_EQ(result.states[0], State::kKept); // 71 % of the prior is left: the row is not worth a change
    const FitResult stronger = fit({around(10, 0.3)}, {{11, 0.03}}, model_of({[](const auto& x) { return x[0]; }}));
    EXPECT_EQ(stronger.states[0], State::kWeak); // to 3 %, not to 1.5 %
    EXPECT_NEAR(std::log(stronger.values[0] / 10), std::log(1.1) / (1 + 0.03 * 0.03 / 0.09), 0.002);
    EXPECT_NEAR(stronger.deviations[0], 0.0298, 0.003);
}

TEST(FitTest, OneBadRowDoesLittleHarm) {
    const auto same = [](const std::vector<double>& x) { return x[0]; };
    std::vector<FitRow> rows(6, FitRow{20, 0.02});
    rows[3].measured = 40; // in the wrong unit, say
    const FitResult result = fit({around(15)}, rows, model_of({same, same, same, same, same, same}));
    EXPECT_NEAR(result.values[0], 20, 0.2);
    EXPECT_LT(result.weights[3], kOutlierWeight);
    EXPECT_GT(result.weights[0], 0.9);
}

TEST(FitTest, ABoundHoldsAndAKinkIsNoTrap) {
    // The narrower of two: only b binds, and then a.
    const auto narrower = [](const std::vector<double>& x) { return std::min(x[0], x[1]); };
    const auto first = [](const std::vector<double>& x) { return x[0]; };
    FitParameter share = around(1);
    share.high = 1; // cannot rise
    const FitResult result = fit({around(100), around(100), share}, {{150, 0.01}, {130, 0.01}, {1.2, 0.01}},
                                 model_of({first, narrower, [](const auto& x) { return x[2]; }}));
    EXPECT_NEAR(result.values[0], 150, 1.5);
    EXPECT_NEAR(result.values[1], 130, 1.5);
    EXPECT_EQ(result.values[2], 1);
}

TEST(FitTest, ItStopsWhenItIsInterrupted) {
    const FitModel none = [](const std::vector<FitQuery>&) { return std::vector<std::vector<double>>{}; };
    EXPECT_TRUE(fit({around(1)}, {{1, 0.01}}, none).interrupted);
}

TEST(FitTest, WhatItFindsCanBeWritten) {
    const FitParameter plain{};
    EXPECT_EQ(plain.nearest(123456789), 123460000);
    EXPECT_EQ(FitParameter{.unit = 1}.nearest(9.4), 9);
    EXPECT_EQ(FitParameter{.unit = 1}.nearest(0.2), 1); // not nothing
    EXPECT_DOUBLE_EQ(FitParameter{.unit = 1e-4}.nearest(0.95123), 0.9512);
}

} // namespace
