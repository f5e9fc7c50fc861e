#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/scenario.h"

namespace sim {

/// One test case of NVIDIA's nvbandwidth (0.8), as what it copies, who drives the copies, and what it reports.
struct NvbandwidthTest {
    enum class Shape {
        kHost,            ///< one GPU and its host memory at a time: 1 x N
        kHostBothWays,    ///< the same with the other direction beside it
        kPair,            ///< each ordered pair of GPUs at a time: N x N
        kPairBothWays,    ///< the same with the other direction beside it: three matrices, both ways and their sum
        kAllHost,         ///< all GPUs and their host memories at once
        kAllHostBothWays, ///<
        kAllOne,          ///< one GPU and all others at once, for each GPU: the sum
        kLocal,           ///< within each GPU
        kHostLatency,     ///< pointer chase
        kPairLatency,     ///<
        kBisect,          ///< GPU i writes to GPU i + N/2, all at once
        kMulticast,       ///< needs stores to many memories at once
    } shape;
    std::string_view name;
    Engine engine;
    bool outward = false; ///< the data leave the GPU (kHost), the GPU of the row (kPair), or the one GPU (kAllOne)
    bool driven = true;   ///< by that GPU; false: by the other one
    bool multinode = false;
    std::string_view description; ///< the line above its matrix, as the tool writes it: programs look for it
    std::string_view key = {};    ///< kPairBothWays: "read" or "write", for the names of its matrices
};

/// All of them, in the tool's order.
const std::vector<NvbandwidthTest>& nvbandwidth_tests();

/// nullptr if there is none of this name.
const NvbandwidthTest* find_nvbandwidth_test(std::string_view name);

} // namespace sim
