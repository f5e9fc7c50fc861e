#pragma once

#include "sim/diagnostics.h"
#include "sim/topology.h"

namespace sim {

/// Warns when what is `down` has taken the fabric apart: which GPUs no longer reach which over NVLink, in words. A run
/// that does not need the lost ways can go on; a stream that does is refused by `check_reach`.
void report_cuts(const Topology& topology, Diagnostics& diagnostics);

/// Names as a reader would write them: "blackwell[0..35], blackwell40". Names that end in no number stand alone.
std::string in_ranges(const std::vector<std::string>& names);

} // namespace sim
