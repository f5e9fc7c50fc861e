#pragma once

#include "sim/diagnostics.h"
#include "sim/scenario.h"
#include "sim/yaml_tree.h"

namespace sim {

/// Reads `software:`. With a `topology`, names and sizes are checked against it; nullptr leaves that out.
SoftwareSetup read_software(const YamlNode& node, const Topology* topology, Diagnostics& diagnostics);

/// What the host keeps of a socket's memory under virtualization when a scenario does not say.
constexpr std::uint64_t kHypervisorBytesDefault = 16ull << 30;

} // namespace sim
