#pragma once

#include <memory>

#include "sim/diagnostics.h"
#include "sim/work.h"
#include "sim/yaml_tree.h"

namespace sim {

/// Reads an entry `- trace: FILE.csv` of `traffic:` (docs/workloads.md), the file beside the scenario, and checks every
/// line of it. The work's graph has a path for each initiator, operation and memory of the trace, and a transfer of all
/// bytes that take it, for bounds. As `read_workload` for what is missing or faulty.
std::shared_ptr<const Work> read_trace(const YamlNode& item, const SoftwareSetup* software, const Topology* topology,
                                       Diagnostics& diagnostics);

} // namespace sim
