#pragma once

#include "sim/fields.h"
#include "sim/scenario.h"

namespace sim {

/// Reports what makes a stream impossible, alone and on the machine, at the keys of `fields`; completes what follows
/// from the rest: a copy's absent target is the source's memory, and a working set that was not given shrinks to what
/// fits. nullptr for `software` or `topology` means that it is faulty itself, and leaves out what depends on it.
/// Precondition: each key has been read without a fault.
void check_stream(Stream& stream, Fields& fields, const SoftwareSetup* software, const Topology* topology);

} // namespace sim
