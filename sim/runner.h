#pragma once

#include <functional>

#include "sim/result.h"

namespace sim {

/// What the caller hears while a run goes on, and says to it.
struct RunListener {
    std::function<void(const std::string& what)> progress; ///< a phase begins; may be empty
    std::function<bool()> go_on;                           ///< polled often; false ends the run early; may be empty
};

/// Runs a scenario: bare-metal traffic, bring-up of the VMs, their traffic. One run to a process: the SystemC kernel
/// cannot be reset. `scenario` was checked, and outlives the result.
/// `fidelity` says how traffic is worked out; the bring-up is always run.
RunResult run_scenario(const Scenario& scenario, Fidelity fidelity, const RunListener& listener);

} // namespace sim
