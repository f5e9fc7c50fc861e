#pragma once

#include "sim/measure.h"
#include "sim/work_result.h"

namespace sim {

/// Carries out a work burst by burst, in the calling SC_THREAD, and returns when all of it is over and nothing is in
/// flight. One scheduler, called from the events of the engines: no thread and no SystemC event for a node.
///
/// `paths` are the planned paths of the graph, in their order; they outlive the call. Events of `faults` happen at
/// their times after the start. A transfer whose memories are not reached any more, once routes follow, ends the work.
WorkTimes run_work(const WorkGraph& graph, std::vector<PlannedStream>& paths, Machine& machine, const FaultPlan& faults,
                   const Progress& progress);

} // namespace sim
