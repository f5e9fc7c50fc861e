#pragma once

#include <functional>
#include <optional>

#include "sim/result.h"
#include "sim/static_bound.h"
#include "sim/stream_plan.h"

namespace sim {

/// Called between batches; false = stop, the user wants out.
using Progress = std::function<bool()>;

/// When a group in which a stream starts late or stops ends, after its start: no stop given, a stream runs for 15 us at
/// least. Null: all streams run on, and are measured in their steady state.
std::optional<models::Picoseconds> transient_end(const std::vector<PlannedStream>& planned);

/// Runs the streams of a group together and measures each, in the calling SC_THREAD.
///
/// Steady state: after a warm-up, throughput is taken in batches of equal length; the measurement ends when every
/// stream's 95 % confidence half-width (Student's t over batch means) is below `measurement.relative_error` of its
/// mean, or at `measurement.time_max`. A group in which a stream starts late or stops is measured once, each stream
/// over its own time; so is one with `faults`, and phase by phase. A group whose warm-up was interrupted has no streams in its result.
GroupResult measure_group(const StreamGroup& group, std::vector<PlannedStream>& planned, Machine& machine,
                          const Measurement& measurement, const FaultPlan& faults, const Progress& progress);

} // namespace sim
