// Engine: how fast does a stream run by its own windows, rates and caps, and does every byte come back?
//
// Windows of 8 bursts of 64 bytes; each access takes 1000 ns (see engine_bench.h). Issued at one byte a nanosecond, a
// burst leaves within 64 ns and a window within 512 ns.
#include "tests/models/engine_bench.h"

namespace {

using models::Engine;
using models::StreamJob;

constexpr std::uint64_t kByteANanosecond = 1'000'000'000;

struct EngineTest : EngineBench {};

// --- Little's law -------------------------------------------------------------------------------------------------

TEST_F(EngineTest, SlidingWindowRunsAtWindowOverLatency) { EXPECT_EQ(run(100 * kLatency + 1).bytes, 100u * 512); }

TEST_F(EngineTest, RoomOfAReadIsFreeAgainAfterItsDataIsBackAndHeld) {
    job.read_rate = kByteANanosecond;
    job.hold = ns(536);
    const Picoseconds round = ns(64 + 1000 + 536); // the burst leaves, its data comes, and is held
    EXPECT_EQ(run(100 * round + ns(7 * 64) + 1).bytes, 100u * 512);
}

TEST_F(EngineTest, NoReadWaitsForTheRestOfItsWindow) {
    job.read_rate = kByteANanosecond;
    job.hold = ns(100);
    run(ns(64 + 1000 + 100) + 1);
    EXPECT_EQ(memory.arrivals.size(), 9u); // the first of the second window follows the first of the first
}

TEST_F(EngineTest, TimeThatDataIsHeldIsNoneOfItsLatency) {
    job.hold = ns(100);
    const auto counters = run(ns(1100) * 10 + 1);
    EXPECT_EQ(counters.units, 80u);
    EXPECT_EQ(counters.latency, 80 * kLatency);
}

TEST_F(EngineTest, IssueRateLimitsASlidingWindowThatIsWideEnough) {
    job.read_rate = kByteANanosecond / 10; // a burst every 640 ns, less than two in flight
    EXPECT_EQ(run(ns(640 * 100 + 1000) + 1).units, 100u);
}

TEST_F(EngineTest, WindowOfPartOfABurstHoldsOnAverage) {
    job.read_window = 544; // eight and a half bursts
    EXPECT_NEAR(static_cast<double>(run(1000 * kLatency + 1).bytes), 1000. * 544, 1000. * 544 * 0.005);
}

TEST_F(EngineTest, WorkersHaveAWindowEach) {
    job.workers = 4;
    // They start within the first microsecond; after that each completes a window every 1000 ns.
    StreamJob::Counters early, late;
    simulate([&] {
        Engine::Job& running = engine.start(job);
        wait_until(10 * kLatency);
        early = Engine::counters(running);
        wait_until(110 * kLatency);
        late = Engine::counters(running);
        end(running);
    });
    EXPECT_EQ(late.bytes - early.bytes, 100u * 4 * 512);
}

TEST_F(EngineTest, WritesHaveTheirOwnWindowAndRate) {
    job.reads.clear();
    job.write = leg(true);
    job.write_window = 128;
    EXPECT_EQ(run(100 * kLatency + 1).bytes, 100u * 128);
}

TEST_F(EngineTest, RateCapHoldsForAllWorkersTogether) {
    job.workers = 3;
    job.rate_cap = kByteANanosecond / 10; // three workers could do 1.5 bytes a nanosecond
    const auto counters = run(ns(640 * 1000 + 1000) - 1);
    EXPECT_EQ(counters.units, 1000u);
}

TEST_F(EngineTest, LatencyIsThatOfEachUnit) {
    translation.delay = ns(30);
    const auto counters = run(ns(1030) * 10 + 1);
    EXPECT_EQ(counters.units, 80u);
    EXPECT_EQ(counters.latency, 80 * ns(1030));
}

TEST_F(EngineTest, LatenciesAreCountedFromWhenTheyWereForgotten) {
    // 8 units with 30 ns of translation each 1030 ns, then, once forgotten, 8 units with 50 ns in the fourth round.
    translation.delay = ns(30);
    simulate([&] {
        Engine::Job& running = engine.start(job);
        wait_until(ns(1030) * 3 - 1);
        translation.delay = ns(50);
        wait_until(ns(1030) * 3 + 1);
        EXPECT_EQ(Engine::latencies(running).count(), 3u * 8);
        EXPECT_EQ(Engine::latencies(running).max(), ns(1030));
        Engine::forget_latencies(running);
        wait_until(ns(1030) * 3 + ns(1050) + 1);
        EXPECT_EQ(Engine::latencies(running).count(), 8u);
        EXPECT_EQ(Engine::latencies(running).quantile(1), ns(1050));
        EXPECT_EQ(Engine::latencies(running).quantile(10'000), ns(1050));
        end(running);
    });
}

// A kernel of 160 bytes: bursts of 64, 64 and 32. They come back together after 1000 ns, the next are launched 50 ns
// later.
TEST_F(EngineTest, EachPassIsAKernelThatWaitsForTheLast) {
    job.pass_bytes = 160;
    job.launch = ns(50);
    const auto counters = run(10 * ns(1000) + 9 * ns(50) + 1);
    EXPECT_EQ(counters.bytes, 10u * 160);
    EXPECT_EQ(counters.units, 10u * 3);
    EXPECT_EQ(memory.arrivals.size(), 10u * 3);
}

// --- what a unit is made of ---------------------------------------------------------------------------------------

TEST_F(EngineTest, CopyWritesWhatItHasReadAndNotBefore) {
    job.write = leg(true);
    job.read_window = job.write_window = 64; // one at a time
    const auto counters = run(10 * 2 * kLatency + 1);
    EXPECT_EQ(counters.units, 10u);
    EXPECT_EQ(counters.bytes, 640u); // counted once
    EXPECT_EQ(counters.latency, 10 * 2 * kLatency);
    for (std::size_t i = 0; i + 1 < memory.arrivals.size(); ++i) {
        EXPECT_EQ(memory.arrivals[i].write, i % 2 == 1);
        EXPECT_EQ(memory.arrivals[i].time, kLatency * i);
    }
}

TEST_F(EngineTest, TriadReadsBothArraysBeforeItWrites) {
    job.reads = {leg(), leg()};
    job.write = leg(true);
    job.read_window = 128;
    job.write_window = 64;
    const auto counters = run(10 * 2 * kLatency + 1);
    EXPECT_EQ(counters.units, 10u);
    EXPECT_EQ(counters.bytes_received, 10u * 3 * 64);
}

TEST_F(EngineTest, GateLetsBurstsThroughOneByOne) {
    models::Server gate("copy engine");
    job.reads[0].gate = &gate;
    job.reads[0].gate_rate = kByteANanosecond / 10; // 640 ns a burst
    run(ns(6400));
    ASSERT_GE(memory.arrivals.size(), 10u);
    EXPECT_EQ(memory.arrivals[9].time, ns(9 * 640));
}

TEST_F(EngineTest, HitInItsOwnCachesSendsNothing) {
    job.reads[0].hits = {{1.0, ns(40)}};
    EXPECT_EQ(run(ns(400) + 1).bytes, 10u * 512);
    EXPECT_TRUE(memory.arrivals.empty());
}

TEST_F(EngineTest, PingPongSumsItsTwoTurns) {
    job = {};
    job.pattern = StreamJob::Pattern::kPingPong;
    job.burst_bytes = 64;
    auto atomic = leg();
    atomic.overhead = ns(70);
    auto local = leg();
    local.overhead = ns(30);
    job.turns = {{&engine, atomic, false}, {&engine, local, true}};
    const auto counters = run(10 * ns(70 + 1000 + 30) + 1);
    EXPECT_EQ(counters.units, 10u);
    EXPECT_EQ(counters.latency, 10 * ns(70 + 1000 + 30));
}

// --- the end ------------------------------------------------------------------------------------------------------

TEST_F(EngineTest, StoppedJobIsDrainedWhenItsLastByteIsBack) {
    simulate([&] {
        Engine::Job& running = engine.start(job);
        wait_until(ns(500));
        EXPECT_FALSE(Engine::drained(running)); // not stopped
        engine.stop(running);
        EXPECT_FALSE(Engine::drained(running)); // 512 bytes in flight
        EXPECT_EQ(Engine::counters(running).bytes_sent, 512u);
        EXPECT_EQ(Engine::counters(running).bytes_received, 0u);
        wait_until(kLatency + 1);
        EXPECT_TRUE(Engine::drained(running));
        EXPECT_EQ(Engine::counters(running).bytes_received, 512u);
        EXPECT_EQ(packets.in_flight(), 0u);
        engine.finish(running);
    });
    EXPECT_EQ(memory.arrivals.size(), 8u);
}

TEST_F(EngineTest, UnmappedMemoryStopsTheJobWithASentence) {
    const test::FixedMapping three_bursts(1, models::Mapping::Tables::kOwn, 4096, 0, 3 * 64);
    job.reads[0].mapping = &three_bursts;
    simulate([&] {
        Engine::Job& running = engine.start(job);
        wait_until(10 * kLatency);
        EXPECT_EQ(Engine::fault(running), "offset 0xc0 of the working set is not mapped");
        EXPECT_TRUE(Engine::drained(running));
        EXPECT_EQ(Engine::counters(running).bytes_sent, Engine::counters(running).bytes_received);
        end(running);
    });
    EXPECT_EQ(memory.arrivals.size(), 3u);
}

TEST_F(EngineTest, SoundJobHasNoFault) {
    simulate([&] {
        Engine::Job& running = engine.start(job);
        wait_until(10 * kLatency);
        EXPECT_EQ(Engine::fault(running), "");
        end(running);
    });
}

} // namespace
