#include "sim/nvbandwidth_kernels.h"

#include <algorithm>

namespace sim {
namespace {

constexpr unsigned kThreads = 1024;
constexpr std::uint64_t kBytesOfHalfABlock = kThreads / 2 * 16; // a load of 16 B for each thread

std::uint64_t places(const models::GpuSpec& gpu) {
    return std::uint64_t{gpu.sms} * std::max(gpu.threads_per_sm / kThreads, 1u);
}

} // namespace

std::uint64_t kernel_both_ways_bytes(const models::GpuSpec& gpu) {
    return places(gpu) * kKernelRounds * kBytesOfHalfABlock;
}

void add_kernel_both_ways(Work& work, WorkGraph::Index in, WorkGraph::Index out, const models::GpuSpec& gpu,
                          const std::string& name) {
    WorkGraph& graph = work.graph;
    const WorkGraph::Index begin = graph.barrier(), end = graph.barrier();
    for (std::uint64_t place = 0; place < places(gpu); ++place) {
        WorkGraph::Index before = begin;
        for (unsigned round = 0; round < kKernelRounds; ++round) {
            const WorkGraph::Index both = graph.barrier();
            for (const WorkGraph::Index way : {in, out}) {
                const WorkGraph::Index half = graph.transfer(way, kBytesOfHalfABlock);
                graph.order(before, half);
                graph.order(half, both);
            }
            before = both;
        }
        graph.order(before, end);
    }
    work.figures.push_back({WorkFigure::Kind::kSpan, name, "ns", 0, {{begin, end}}, 10'000});
}

} // namespace sim
