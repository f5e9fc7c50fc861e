// ByteWindow: how many bytes may be in flight, when bursts do not fit evenly?
#include <gtest/gtest.h>

#include <vector>

#include "models/byte_window.h"

namespace {

using models::ByteWindow;
using models::Picoseconds;

/// Bytes a microsecond through a window, by bursts that each come back after 1000 ns.
double through(std::uint64_t limit, std::uint64_t burst) {
    constexpr Picoseconds kLatency = 1'000'000, kStep = 1'000;
    constexpr int kLatencies = 1000;
    ByteWindow window(limit);
    std::vector<Picoseconds> back;
    std::size_t given = 0;
    for (Picoseconds now = 0; now < kLatencies * kLatency; now += kStep) {
        while (given < back.size() && back[given] <= now) {
            window.give(burst, now);
            ++given;
        }
        while (window.fits(burst, now)) {
            window.take(burst, now);
            back.push_back(now + kLatency);
        }
    }
    return static_cast<double>(given * burst) / kLatencies;
}

TEST(ByteWindowTest, WholeBurstsFillIt) { EXPECT_NEAR(through(512, 64), 512, 1); }

// Up to half of it: a window that holds less than two bursts forgets its debt (its memory is 200 ns).
TEST(ByteWindowTest, SizeOfTheBurstDoesNotChangeWhatPasses) {
    for (const std::uint64_t burst : {100, 128, 200, 250, 256}) {
        EXPECT_NEAR(through(512, burst), 512, 512 * 0.02) << burst;
    }
}

TEST(ByteWindowTest, BurstLargerThanItPassesAlone) {
    ByteWindow window(512);
    EXPECT_TRUE(window.fits(4096, 0));
    window.take(4096, 0);
    EXPECT_FALSE(window.fits(1, 500));
    window.give(4096, 1000);
    EXPECT_TRUE(window.fits(4096, 1000));
}

TEST(ByteWindowTest, WithoutALimitEverythingFits) {
    ByteWindow window;
    EXPECT_FALSE(window.limited());
    window.take(1 << 30, 0);
    EXPECT_TRUE(window.fits(1 << 30, 0));
    EXPECT_EQ(window.used(), std::uint64_t{1} << 30);
}

TEST(ByteWindowTest, LongIdlenessEarnsNoMoreThan200Nanoseconds) {
    ByteWindow window(512);
    Picoseconds now = 1'000'000'000'000; // after a second of idleness
    window.take(448, now);
    EXPECT_TRUE(window.fits(128, now));
    window.take(128, now); // 64 bytes too many, for which 512 * 200 / 64 = 1600 ns pay
    for (int i = 0; i < 17; ++i) {
        EXPECT_FALSE(window.fits(128, now += 100'000));
    }
    window.give(128, now);
    EXPECT_FALSE(window.fits(128, now));
}

} // namespace
