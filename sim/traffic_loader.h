#pragma once

#include <vector>

#include "sim/diagnostics.h"
#include "sim/scenario.h"
#include "sim/yaml_tree.h"

namespace sim {

/// The most streams a scenario may have, shorthands expanded.
constexpr std::size_t kStreamsMax = 4096;

/// Reads `traffic:`: groups, and the shorthands `each_alone`, `fan_in`, `fan_out` and `all_pairs`, which become groups.
/// nullptr for `software` or `topology`, when it is faulty itself, leaves out the checks against it.
std::vector<StreamGroup> read_traffic(const YamlNode& node, const SoftwareSetup* software, const Topology* topology,
                                      Diagnostics& diagnostics);

} // namespace sim
