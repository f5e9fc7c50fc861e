#pragma once

#include "sim/machine.h"
#include "sim/result.h"
#include "sim/stream_plan.h"

namespace sim {

/// What the streams of a group get together by the fluid model, in no simulated time: `MaxMinSolver` over the servers
/// and limits on bytes in flight of the idle machine, at the costs that walking its modules gives (`mean_cost`), each
/// stream with its own windows, rates and cap as its own limit. Streams have equal weights. Where one starts late or
/// stops, rates are solved for each time between, and each stream's figure is its mean over its own time, as measured.
///
/// Left out, and said in each result's reasons: waiting in queues, translation misses, turnaround of memories, and that
/// a first-come server gives more to whoever has more in flight.
GroupResult fluid_group(const StreamGroup& group, const std::vector<PlannedStream>& planned, Machine& machine);

/// The static bound as a result: each stream as if alone, their sum as the most that they can reach together.
GroupResult bound_group(const StreamGroup& group, const std::vector<PlannedStream>& planned, Machine& machine);

} // namespace sim
