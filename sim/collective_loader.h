#pragma once

#include <memory>

#include "sim/diagnostics.h"
#include "sim/work.h"
#include "sim/yaml_tree.h"

namespace sim {

/// Reads an entry `- collective: all-reduce` of `traffic:` (docs/collectives.md). With nullptr for `topology`, whose
/// faults are known already, only the form is checked and the result is null, as it is after a fault.
std::shared_ptr<const Work> read_collective(const YamlNode& item, const Topology* topology, Diagnostics& diagnostics);

} // namespace sim
