#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "sim/nvbandwidth.h"
#include "sim/result.h"

namespace sim {

/// A test case of nvbandwidth with its figures.
struct NvbandwidthResult {
    struct Matrix {
        const NvbandwidthCase::Matrix* of = nullptr;
        std::vector<std::optional<double>> values; ///< GB/s or ns, row by row; none: "N/A"
        double sum = 0;
    };

    const NvbandwidthCase* test_case = nullptr;
    bool virtualized = false;
    std::string fault; ///< why not all of it could be measured; else empty
    std::vector<Matrix> matrices;
    std::vector<std::pair<std::string, std::size_t>> limits; ///< what limits how many of the cells, most first
    double share_of_bound_min = 1, share_of_bound_max = 0;
    Grade grade = Grade::kCalibrated;
    std::vector<std::string> reasons; ///< of the grade
    bool steady = true;
};

/// Of all test cases of a run: native, then in the VMs.
std::vector<NvbandwidthResult> nvbandwidth_results(const RunResult& result);

/// The matrices as the tool prints them, and below each what limits it; empty if the scenario has none.
std::string nvbandwidth_text(const RunResult& result);

/// The list `nvbandwidth` of our own JSON (docs/json.md).
nlohmann::ordered_json nvbandwidth_json(const RunResult& result);

/// The same figures as the tool's own `-j` writes them, for programs that read its output. Where the run had VMs, of
/// the VMs.
std::string nvbandwidth_tool_json(const RunResult& result);

} // namespace sim
