#pragma once

#include <memory>

#include "sim/diagnostics.h"
#include "sim/work.h"
#include "sim/yaml_tree.h"

namespace sim {

/// Reads an entry `- workload: decode` of `traffic:` (docs/workloads.md). With nullptr for `topology`, whose faults are
/// known already, only the form is checked and the result is null, as it is after a fault.
std::shared_ptr<const Work> read_workload(const YamlNode& item, const SoftwareSetup* software, const Topology* topology,
                                          Diagnostics& diagnostics);

} // namespace sim
