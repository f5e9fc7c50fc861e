#pragma once

#include "sim/diagnostics.h"
#include "sim/scenario.h"
#include "sim/yaml_tree.h"

namespace sim {

/// Reads `software:`. With a `topology`, names and sizes are checked against it; nullptr leaves that out.
SoftwareSetup read_software(const YamlNode& node, const Topology* topology, Diagnostics& diagnostics);

} // namespace sim
