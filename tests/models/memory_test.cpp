// Memory: when does it answer, what do reads and writes cost each other, and are the bytes the ones that were written?
//
// Two bytes a nanosecond read, one written; 50 ns to the data of a read, 30 ns to the acknowledgement of a write.
#include "tests/models/ends.h"
#include "tests/models/sim_test.h"

#include <array>
#include <memory>
#include <numeric>

#include "models/memory.h"

namespace {

using models::transit;

models::MemorySpec plain() {
    models::MemorySpec spec;
    spec.capacity_bytes = 1 << 30;
    spec.read_bytes_per_second = 2'000'000'000;
    spec.write_bytes_per_second = 1'000'000'000;
    spec.read_latency = 50'000;
    spec.write_latency = 30'000;
    return spec;
}

struct MemoryTest : SimTest {
    models::SparseStore store;
    std::unique_ptr<models::Memory> memory;
    test::Asker asker{"asker", events, packets};

    void build(const models::MemorySpec& spec) {
        memory = std::make_unique<models::Memory>("memory", events, spec, store);
        models::Component::join(asker, 0, *memory, 0);
    }
};

TEST_F(MemoryTest, ReadTakesItsLatencyAndItsData) {
    build(plain());
    simulate([&] { asker.send(asker.read(64)); });
    EXPECT_EQ(asker.last(), ns(50 + 64 / 2.));
    EXPECT_EQ(asker.replies[0].first, ns(50));
    EXPECT_EQ(asker.replies[0].status, tlm::TLM_OK_RESPONSE);
}

TEST_F(MemoryTest, WriteIsAcknowledgedWhenItsLastByteIsIn) {
    build(plain());
    simulate([&] {
        auto& payload = asker.write(64);
        transit(payload).tail = ns(7);
        asker.send(payload);
    });
    EXPECT_EQ(asker.last(), ns(7 + 30));
}

struct Arrivals final : models::Delivery {
    std::vector<std::pair<models::Picoseconds, std::uint64_t>> all;
    void arrived(models::Picoseconds time, std::uint64_t bytes) override { all.emplace_back(time, bytes); }
};

TEST_F(MemoryTest, WriterCanHearWhenItsBytesAreIn) {
    build(plain());
    Arrivals arrivals;
    simulate([&] {
        for (const bool write : {true, false, true}) {
            auto& payload = write ? asker.write(64) : asker.read(64);
            transit(payload).tail = ns(7);
            transit(payload).delivery = &arrivals;
            asker.send(payload);
        }
        auto& hit = asker.write(32); // by a cache at the memory's home
        transit(hit).home_hit = true;
        transit(hit).delivery = &arrivals;
        asker.send(hit);
    });
    // When it is acknowledged: 30 ns and a tail of 7 after its turn; the second one's comes 64 + 32 ns later.
    EXPECT_THAT(arrivals.all,
                testing::ElementsAre(std::pair{ns(0), 32u}, std::pair{ns(37), 64u}, std::pair{ns(64 + 32 + 37), 64u}));
}

TEST_F(MemoryTest, ReadsAndWritesShareTheTime) {
    build(plain());
    simulate([&] {
        for (int i = 0; i < 100; ++i) {
            asker.send(asker.read(128));
            asker.send(asker.write(128));
        }
    });
    EXPECT_EQ(memory->server().busy_until(ns(1e6)), ns(100 * 128 / 2. + 100 * 128));
    EXPECT_EQ(asker.replies.back().last, ns(100 * 64 + 99 * 128 + 30)); // a write that begins when all else is done
    EXPECT_EQ(memory->bytes_read(), 12'800u);
    EXPECT_EQ(memory->bytes_written(), 12'800u);
}

struct TurnaroundTest : MemoryTest {
    TurnaroundTest() {
        auto spec = plain();
        spec.channels = 4;
        spec.turnaround = 16'000;
        spec.batch_bytes = 512;
        build(spec);
    }

    /// Bursts of 64 ns each, every `write_every`th a write (0 = none): picoseconds of turnaround for each byte of the
    /// second half.
    double turnaround_per_byte(int write_every) {
        constexpr int kCount = 40'000;
        Picoseconds half = 0;
        std::uint64_t bytes = 0;
        simulate([&] {
            for (int i = 0; i < kCount; ++i) {
                if (i == kCount / 2) {
                    wait_until(ns(1e9)); // all of the first half has been served
                    half = memory->server().busy_until(now());
                    bytes = 0;
                }
                auto& payload = write_every != 0 && i % write_every == 0 ? asker.write(64) : asker.read(128);
                bytes += payload.get_data_length();
                asker.send(payload);
            }
        });
        const Picoseconds busy = memory->server().busy_until(ns(2e9)) - half;
        return static_cast<double>(busy - kCount / 2 * ns(64)) / static_cast<double>(bytes);
    }
};

// Half of the time written: for each batch of 512 bytes of writes, to and fro, 2 * 16 ns, while another of reads
// passes; on 4 channels.
TEST_F(TurnaroundTest, HalfWrittenTurnsAroundOnceABatch) {
    EXPECT_NEAR(turnaround_per_byte(2), 2 * 0.5 * 16'000 / (512 * 4), 0.06);
}

// A quarter: a batch of writes to three of reads.
TEST_F(TurnaroundTest, QuarterWrittenTurnsAroundHalfAsOften) {
    EXPECT_NEAR(turnaround_per_byte(4), 2 * 0.25 * 16'000 / (512 * 4), 0.06);
}

TEST_F(TurnaroundTest, ReadsAloneNeverTurnAround) { EXPECT_EQ(turnaround_per_byte(0), 0); }

TEST_F(MemoryTest, HitInTheHomesCachesCostsNothing) {
    build(plain());
    simulate([&] {
        for (int i = 0; i < 3; ++i) {
            auto& payload = i == 2 ? asker.write(64) : asker.read(64);
            transit(payload).home_hit = true;
            asker.send(payload);
        }
    });
    EXPECT_EQ(asker.answered(), 3u);
    EXPECT_EQ(asker.last(), 0u);
    EXPECT_EQ(memory->server().bytes(), 0u);
}

TEST_F(MemoryTest, ServiceScaleStretchesTheTimeOfABurst) {
    build(plain());
    simulate([&] {
        auto& payload = asker.read(64);
        transit(payload).service_scale = 1.5f;
        asker.send(payload);
    });
    EXPECT_EQ(asker.last(), ns(50 + 1.5 * 64 / 2));
}

TEST_F(MemoryTest, LoadAddsQueueingToEachLatency) {
    auto spec = plain();
    spec.queueing_quantum = 8'000;
    spec.write_queueing_quantum = 2'000;
    spec.queueing_depth = 1e9;
    build(spec);
    simulate([&] {
        for (int i = 0; i < 20'000; ++i) { // 32 ns of work every 64 ns
            wait_until(ns(64) * static_cast<Picoseconds>(i));
            asker.send(i % 2 == 0 ? asker.read(64) : asker.write(32));
        }
    });
    // At u = 1/2 the wait is half a quantum.
    const auto begin = [&](std::size_t i) { return ns(64) * i; };
    EXPECT_NEAR(static_cast<double>(asker.replies[19'998].first - begin(19'998)), ns(50 + 8 / 2.), 2);
    EXPECT_NEAR(static_cast<double>(asker.replies[19'999].first - begin(19'999)), ns(30 + 2 / 2.), 2);
    EXPECT_EQ(asker.replies[0].first, ns(50) + 8'000 * 16 / 984 / 2); // u = 32 ns of 2 us after one burst
}

TEST_F(MemoryTest, BytesReadBackAreThoseWritten) {
    build(plain());
    std::array<unsigned char, 200> written{};
    std::iota(written.begin(), written.end(), static_cast<unsigned char>(3));
    const std::uint64_t at = models::SparseStore::kPageBytes - 100; // across a page of the store
    auto& write = asker.write(written.size(), at);
    EXPECT_EQ(asker.move(write, written.data()), written.size());
    write.release();
    decltype(written) seen{};
    auto& read = asker.read(seen.size(), at);
    EXPECT_EQ(asker.move(read, seen.data()), seen.size());
    read.release();
    EXPECT_EQ(seen, written);
    decltype(written) in_store{};
    store.read(egm::Spa{at}, in_store.data(), in_store.size());
    EXPECT_EQ(in_store, written);
    EXPECT_EQ(memory->server().bytes(), 0u); // untimed
}

TEST_F(MemoryTest, TraceSaysWhatABurstCosts) {
    build(plain());
    auto& payload = asker.write(64);
    const auto path = asker.trace(payload);
    transit(payload).home_hit = true;
    EXPECT_TRUE(asker.trace(payload).uses.empty());
    payload.release();
    ASSERT_EQ(path.uses.size(), 1u);
    EXPECT_DOUBLE_EQ(path.uses[0].picoseconds, static_cast<double>(ns(64)));
    EXPECT_EQ(path.latency, ns(30));
}

} // namespace
