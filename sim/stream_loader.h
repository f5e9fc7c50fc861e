#pragma once

#include <string>

#include "sim/diagnostics.h"
#include "sim/scenario.h"
#include "sim/spread.h"
#include "sim/yaml_tree.h"

namespace sim {

/// Reads one stream and checks it against the machine and its software; nullptr for either leaves that out.
/// A stream without a name gets one from what it does: "hopper0.sm read grace0.egm".
/// `spreads` has read those of earlier streams.
Stream read_stream(const YamlNode& node, const std::string& what, const SoftwareSetup* software,
                   const Topology* topology, SpreadReader& spreads, Diagnostics& diagnostics);

} // namespace sim
