#pragma once

#include "sim/measure.h"

namespace sim {

/// The result of a group that is a fixed amount of work, by the fidelity asked for, in the calling SC_THREAD. `paths`
/// are its planned paths.
GroupResult work_group(const StreamGroup& group, std::vector<PlannedStream>& paths, Machine& machine, Fidelity fidelity,
                       const Progress& progress);

} // namespace sim
