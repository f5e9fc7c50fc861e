// Tlb: what is held, and who leaves when a set is full?
#include <gtest/gtest.h>

#include "models/tlb.h"

namespace {

using models::Tlb;

TEST(TlbTest, HoldsAsManyNeighbouringPagesAsItHasEntries) {
    Tlb tlb(64);
    for (std::uint64_t page = 100; page < 164; ++page) {
        EXPECT_FALSE(tlb.look_up(1, page));
    }
    for (std::uint64_t page = 100; page < 164; ++page) {
        EXPECT_TRUE(tlb.holds(1, page)) << page;
    }
    tlb.insert(1, 164);
    EXPECT_TRUE(tlb.holds(1, 164));
    EXPECT_FALSE(tlb.holds(1, 100)); // the oldest of its set
    EXPECT_TRUE(tlb.holds(1, 101));
}

TEST(TlbTest, LeastRecentlyUsedPageOfASetLeaves) {
    Tlb tlb(64); // 8 sets: pages 0, 8, 16... share one
    for (std::uint64_t i = 0; i < 8; ++i) {
        tlb.insert(0, 8 * i);
    }
    EXPECT_TRUE(tlb.look_up(0, 0)); // used again
    tlb.insert(0, 8);               // so is this, by an insertion
    tlb.insert(0, 8 * 8);
    EXPECT_TRUE(tlb.holds(0, 0));
    EXPECT_TRUE(tlb.holds(0, 8));
    EXPECT_FALSE(tlb.holds(0, 16));
}

TEST(TlbTest, SweepOfOneSetMoreThanItHoldsNeverHits) {
    Tlb tlb(8);
    for (std::uint64_t i = 0; i < 90; ++i) {
        EXPECT_FALSE(tlb.look_up(0, i % 9));
    }
}

TEST(TlbTest, EntriesAreRoundedUpToWholeSets) {
    Tlb tlb(1);
    for (std::uint64_t page = 0; page < 8; ++page) {
        tlb.insert(0, page);
    }
    EXPECT_TRUE(tlb.holds(0, 0));
}

TEST(TlbTest, SamePageOfAnotherAddressSpaceIsAnotherPage) {
    Tlb tlb(8);
    tlb.insert(1, 5);
    EXPECT_TRUE(tlb.holds(1, 5));
    EXPECT_FALSE(tlb.holds(2, 5));
}

TEST(TlbTest, FlushForgetsAll) {
    Tlb tlb(64);
    tlb.insert(0, 0); // an empty entry looks like this one but for its age
    tlb.flush();
    EXPECT_FALSE(tlb.holds(0, 0));
}

} // namespace
