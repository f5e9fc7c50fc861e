#pragma once

#include "sim/diagnostics.h"
#include "sim/scenario.h"

namespace sim {

/// Reports what a machine is too large for the models in (ports of a part, crossings of a path, addresses), and every
/// stream whose initiator cannot reach a memory that it names over the links this machine has.
void check_reach(const Scenario& scenario, Diagnostics& diagnostics);

} // namespace sim
