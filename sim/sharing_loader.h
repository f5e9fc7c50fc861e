#pragma once

#include <vector>

#include "sim/diagnostics.h"
#include "sim/fidelity.h"
#include "sim/scenario.h"
#include "sim/yaml_tree.h"

namespace sim {

/// Reads `software.sharing:`, a list of policies and the resources where each holds. With nullptr for `topology` the
/// names of resources are not looked up.
std::vector<SharingSetup> read_sharing(const YamlNode& node, const Topology* topology, Diagnostics& diagnostics);

/// Reports each tenant of a policy that is no VM and that no stream names. To be called when all else is read.
void check_tenants(const Scenario& scenario, Diagnostics& diagnostics);

/// Reports a policy that the fluid model cannot follow, when the fluid model is asked for.
void check_fluid_sharing(const Scenario& scenario, Fidelity fidelity, Diagnostics& diagnostics);

} // namespace sim
