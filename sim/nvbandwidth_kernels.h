#pragma once

#include "sim/work.h"

namespace sim {

/// The kernel of nvbandwidth's bidirectional host tests: blocks of 1024 threads, as many as fit, half of whose threads
/// load from host memory and store to the GPU's, and half the other way. A block ends when both are done, and the next
/// takes its place: so no way gets ahead of the other. Each place has `kKernelRounds` blocks one after the other.
///
/// `in`, `out`: paths of the work's graph for the two ways. The kernel's time becomes a figure of the work.
void add_kernel_both_ways(Work& work, WorkGraph::Index in, WorkGraph::Index out, const models::GpuSpec& gpu,
                          const std::string& name);
/// What such a kernel moves each way.
std::uint64_t kernel_both_ways_bytes(const models::GpuSpec& gpu);

inline constexpr unsigned kKernelRounds = 16; ///< so that the first and the last weigh little

} // namespace sim
