#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/scenario_loader.h"

namespace sim {

/// Loads a scenario over the shipped machines, as `load_scenario`, and also checks what only a whole machine can tell:
/// that each stream has a way, and that the host can have these VMs. Builds nothing of SystemC.
std::optional<Scenario> load_checked(const std::string& path, const std::vector<std::string>& overrides,
                                     Diagnostics& diagnostics, const std::vector<Override>& point = {});

} // namespace sim
