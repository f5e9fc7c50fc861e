// What share of a chase a cache serves.
#include <gtest/gtest.h>

#include "sim/cache_shares.h"

namespace {

constexpr std::uint64_t kMiB = 1 << 20;

TEST(CacheSharesTest, WhatFitsIsServedByEither) {
    EXPECT_EQ(sim::chase_hit_share(kMiB, kMiB), 1);
    EXPECT_EQ(sim::written_hit_share(kMiB, kMiB), 1);
}

// Random replacement: h = exp(-(1 - h) x 2) has the root 0.2032 (by hand: exp(-1.5936) = 0.2032).
TEST(CacheSharesTest, RandomReplacementServesTheRootOfItsEquation) {
    EXPECT_NEAR(sim::chase_hit_share(kMiB, 2 * kMiB), 0.2032, 1e-4);
    EXPECT_LT(sim::chase_hit_share(kMiB, 20 * kMiB), 1e-8);
    EXPECT_EQ(sim::chase_hit_share(kMiB, 51 * kMiB), 0);
}

// 1.5 MiB over 1 MiB: half of the places have two lines, of which none is there; 0.5 of 1.5 MiB are alone at theirs.
TEST(CacheSharesTest, OfWhatWasWrittenOnlyLinesAloneAtTheirPlaceAreThere) {
    EXPECT_NEAR(sim::written_hit_share(2 * kMiB, 3 * kMiB), 1.0 / 3, 1e-12);
    EXPECT_EQ(sim::written_hit_share(kMiB, 2 * kMiB), 0);
    EXPECT_EQ(sim::written_hit_share(0, kMiB), 0);
}

} // namespace
