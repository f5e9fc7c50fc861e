// LatencyHistogram: how far is a quantile from the truth, and is nothing lost?
#include "models/latency_histogram.h"

#include <cmath>
#include <limits>
#include <random>

#include <gtest/gtest.h>

namespace {

using models::LatencyHistogram;
using models::Picoseconds;

/// What the quantile is by sorting: the value of the nearest rank.
Picoseconds sorted_quantile(std::vector<Picoseconds> values, unsigned of_ten_thousand) {
    std::sort(values.begin(), values.end());
    const std::size_t rank = (values.size() * of_ten_thousand + 9'999) / 10'000;
    return values[std::max<std::size_t>(rank, 1) - 1];
}

TEST(LatencyHistogramTest, EmptyOneKnowsNothing) {
    const LatencyHistogram none;
    EXPECT_EQ(none.count(), 0u);
    EXPECT_EQ(none.quantile(5'000), 0u);
    EXPECT_EQ(none.min(), 0u);
    EXPECT_EQ(none.max(), 0u);
}

TEST(LatencyHistogramTest, SmallValuesAreExact) {
    LatencyHistogram all;
    for (Picoseconds value = 0; value < 256; ++value) {
        all.record(value);
    }
    EXPECT_EQ(all.quantile(0), 0u);
    EXPECT_EQ(all.quantile(5'000), 127u); // the 128th of 256, from 0
    EXPECT_EQ(all.quantile(9'900), 253u); // 253.44: the 254th
    EXPECT_EQ(all.quantile(10'000), 255u);
}

TEST(LatencyHistogramTest, EachValueOfAllMagnitudesIsToldWithinItsTwoHundredAndFiftySixth) {
    // Bounds of octaves and of buckets, and what lies next to them; up to the largest there is.
    for (unsigned bit = 0; bit < 64; ++bit) {
        for (const Picoseconds part : {Picoseconds{0}, Picoseconds{1}, (Picoseconds{1} << bit) / 128,
                                       (Picoseconds{1} << bit) / 3, (Picoseconds{1} << bit) - 1}) {
            const Picoseconds value = (Picoseconds{1} << bit) + part;
            LatencyHistogram one;
            one.record(value);
            one.record(0); // lest the least and the largest value correct it
            one.record(std::numeric_limits<Picoseconds>::max());
            const Picoseconds told = one.quantile(5'000);
            const Picoseconds off = told > value ? told - value : value - told;
            EXPECT_LE(off, value / 256) << value;
        }
    }
}

TEST(LatencyHistogramTest, QuantilesAreThoseOfTheSortedValues) {
    std::mt19937_64 random(7);
    std::vector<Picoseconds> values;
    LatencyHistogram all;
    for (int i = 0; i < 20'000; ++i) {
        // 400 ns to 40 us, most of them near the low end
        const Picoseconds value = 400'000 + random() % (random() % 40'000'000 + 1);
        values.push_back(value);
        all.record(value);
    }
    EXPECT_EQ(all.count(), values.size());
    EXPECT_EQ(all.max(), *std::max_element(values.begin(), values.end()));
    for (const unsigned share : {1u, 100u, 5'000u, 9'000u, 9'900u, 9'990u, 9'999u, 10'000u}) {
        const auto truth = static_cast<double>(sorted_quantile(values, share));
        EXPECT_NEAR(static_cast<double>(all.quantile(share)), truth, truth / 256) << share;
    }
}

TEST(LatencyHistogramTest, NearestRankCountsWithoutRounding) {
    LatencyHistogram all;
    for (int i = 0; i < 99; ++i) {
        all.record(10);
    }
    all.record(100);
    EXPECT_EQ(all.quantile(9'900), 10u); // the 99th of 100
    EXPECT_EQ(all.quantile(9'901), 100u);
}

TEST(LatencyHistogramTest, NoQuantileIsOutsideOfTheValues) {
    LatencyHistogram low, high; // the bucket of both: 999 424 to 1 003 519, its middle 1 001 472
    low.record(1'000'000);
    high.record(1'003'000);
    EXPECT_EQ(low.quantile(5'000), 1'000'000u);
    EXPECT_EQ(high.quantile(5'000), 1'003'000u);
    EXPECT_EQ(high.min(), 1'003'000u);
}

TEST(LatencyHistogramTest, SumOfTwoIsAsRecordedInOne) {
    std::mt19937_64 random(3);
    LatencyHistogram left, right, both;
    for (int i = 0; i < 1000; ++i) {
        const Picoseconds low = random() % 1000, high = 1'000'000 + random() % 1'000'000'000;
        left.record(high);
        right.record(low);
        both.record(high);
        both.record(low);
    }
    left.add(right); // below what it holds
    left.add(LatencyHistogram{});
    EXPECT_EQ(left.count(), 2000u);
    EXPECT_EQ(left.min(), both.min());
    EXPECT_EQ(left.max(), both.max());
    for (unsigned share = 0; share <= 10'000; share += 50) {
        EXPECT_EQ(left.quantile(share), both.quantile(share));
    }
}

TEST(LatencyHistogramTest, ClearedItIsAsNew) {
    LatencyHistogram all;
    all.record(1'000'000);
    all.clear();
    EXPECT_EQ(all.count(), 0u);
    EXPECT_EQ(all.max(), 0u);
    all.record(5);
    EXPECT_EQ(all.quantile(10'000), 5u);
}

} // namespace
