// Region allocator: what does a region cost among 10, 1 000 and 100 000 others, and how long does a plan take?

#include <benchmark/benchmark.h>

#include "bench/crowded_allocator.h"
#include "bench/superchips.h"

namespace bench {
namespace {

void allocate_and_free(benchmark::State& state) {
    CrowdedAllocator allocator(int(state.range(0)));
    int i = 0;
    for (auto _ : state)
        allocator.allocate_and_free(i++);
    state.counters["live"] = double(allocator.live());
}
BENCHMARK(allocate_and_free)->Arg(10)->Arg(1'000)->Arg(100'000);

void grow_and_shrink(benchmark::State& state) {
    CrowdedAllocator allocator(int(state.range(0)));
    for (auto _ : state)
        allocator.grow_and_shrink();
}
BENCHMARK(grow_and_shrink)->Arg(10)->Arg(1'000)->Arg(100'000);

/// A VM for each superchip of a domain, with its memory, GPUs, guest layout and PCI buses.
void plan_domain(benchmark::State& state) {
    const Domain domain(int(state.range(0)));
    for (auto _ : state) {
        const auto plan = egm::plan_tray(domain.request, domain.machine);
        if (!plan)
            state.SkipWithError(plan.error().front().error.message().c_str());
        benchmark::DoNotOptimize(plan);
    }
}
BENCHMARK(plan_domain)->Arg(4)->Arg(32)->Arg(256)->Unit(benchmark::kMillisecond);

} // namespace
} // namespace bench
