#pragma once

#include <memory>

#include "models/engine.h"
#include "tests/models/ends.h"
#include "tests/models/fixed_mapping.h"
#include "tests/models/sim_test.h"

/// An engine in front of memory that answers each access after 1000 ns, however many there are.
///
/// Bursts of 64 bytes, one worker, reads; a test changes what it asks about.
struct EngineBench : SimTest {
    static constexpr Picoseconds kLatency = 1'000'000;

    /// Translates at no cost.
    struct NoTranslation final : models::Translator {
        std::optional<Picoseconds> translate(const models::Mapping&, const models::Mapping::Leaf&, unsigned, Client&,
                                             void*) override {
            return delay;
        }
        void warm(const models::Mapping&, std::uint64_t, unsigned) override {}
        void flush() override {}
        Picoseconds delay = 0;
    } translation;

    models::Engine engine{"engine", events, packets, translation};
    test::Answerer memory{"memory", events, 1, kLatency};
    const test::FixedMapping mapping{1, models::Mapping::Tables::kOwn, 4096};
    models::StreamJob job;

    EngineBench() {
        models::Component::join(engine, 0, memory, 0);
        job.reads = {leg()};
        job.burst_bytes = 64;
        job.read_window = 512;
        job.write_window = 512;
    }

    models::Leg leg(bool write = false) const {
        models::Leg leg;
        leg.write = write;
        leg.mapping = &mapping;
        leg.working_set = 1 << 20;
        return leg;
    }

    /// The counters after the job ran for `time`; then it is stopped and drained.
    models::StreamJob::Counters run(Picoseconds time) {
        models::StreamJob::Counters counters;
        simulate([&] {
            models::Engine::Job& running = engine.start(job);
            wait_until(time);
            counters = models::Engine::counters(running);
            end(running);
        });
        return counters;
    }

    /// Stops and waits until nothing is in flight. For threads of `simulate`.
    void end(models::Engine::Job& running) {
        engine.stop(running);
        for (int i = 0; i < 1000 && !models::Engine::drained(running); ++i) {
            wait_until(now() + ns(100));
        }
        ASSERT_TRUE(models::Engine::drained(running));
        const auto& counters = models::Engine::counters(running);
        EXPECT_EQ(counters.bytes_sent, counters.bytes_received);
        EXPECT_EQ(packets.in_flight(), 0u);
        engine.finish(running);
    }
};
