// The pieces that a run of a whole fabric rests on: loading a machine, its routes, what a spread costs, a TLB, the
// event queue. Google Benchmark, in a process with one SystemC kernel; docs/performance.md has the figures.
#include <benchmark/benchmark.h>

#include <memory>
#include <systemc>
#include <vector>

#include "models/event_queue.h"
#include "models/tlb.h"
#include "sim/fabric_shares.h"
#include "sim/shipped_topologies.h"
#include "sim/topology_loader.h"

namespace {

const char* const kMachines[] = {"gb200-nvl72", "dgx-gh200-256", "nvl576"};

sim::Topology machine(std::int64_t which) {
    sim::Diagnostics diagnostics;
    auto topology = sim::load_topology(kMachines[which], sim::shipped_topologies(), diagnostics);
    if (!topology) {
        std::abort();
    }
    return std::move(*topology);
}

void topology_load(benchmark::State& state) {
    for (auto _ : state) {
        benchmark::DoNotOptimize(machine(state.range(0)));
    }
    state.SetLabel(kMachines[state.range(0)]);
}
BENCHMARK(topology_load)->DenseRange(0, 2)->Unit(benchmark::kMillisecond);

void routing(benchmark::State& state) {
    const sim::Topology topology = machine(state.range(0));
    for (auto _ : state) {
        const sim::Routing routing(topology);
        benchmark::DoNotOptimize(routing.longest());
    }
    state.SetLabel(kMachines[state.range(0)]);
}
BENCHMARK(routing)->DenseRange(0, 2)->Unit(benchmark::kMillisecond);

/// The links that the packets of one GPU to all others cross.
void fabric_shares(benchmark::State& state) {
    const sim::Topology topology = machine(state.range(0));
    const sim::Routing routing(topology);
    sim::FabricShares shares(topology, routing);
    const sim::FabricShares::Latencies latencies{std::vector<double>(topology.links.size(), 1),
                                                 std::vector<double>(topology.parts.size(), 1)};
    std::vector<double> weights(shares.gpus(), 1. / static_cast<double>(shares.gpus() - 1));
    std::size_t source = 0;
    while (!std::holds_alternative<models::GpuSpec>(topology.parts[source].spec)) {
        ++source;
    }
    weights[shares.gpu_number(source)] = 0;
    for (auto _ : state) {
        shares.run(source, weights, latencies);
        benchmark::DoNotOptimize(shares.crossings().data());
    }
    state.counters["links"] = static_cast<double>(shares.crossings().size());
    state.SetLabel(kMachines[state.range(0)]);
}
BENCHMARK(fabric_shares)->DenseRange(0, 2)->Unit(benchmark::kMicrosecond);

/// Look-ups of a GMMU's TLB (32 768 entries) by a stream over so many pages.
void gmmu_look_up(benchmark::State& state) {
    models::Tlb tlb(32768);
    std::uint64_t page = 0;
    for (auto _ : state) {
        benchmark::DoNotOptimize(tlb.look_up(1, page));
        page = page + 1 == static_cast<std::uint64_t>(state.range(0)) ? 0 : page + 1;
    }
}
BENCHMARK(gmmu_look_up)->Arg(64)->Arg(32768)->Arg(1 << 20);

/// Handlers that schedule themselves again and again, each at a pace of its own: the queue holds one event of each.
class Hold final : models::EventQueue::Handler {
public:
    explicit Hold(models::EventQueue& events) : events_(events) {}
    void run(std::uint64_t pending, std::uint64_t count) {
        left_ = count;
        for (std::uint64_t i = 0; i < pending; ++i) {
            again();
        }
        sc_core::sc_start();
    }

private:
    void fire(void*) override {
        if (left_ > 0) {
            --left_;
            again();
        }
    }
    void again() {
        random_ = random_ * 6364136223846793005u + 1442695040888963407u;
        events_.at(events_.now() + 1 + (random_ >> 44), *this, nullptr);
    }

    models::EventQueue& events_;
    std::uint64_t left_ = 0;
    std::uint64_t random_ = 1;
};

Hold* hold = nullptr;

void event_queue_hold(benchmark::State& state) {
    constexpr std::uint64_t kEvents = 200'000;
    for (auto _ : state) {
        hold->run(static_cast<std::uint64_t>(state.range(0)), kEvents);
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * (kEvents + state.range(0))));
}
BENCHMARK(event_queue_hold)->Arg(1'000)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMillisecond);

/// The same by SystemC's own scheduler: a process and an event for each that is pending, nothing of ours.
class KernelHold final : public sc_core::sc_module {
public:
    explicit KernelHold(const sc_core::sc_module_name& name) : sc_module(name) {
        SC_HAS_PROCESS(KernelHold);
        SC_METHOD(run);
        sensitive << event_;
        dont_initialize();
    }
    void again() {
        random_ = random_ * 6364136223846793005u + 1442695040888963407u;
        event_.notify(sc_core::sc_time::from_value(1 + (random_ >> 44)));
    }

    static inline std::uint64_t left = 0;

private:
    void run() {
        if (left > 0) {
            --left;
            again();
        }
    }

    static inline std::uint64_t random_ = 1;
    sc_core::sc_event event_;
};

std::vector<std::unique_ptr<KernelHold>> kernel_holds;

void systemc_hold(benchmark::State& state) {
    constexpr std::uint64_t kEvents = 200'000;
    for (auto _ : state) {
        KernelHold::left = kEvents;
        for (std::int64_t i = 0; i < state.range(0); ++i) {
            kernel_holds[static_cast<std::size_t>(i)]->again();
        }
        sc_core::sc_start();
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * (kEvents + state.range(0))));
}
BENCHMARK(systemc_hold)->Arg(1'000)->Arg(10'000)->Unit(benchmark::kMillisecond);

} // namespace

int sc_main(int argc, char* argv[]) {
    models::EventQueue events("events");
    Hold handlers(events);
    hold = &handlers;
    while (kernel_holds.size() < 10'000) {
        kernel_holds.push_back(std::make_unique<KernelHold>(sc_core::sc_gen_unique_name("kernel")));
    }
    sc_core::sc_start(sc_core::SC_ZERO_TIME);
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
