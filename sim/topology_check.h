#pragma once

#include "sim/diagnostics.h"
#include "sim/topology.h"

namespace sim {

/// Gives each CPU without a socket number the next free one and each GPU the number of its CPU, and reports what makes
/// the machine impossible. Precondition: every name in it resolves.
void check_topology(Topology& topology, Diagnostics& diagnostics);

} // namespace sim
