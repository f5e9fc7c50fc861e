// Engine: jobs of so many bytes. When has the last byte arrived, when does the initiator know, and is the job free
// again?
//
// Windows of 8 bursts of 64 bytes; each access takes 1000 ns (see engine_bench.h).
#include "tests/models/engine_bench.h"

namespace {

using models::Engine;
using testing::ElementsAre;
using testing::HasSubstr;

struct FiniteJobTest : EngineBench, Engine::Client {
    struct End {
        char what; ///< d, a or f
        std::uintptr_t token;
        Picoseconds time;
        bool operator==(const End&) const = default;
        friend void PrintTo(const End& end, std::ostream* out) { *out << end.what << end.token << " at " << end.time; }
    };
    std::vector<End> ends;
    std::string why;

    void note(char what, void* token) { ends.push_back({what, reinterpret_cast<std::uintptr_t>(token), now()}); }
    void delivered(void* token) override { note('d', token); }
    void acknowledged(void* token) override { note('a', token); }
    void failed(void* token, const std::string& reason) override {
        note('f', token);
        why = reason;
    }
    void go(std::uint64_t bytes, std::uintptr_t token = 1) {
        engine.start(job, bytes, *this, reinterpret_cast<void*>(token));
    }
    std::uint64_t asked() const { return memory.arrivals.size(); }
};

TEST_F(FiniteJobTest, ReadIsOverWhenItsLastByteIsBack) {
    simulate([&] { go(3 * 512); }); // three windows, one after the other
    EXPECT_THAT(ends, ElementsAre(End{'d', 1, ns(3000)}, End{'a', 1, ns(3000)}));
    EXPECT_EQ(asked(), 24u);
}

TEST_F(FiniteJobTest, LastBurstIsAsShortAsItMustBe) {
    job.write_rate = 1'000'000'000; // a byte a nanosecond
    job.reads.clear();
    job.write = leg(true);
    memory.arrival = ns(10);
    simulate([&] { go(100); }); // 64 bytes, and 36 more that leave after them, whose last one leaves after 100 ns
    EXPECT_EQ(asked(), 2u);
    EXPECT_EQ(ends.front(), (End{'d', 1, ns(100 + 10)}));
    EXPECT_EQ(ends.back(), (End{'a', 1, ns(100 + 1000)}));
}

TEST_F(FiniteJobTest, WriteHasArrivedBeforeItsWriterKnows) {
    job.reads.clear();
    job.write = leg(true);
    memory.arrival = ns(400);
    simulate([&] { go(1024); }); // two windows; the second leaves when the first is acknowledged
    EXPECT_THAT(ends, ElementsAre(End{'d', 1, ns(1400)}, End{'a', 1, ns(2000)}));
}

TEST_F(FiniteJobTest, WriteWhoseAcknowledgementIsLostHasArrivedOnce) {
    job.reads.clear();
    job.write = leg(true);
    job.retry = ns(500);
    memory.arrival = ns(400);
    memory.to_lose = 1;
    // Eight bursts, of which one is lost on its way back and comes again at 1500 ns; seven more at 1000 ns; and the
    // last when these are acknowledged.
    simulate([&] { go(1024); });
    EXPECT_THAT(ends, ElementsAre(End{'d', 1, ns(2400)}, End{'a', 1, ns(3000)}));
    EXPECT_EQ(asked(), 17u);
}

TEST_F(FiniteJobTest, CopyIsOverWhenItsLastWriteHasArrived) {
    job.write = leg(true);
    memory.arrival = ns(400);
    simulate([&] { go(512); }); // reads 1000 ns, then writes
    EXPECT_THAT(ends, ElementsAre(End{'d', 1, ns(1400)}, End{'a', 1, ns(2000)}));
}

TEST_F(FiniteJobTest, WorkersWithoutABurstDoNothing) {
    job.workers = 100;
    simulate([&] { go(3 * 64); }); // at once, and not spread over a microsecond: their kernel runs already
    EXPECT_THAT(ends, ElementsAre(End{'d', 1, ns(1000)}, End{'a', 1, ns(1000)}));
    EXPECT_EQ(asked(), 3u);
}

TEST_F(FiniteJobTest, ManyJobsShareAnEngineAndAreUsedAgain) {
    simulate([&] {
        for (std::uintptr_t i = 1; i <= 1000; ++i) {
            go(512 + 64 * (i % 3), i);
        }
        wait_until(ns(5000));
        go(64, 2000);
    });
    EXPECT_EQ(ends.size(), 2002u);
    EXPECT_EQ(ends.back(), (End{'a', 2000, ns(6000)}));
    EXPECT_EQ(packets.in_flight(), 0u);
}

TEST_F(FiniteJobTest, RateCapHoldsToItsEnd) {
    job.rate_cap = 100'000'000; // 64 bytes in 640 ns
    simulate([&] { go(10 * 64); });
    EXPECT_EQ(ends.back(), (End{'a', 1, ns(9 * 640 + 1000)}));
}

TEST_F(FiniteJobTest, BeginsTheNextInsideTheCall) {
    struct Chain : Engine::Client {
        FiniteJobTest& test;
        explicit Chain(FiniteJobTest& owner) : test(owner) {}
        int left = 4;
        void delivered(void*) override {
            if (--left > 0) {
                test.engine.start(test.job, 64, *this, nullptr);
            }
        }
        void acknowledged(void*) override { test.note('a', nullptr); }
        void failed(void*, const std::string&) override {}
    } chain{*this};
    simulate([&] { engine.start(job, 64, chain, nullptr); });
    EXPECT_THAT(
        ends, ElementsAre(End{'a', 0, ns(1000)}, End{'a', 0, ns(2000)}, End{'a', 0, ns(3000)}, End{'a', 0, ns(4000)}));
}

TEST_F(FiniteJobTest, FailsWhereNothingIsMapped) {
    const test::FixedMapping short_one{2, models::Mapping::Tables::kOwn, 4096, 0, 256};
    job.reads[0].mapping = &short_one;
    simulate([&] { go(4096); });
    EXPECT_THAT(ends, ElementsAre(End{'f', 1, ns(1000)})); // once what was under way is back
    EXPECT_THAT(why, HasSubstr("offset 0x100 of the working set is not mapped"));
}

TEST_F(FiniteJobTest, StoppedJobEndsQuietly) {
    simulate([&] {
        Engine::Job& running = engine.start(job, 1 << 20, *this, nullptr);
        wait_until(ns(1500));
        engine.stop(running);
    });
    EXPECT_TRUE(ends.empty());
    EXPECT_EQ(asked(), 16u);
    EXPECT_EQ(packets.in_flight(), 0u);
}

} // namespace
