// The knee of a curve: is it where the curve bends, and is none seen where there is none?
#include "sim/knee.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using sim::find_knee;
using testing::HasSubstr;

TEST(KneeTest, CornerIsFoundWithItsDistance) {
    // Flat to (8, 0), then straight up to (10, 10): at the corner x has gone 80 % of its way and y nothing.
    const auto answer = find_knee({0, 2, 4, 6, 8, 9, 10}, {0, 0, 0, 0, 0, 5, 10});
    ASSERT_TRUE(answer.knee);
    EXPECT_EQ(answer.knee->at, 4u);
    EXPECT_DOUBLE_EQ(answer.knee->distance, 0.8);
}

TEST(KneeTest, OfASmoothCurveItIsWhereTheSlopeIsTheChords) {
    // y = x^2 on 0..10 has slope 10, that of its chord, at x = 5; distance |0.25 - 0.5|.
    std::vector<double> x, y;
    for (int i = 0; i <= 10; ++i) {
        x.push_back(i);
        y.push_back(i * i);
    }
    const auto answer = find_knee(x, y);
    ASSERT_TRUE(answer.knee);
    EXPECT_EQ(answer.knee->at, 5u);
    EXPECT_DOUBLE_EQ(answer.knee->distance, 0.25);
}

TEST(KneeTest, UnitsAndDirectionsDoNotMatter) {
    const auto rising = find_knee({0, 1, 2, 3, 4}, {0, 3, 4, 4.5, 5});
    const auto falling = find_knee({0, 1e9, 2e9, 3e9, 4e9}, {-100, -103, -104, -104.5, -105});
    ASSERT_TRUE(rising.knee && falling.knee);
    EXPECT_EQ(rising.knee->at, 1u); // 3/5 - 1/4 = 0.35; next 4/5 - 2/4 = 0.3
    EXPECT_EQ(falling.knee->at, 1u);
    EXPECT_NEAR(falling.knee->distance, 0.35, 1e-12);
}

TEST(KneeTest, SaysWhyThereIsNone) {
    EXPECT_THAT(find_knee({}, {}).why_none, HasSubstr("0 points are too few"));
    EXPECT_THAT(find_knee({0, 1, 2}, {0, 0, 1}).why_none, HasSubstr("too few"));
    EXPECT_THAT(find_knee({0, 1, 2, 3}, {5, 6, 7, 8}).why_none, HasSubstr("straight line"));
    EXPECT_THAT(find_knee({0, 1, 2, 3}, {5, 6, 7, 5}).why_none, HasSubstr("the figure is the same at both ends"));
    EXPECT_THAT(find_knee({0, 1, 2, 0}, {5, 6, 7, 8}).why_none, HasSubstr("the cost is the same at both ends"));
    EXPECT_THAT(find_knee({0, 1, 2, 3}, {0, 8, 2, 10}).why_none, HasSubstr("the figure turns back"));
}

TEST(KneeTest, LittleTurnIsTakenForNoise) {
    const auto answer = find_knee({0, 1, 2, 3, 4}, {0, 9.5, 9, 9.8, 10}); // back by 5 % of the range
    ASSERT_TRUE(answer.knee);
    EXPECT_EQ(answer.knee->at, 1u);
}

} // namespace
