// The fluid solver on whole fabrics: how long do the rates of all pairs take, and the finish of fixed works?
//
// Fabrics are built here, without files: one level (each GPU with 18 links, one to each of 18 switch chips) at 72 GPUs,
// two levels (a leaf for each rack or node, trunks to a spine) at 256 and 576. Each flow is a read of remote EGM: from
// the owner's LPDDR5X over its C2C, its NVLinks, the trunks, to the reader's NVLinks and its trackers.
#include <benchmark/benchmark.h>

#include "sim/fluid_finish.h"
#include "sim/fluid_max_min.h"

namespace {

using sim::FluidNetwork;
using Index = FluidNetwork::Index;

struct Fabric {
    unsigned gpus;
    unsigned gpus_of_leaf; ///< all of them: one level
    unsigned planes;       ///< links of each GPU, to as many switch chips
    bool own_limits;       ///< each flow also has requests in flight of its own
};

constexpr double kLink = 900e9;  ///< bytes a second of a GPU's links together
constexpr double kTrunk = 450e9; ///< of a leaf's trunks, for each of its GPUs: two to one
constexpr double kC2c = 420e9;
constexpr double kLpddr = 478e9;

FluidNetwork all_pairs(const Fabric& fabric) {
    FluidNetwork network;
    const auto several = [&](unsigned count) {
        std::vector<Index> made;
        for (unsigned i = 0; i < count; ++i) {
            made.push_back(network.add_resource());
        }
        return made;
    };
    const unsigned leaves = fabric.gpus / fabric.gpus_of_leaf;
    const std::vector<Index> memory = several(fabric.gpus), c2c = several(fabric.gpus), trackers = several(fabric.gpus);
    const std::vector<Index> up = several(fabric.gpus * fabric.planes), down = several(fabric.gpus * fabric.planes);
    const std::vector<Index> out = several(leaves), in = several(leaves);
    const std::size_t flows = std::size_t{fabric.gpus} * (fabric.gpus - 1);
    network.reserve(flows, flows * (5 + 2 * fabric.planes));
    for (unsigned reader = 0; reader < fabric.gpus; ++reader) {
        for (unsigned owner = 0; owner < fabric.gpus; ++owner) {
            if (reader == owner) {
                continue;
            }
            network.add_flow(fabric.own_limits ? 1e9 * (1 + (reader * 7 + owner * 3) % 64) : FluidNetwork::kUnlimited);
            network.add_use(memory[owner], 1 / kLpddr);
            network.add_use(c2c[owner], 1 / kC2c);
            network.add_use(trackers[reader], 1 / 1200e9);
            for (unsigned plane = 0; plane < fabric.planes; ++plane) { // each carries an equal share of each flow
                network.add_use(up[owner * fabric.planes + plane], 1 / kLink);
                network.add_use(down[reader * fabric.planes + plane], 1 / kLink);
            }
            if (const unsigned from = owner / fabric.gpus_of_leaf, to = reader / fabric.gpus_of_leaf; from != to) {
                network.add_use(out[from], 1 / (kTrunk * fabric.gpus_of_leaf));
                network.add_use(in[to], 1 / (kTrunk * fabric.gpus_of_leaf));
            }
        }
    }
    return network;
}

Fabric fabric_of(const benchmark::State& state) {
    return {static_cast<unsigned>(state.range(0)), static_cast<unsigned>(state.range(1)),
            static_cast<unsigned>(state.range(2)), state.range(3) != 0};
}

/// From nothing to the rates: the network is built, then solved.
void all_pairs_rates(benchmark::State& state) {
    const Fabric fabric = fabric_of(state);
    std::size_t flows = 0;
    for (auto _ : state) {
        const FluidNetwork network = all_pairs(fabric);
        sim::MaxMinSolver solver(network);
        solver.solve();
        benchmark::DoNotOptimize(solver.rate(0));
        flows = network.flows();
    }
    state.counters["flows"] = static_cast<double>(flows);
}

/// The solution alone, of a network that stays: as in a grid of what-ifs.
void all_pairs_solve(benchmark::State& state) {
    const FluidNetwork network = all_pairs(fabric_of(state));
    sim::MaxMinSolver solver(network);
    for (auto _ : state) {
        solver.solve();
        benchmark::DoNotOptimize(solver.rate(0));
    }
    state.counters["flows"] = static_cast<double>(network.flows());
}

/// W1 of a fabric: 64 MiB for each ordered pair, with 500 ns of links.
void all_to_all_finish(benchmark::State& state) {
    const FluidNetwork network = all_pairs(fabric_of(state));
    const std::vector<sim::FluidWork> works(network.flows(), {.bytes = 64 << 20, .latency = 500e-9});
    for (auto _ : state) {
        benchmark::DoNotOptimize(sim::fluid_finish_times(network, works).back());
    }
    state.counters["flows"] = static_cast<double>(network.flows());
}

/// Works of 1009 different sizes: as many times at which rates are solved anew.
void uneven_finish(benchmark::State& state) {
    const FluidNetwork network = all_pairs(fabric_of(state));
    std::vector<sim::FluidWork> works;
    for (std::size_t i = 0; i < network.flows(); ++i) {
        works.push_back({.bytes = 1e6 + 1e4 * static_cast<double>(i * 7919 % 1009), .latency = 500e-9});
    }
    for (auto _ : state) {
        benchmark::DoNotOptimize(sim::fluid_finish_times(network, works).back());
    }
    state.counters["flows"] = static_cast<double>(network.flows());
}

void fabrics(benchmark::internal::Benchmark* benchmark) {
    benchmark->ArgNames({"gpus", "leaf", "planes", "limits"})->Unit(benchmark::kMillisecond);
    benchmark->Args({72, 72, 1, 0})->Args({72, 72, 18, 0})->Args({72, 72, 1, 1});
    benchmark->Args({256, 8, 1, 0})->Args({256, 8, 1, 1});
    benchmark->Args({576, 72, 1, 0})->Args({576, 72, 1, 1});
}
BENCHMARK(all_pairs_rates)->Apply(fabrics)->Args({576, 72, 18, 0});
BENCHMARK(all_pairs_solve)->Apply(fabrics);
BENCHMARK(all_to_all_finish)->Apply(fabrics);
BENCHMARK(uneven_finish)
    ->ArgNames({"gpus", "leaf", "planes", "limits"})
    ->Args({32, 32, 1, 0})
    ->Args({72, 72, 1, 0})
    ->Unit(benchmark::kMillisecond);

} // namespace

BENCHMARK_MAIN();
