// Engine: which bytes does a stream touch, and does it use its packets again?
#include "tests/models/engine_bench.h"

#include <set>

namespace {

using models::transit;

using models::Engine;
using models::StreamJob;
using testing::ElementsAre;

struct EngineAddressesTest : EngineBench {
    std::vector<std::uint64_t> addresses(std::size_t count) const {
        std::vector<std::uint64_t> list;
        for (std::size_t i = 0; i < count && i < memory.arrivals.size(); ++i) {
            list.push_back(memory.arrivals[i].address);
        }
        return list;
    }
};

TEST_F(EngineAddressesTest, SequentialStreamBeginsAgainAtTheEndOfItsWorkingSet) {
    job.reads[0].working_set = 4 * 64 + 63;
    run(kLatency / 2);
    EXPECT_THAT(addresses(6), ElementsAre(0, 64, 128, 192, 0, 64));
}

TEST_F(EngineAddressesTest, WorkersOfAGridTakeTurnsAtOneRange) {
    job.workers = 2;
    job.read_window = 64;
    run(2 * kLatency);
    EXPECT_THAT(addresses(4), ElementsAre(0, 64, 128, 192));
}

TEST_F(EngineAddressesTest, ThreadsHaveARangeEach) {
    job.workers = 2;
    job.shared_cursor = false;
    job.read_window = 64;
    run(2 * kLatency);
    EXPECT_THAT(addresses(4), ElementsAre(0, 1 << 19, 64, (1 << 19) + 64));
}

TEST_F(EngineAddressesTest, RandomAccessesAreWholeBurstsInsideAndTheSameForTheSameSeed) {
    job.pattern = StreamJob::Pattern::kRandom;
    job.reads[0].working_set = 64 * 100;
    simulate([&] {
        for (const std::uint64_t seed : {1, 1, 2}) {
            job.seed = seed;
            Engine::Job& running = engine.start(job);
            wait_until(now() + 50 * kLatency);
            end(running);
        }
    });
    const std::size_t third = memory.arrivals.size() / 3;
    std::set<std::uint64_t> touched;
    bool other_seed_differs = false;
    for (std::size_t i = 0; i < third; ++i) {
        const std::uint64_t address = memory.arrivals[i].address;
        touched.insert(address);
        EXPECT_EQ(address % 64, 0u);
        EXPECT_LT(address, 64u * 100);
        EXPECT_EQ(memory.arrivals[third + i].address, address);
        other_seed_differs |= memory.arrivals[2 * third + i].address != address;
    }
    EXPECT_TRUE(other_seed_differs);
    EXPECT_GT(touched.size(), 90u); // 400 draws of 100 leave 1.8 untouched on average
}

TEST_F(EngineAddressesTest, TraceAndBytesFollowTheMapping) {
    const test::FixedMapping two_pages(1, models::Mapping::Tables::kOwn, 4096, 0, 8192);
    auto leg = this->leg();
    leg.mapping = &two_pages;
    EXPECT_EQ(engine.trace_path(leg, 64).latency, kLatency);
    std::uint64_t data = 0;
    EXPECT_TRUE(engine.access_bytes(leg, 8184, &data, 8));
    EXPECT_EQ(memory.arrivals.back().address, 8184u);
    EXPECT_FALSE(engine.access_bytes(leg, 8192, &data, 8));
    EXPECT_EQ(packets.in_flight(), 0u);
}

// --- packets ------------------------------------------------------------------------------------------------------

struct PacketPoolTest : EngineBench {};

TEST_F(PacketPoolTest, PacketGivenBackIsTheNextOneTakenAndFresh) {
    auto& first = packets.take(tlm::TLM_READ_COMMAND, 1, 64);
    transit(first).push(3);
    transit(first).coherent = true;
    first.set_response_status(tlm::TLM_OK_RESPONSE);
    EXPECT_EQ(packets.in_flight(), 1u);
    first.release();
    EXPECT_EQ(packets.in_flight(), 0u);
    auto& second = packets.take(tlm::TLM_WRITE_COMMAND, 2, 128);
    EXPECT_EQ(&second, &first);
    EXPECT_EQ(transit(second).hops, 0);
    EXPECT_FALSE(transit(second).coherent);
    EXPECT_EQ(second.get_response_status(), tlm::TLM_INCOMPLETE_RESPONSE);
    EXPECT_EQ(second.get_data_length(), 128u);
    EXPECT_TRUE(second.is_write());
    second.release();
}

TEST_F(PacketPoolTest, SteadyStateUsesAsManyPacketsAsAreInFlight) {
    job.write = leg(true);
    std::size_t most = 0;
    simulate([&] {
        Engine::Job& running = engine.start(job);
        for (int i = 0; i < 100; ++i) {
            wait_until(now() + kLatency / 3);
            most = std::max(most, packets.in_flight());
        }
        end(running);
    });
    EXPECT_EQ(most, 8u);
    // 8 packets in flight at most, so that the ninth taken now is the first new one.
    std::set<models::Payload*> used, again;
    for (int round = 0; round < 2; ++round) {
        for (int i = 0; i < 8; ++i) {
            (round == 0 ? used : again).insert(&packets.take(tlm::TLM_READ_COMMAND, 0, 64));
        }
        for (models::Payload* payload : round == 0 ? used : again) {
            payload->release();
        }
    }
    EXPECT_EQ(used, again);
    EXPECT_GT(memory.arrivals.size(), 200u);
}

} // namespace
