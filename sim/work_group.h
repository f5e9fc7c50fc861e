#pragma once

#include "sim/measure.h"

namespace sim {

/// The result of a group that is a fixed amount of work, by the fidelity asked for, in the calling SC_THREAD. `paths`
/// are its planned paths.
GroupResult work_group(const StreamGroup& group, std::vector<PlannedStream>& paths, Machine& machine, Fidelity fidelity,
                       const FaultPlan& faults, const Progress& progress);

/// What keeps a work from being over sooner: a resource that works nearly all the time, or the order of its steps.
/// `busy`: shares of the time, busiest first.
Binding binding_of(const std::vector<std::pair<std::string, double>>& busy);

} // namespace sim
