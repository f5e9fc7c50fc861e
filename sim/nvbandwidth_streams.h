#pragma once

#include <string>
#include <vector>

#include "sim/nvbandwidth_cases.h"
#include "sim/yaml_tree.h"

namespace sim {

/// An entry `nvbandwidth:` of a scenario.
struct NvbandwidthRequest {
    std::vector<const NvbandwidthTest*> tests;
    std::vector<std::string> gpus;             ///< empty: what there is
    std::string vm;                            ///< empty: the first that has GPUs
    std::uint64_t buffer_bytes = 512ull << 20; ///< of each memory that a copy touches
    bool distinct = true;                      ///< of cells that are alike, run one
    Location where;
};

/// One copy of a test case.
struct NvbandwidthCopy {
    std::string driver;         ///< GPU
    std::string source, target; ///< memories
    bool half_a_block = false;  ///< of a kernel whose other warps copy the other way
};

/// The copies as streams of a scenario, in the words that a user would have to write for them.
///
/// Copies by SMs: a block of 512 threads on each SM with twelve loads of 16 B in flight a thread; below 64 MiB, and
/// both ways at once, as many blocks of 1024 threads as there is room for, with one load a thread. Kernels that run on
/// one GPU at once share its room for threads. Host memory is pinned.
YamlNode nvbandwidth_copy(const NvbandwidthRequest& request, const NvbandwidthCopy& copy, Engine engine,
                          const models::GpuSpec& driver, std::size_t kernels_there);
/// A pointer chase of one thread over 2 MiB, which is longer than the L1 and read in order, so that no load hits it.
YamlNode nvbandwidth_chase(const NvbandwidthRequest& request, const std::string& gpu, const std::string& memory);

} // namespace sim
