#pragma once

#include "sim/measure.h"

namespace sim {

/// Replays a trace in the calling SC_THREAD: each access begins at its time, whether or not earlier ones are over, but
/// for a limit of the initiator on accesses under way, at which it waits its turn. `paths` are those of the group's
/// work. Of the fluid model and the bound there is no replay: the result is the bound then.
///
/// Latencies are from the time that the trace gives, so that what an access waits for its turn counts.
GroupResult replay_trace(const StreamGroup& group, std::vector<PlannedStream>& paths, Machine& machine,
                         Fidelity fidelity, const Progress& progress);

} // namespace sim
