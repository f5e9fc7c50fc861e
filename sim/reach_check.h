#pragma once

#include "sim/diagnostics.h"
#include "sim/scenario.h"

namespace sim {

/// Reports every stream whose initiator cannot reach a memory that it names, over the links this machine has.
void check_reach(const Scenario& scenario, Diagnostics& diagnostics);

} // namespace sim
