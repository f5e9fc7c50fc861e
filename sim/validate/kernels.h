#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "sim/diagnostics.h"
#include "sim/input_files.h"

namespace sim::validate {

/// What is known of programs that compute (validation/kernels.yaml): no part of a machine, so no preset has it.
struct Kernels {
    /// A matrix product C = A x B of n x n elements. Operands in the GPU's own HBM set no limit of their own; one that
    /// lies elsewhere is read n / reuse times, since it fits no cache.
    struct Gemm {
        double flops_per_second = 0; ///< with all operands in HBM
        unsigned a_reuse = 0;        ///< columns of C that one read of A serves
        unsigned b_reuse = 0;        ///< rows of C that one read of B serves
        unsigned element_bytes = 0;
    };
    std::map<std::pair<std::string, std::string>, Gemm> gemm; ///< by GPU ("Hopper") and precision ("TF32")
    double generate_host_seconds = 0;                         ///< of a token generation, beside reading the weights
};

Kernels read_kernels(const std::string& path, const InputFiles& files, Diagnostics& diagnostics);

} // namespace sim::validate
