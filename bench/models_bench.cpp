// What one transaction costs the models that most of them cross: a link, a switch between two links, a walk of a GMMU.
// Google Benchmark, in a process with one SystemC kernel; docs/performance.md has the figures.
#include <benchmark/benchmark.h>

#include <optional>
#include <systemc>

#include "bench/round_trip_end.h"
#include "models/gmmu.h"
#include "models/link.h"
#include "models/nvswitch.h"
#include "models/smmu.h"
#include "tests/models/fixed_mapping.h"

namespace {

/// Sends a burst as soon as the answer to the one before is there.
class End final : public bench::RoundTripEnd {
public:
    using RoundTripEnd::RoundTripEnd;

    void run(std::uint64_t round_trips) {
        left_ = round_trips;
        answered();
        sc_core::sc_start();
    }

private:
    void answered() override {
        if (left_ > 0) {
            --left_;
            ask(tlm::TLM_READ_COMMAND, 1, 4096, 64);
        }
    }

    std::uint64_t left_ = 0;
};

const models::LinkSpec kLink{.line_bytes_per_second = 450'000'000'000,
                             .latency = 250'000,
                             .header_bytes = 16,
                             .write_header_bytes = 16,
                             .buffer_bytes = 450'000};

struct Bench final : models::Translator::Client {
    models::EventQueue events{"events"};
    models::PacketPool packets;
    End near{"near", events, packets}, far{"far", events, packets};
    models::Link link{"link", events, kLink};
    End sender{"sender", events, packets}, taker{"taker", events, packets};
    models::Link up{"up", events, kLink}, down{"down", events, kLink};
    models::NvSwitch crossbar{"crossbar", events, {.latency = 100'000}, {"up", "down"}};
    models::Gmmu gmmu{"gmmu", events, packets, {64, 50'000, 64, 200'000, 2}, true};
    models::Smmu smmu{
        "smmu", events, {.tlb_entries = 1024, .tlb_latency = 10'000, .walkers = 8, .walk_access = 100'000}, {"gpu"}};
    std::uint64_t translated_pages = 0;

    Bench() {
        models::Component::join(near, 0, link, 0);
        models::Component::join(link, 1, far, 0);
        models::Component::join(sender, 0, up, 0);
        models::Component::join(up, 1, crossbar, 0);
        models::Component::join(crossbar, 1, down, 0);
        models::Component::join(down, 1, taker, 0);
        models::Component::join(gmmu, 0, smmu, 0);
        crossbar.set_route(models::Aperture::kFabric, 1, {{1, 1}});
    }
    void translated(void*) override { ++translated_pages; }
};

Bench* all_models = nullptr;
constexpr std::uint64_t kRoundTrips = 100'000;

/// A read of 4 KiB and its answer over one link with finite buffers, alone: two crossings.
void link_round_trip(benchmark::State& state) {
    for (auto _ : state) {
        all_models->near.run(kRoundTrips);
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kRoundTrips));
}
BENCHMARK(link_round_trip)->Unit(benchmark::kMillisecond);

/// The same through a switch: four crossings.
void switch_round_trip(benchmark::State& state) {
    for (auto _ : state) {
        all_models->sender.run(kRoundTrips);
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kRoundTrips));
}
BENCHMARK(switch_round_trip)->Unit(benchmark::kMillisecond);

/// Each page once, and so never in the TLB: a walk of the GPU's own tables.
void gmmu_walk(benchmark::State& state) {
    const test::FixedMapping own(1, models::Mapping::Tables::kOwn, 64 * 1024);
    std::uint64_t page = 0;
    for (auto _ : state) {
        const std::uint64_t offset = 64 * 1024 * page++;
        benchmark::DoNotOptimize(all_models->gmmu.translate(own, *own.at(offset), 0, *all_models, nullptr));
    }
}
BENCHMARK(gmmu_walk);

/// The same by ATS: a request to the SMMU, its walk, and the answer. Pages apart, so that none is asked for in advance.
void ats_walk(benchmark::State& state) {
    constexpr std::uint64_t kPages = 1'000;
    const test::FixedMapping system(2, models::Mapping::Tables::kSmmu, 64 * 1024);
    static std::uint64_t page = 0; // never one twice: this function runs several times
    for (auto _ : state) {
        const std::uint64_t before = all_models->translated_pages;
        for (std::uint64_t i = 0; i < kPages; ++i) {
            const std::uint64_t offset = 64 * 1024 * 10 * page++;
            all_models->gmmu.translate(system, *system.at(offset), 0, *all_models, nullptr);
        }
        sc_core::sc_start();
        if (all_models->translated_pages != before + kPages) {
            state.SkipWithError("a page was not translated");
        }
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kPages));
}
BENCHMARK(ats_walk)->Unit(benchmark::kMicrosecond);

} // namespace

int sc_main(int argc, char* argv[]) {
    Bench all;
    all_models = &all;
    sc_core::sc_start(sc_core::SC_ZERO_TIME);
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
