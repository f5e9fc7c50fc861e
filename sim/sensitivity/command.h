#pragma once

#include <string>

#include "sim/scenario.h"
#include "sim/sensitivity/sensitivity.h"

namespace sim {

/// How `egmsim run SCENARIO --sensitivity` talks.
struct SensitivityOutput {
    std::string json; ///< FILE, "-" for standard output instead of the tables, or empty
    bool progress = false;
    bool quiet = false;
};

/// Runs `scenario`, which is that of `run` and was checked, and prints. Returns the program's exit code: 0, 2, 3 or
/// 130. Call it before the process has built any SystemC object.
int sensitivity_command(const Scenario& scenario, const VariedRun& run, const SensitivityOutput& output);

} // namespace sim
