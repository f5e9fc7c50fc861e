// Server: when does a burst get its turn, how long does it take, and how busy was the server?
#include <gtest/gtest.h>

#include <random>

#include "models/server.h"

namespace {

using models::LoadedServer;
using models::Picoseconds;
using models::Server;

constexpr std::uint64_t kByteANanosecond = 1'000'000'000;

TEST(ServerTest, BurstWaitsForTheOneBeforeIt) {
    Server server("wire");
    EXPECT_EQ(server.serve(0, 100, kByteANanosecond).start, 0u);
    const auto second = server.serve(40'000, 60, kByteANanosecond);
    EXPECT_EQ(second.start, 100'000u);
    EXPECT_EQ(second.duration, 60'000u);
    const auto third = server.serve(200'000, 1, kByteANanosecond); // idle since 160 ns
    EXPECT_EQ(third.start, 200'000u);
    EXPECT_EQ(server.bytes(), 161u);
    EXPECT_EQ(server.name(), "wire");
}

TEST(ServerTest, ThirdsOfAPicosecondAreCarriedOver) {
    Server server;
    const std::uint64_t three_bytes_a_picosecond = 3'000'000'000'000;
    EXPECT_EQ(server.serve(0, 1, three_bytes_a_picosecond).duration, 0u);
    EXPECT_EQ(server.serve(0, 1, three_bytes_a_picosecond).duration, 0u);
    EXPECT_EQ(server.serve(0, 1, three_bytes_a_picosecond).duration, 1u);
}

TEST(ServerTest, AnyNumberOfBurstsTakesBytesOverRateInSum) {
    Server server;
    std::mt19937_64 random(1);
    const std::uint64_t rate = 7'000'000'001;
    std::uint64_t bytes = 0;
    Picoseconds time = 0;
    for (int i = 0; i < 10'000; ++i) {
        const std::uint64_t burst = 1 + random() % 1000;
        bytes += burst;
        time += server.serve(0, burst, rate).duration;
    }
    EXPECT_EQ(time, bytes * 1'000'000'000'000 / rate);
}

TEST(ServerTest, LargestBurstDoesNotOverflow) {
    Server server;
    EXPECT_EQ(server.serve(0, Server::kBurstBytesMax, 1).duration, Server::kBurstBytesMax * 1'000'000'000'000);
}

TEST(ServerTest, BusyTimeLeavesOutIdleTimeAndTheFuture) {
    Server server;
    server.occupy(0, 100);
    EXPECT_EQ(server.busy_until(60), 60u);
    EXPECT_EQ(server.busy_until(100), 100u);
    EXPECT_EQ(server.busy_until(500), 100u);
    server.occupy(500, 100);
    EXPECT_EQ(server.busy_until(550), 150u);
}

/// A server that was busy for `duration` of every `period` picoseconds for long.
LoadedServer loaded(Picoseconds duration, Picoseconds period) {
    LoadedServer server;
    for (Picoseconds now = 0; now < 100'000'000; now += period) {
        server.occupy(now, duration);
    }
    return server;
}

// quantum * u / (2 (1 - u) + 1 / depth), worked out by hand.
TEST(ServerTest, QueueingDelayFollowsItsClosedForm) {
    EXPECT_EQ(LoadedServer().queueing_delay(1000, 8), 0u);
    EXPECT_NEAR(static_cast<double>(loaded(500, 1000).queueing_delay(90'000, 2)), 90'000 * 0.5 / (1 + 0.5), 1);
    EXPECT_NEAR(static_cast<double>(loaded(800, 1000).queueing_delay(90'000, 10)), 90'000 * 0.8 / (0.4 + 0.1), 1);
}

TEST(ServerTest, DeepQueueIsThatOfOneServerWithFixedJobs) {
    // M/D/1 at u = 0.8: quantum * 0.8 / (2 * 0.2) = 2 quanta
    EXPECT_NEAR(static_cast<double>(loaded(800, 1000).queueing_delay(10'000, 1e9)), 20'000, 1);
}

TEST(ServerTest, QueueingDelayStopsAtItsDepth) {
    EXPECT_NEAR(static_cast<double>(loaded(1000, 1000).queueing_delay(10'000, 4)), 40'000, 1);
    EXPECT_NEAR(static_cast<double>(loaded(9000, 1000).queueing_delay(10'000, 4)), 40'000, 1); // overloaded
}

} // namespace
