#pragma once

#include <string>

#include "sim/diagnostics.h"
#include "sim/scenario.h"

namespace sim {

/// Reports what a machine is too large for in the models (ports of a part, crossings of a path, physical addresses,
/// windows in the fabric), routes that could deadlock, from the start or once they follow an event of `faults`, what
/// its faults cut off, and every stream whose initiator cannot reach a memory that it names over the links this machine
/// has.
void check_reach(const Scenario& scenario, Diagnostics& diagnostics);

/// The same of a machine without a scenario, with the software's defaults; reports a fabric that has fallen apart too.
/// The answer is what `egmsim check` says of a good machine: lines that begin with two blanks.
std::string judge_machine(const Topology& topology, Diagnostics& diagnostics);

} // namespace sim
