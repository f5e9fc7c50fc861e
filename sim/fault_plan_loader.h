#pragma once

#include "sim/diagnostics.h"
#include "sim/fault_plan.h"
#include "sim/yaml_tree.h"

namespace sim {

/// Reads `faults:` of a scenario. With nullptr for `topology` only the form is checked.
FaultPlan read_fault_plan(const YamlNode& node, const Topology* topology, Diagnostics& diagnostics);

} // namespace sim
