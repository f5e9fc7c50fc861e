#pragma once

#include "sim/machine.h"
#include "sim/static_bound.h"
#include "sim/work_result.h"

namespace sim {

/// When the nodes of a work are over by the fluid model, in no simulated time: each transfer a flow at its max-min fair
/// share of what is under way (`fluid_finish_times`), and its last byte comes as much later as the path is long.
/// `costs` are those of the paths, in their order. A path's own window limits what comes after the first window only.
/// Store-and-forward of packets is not in it, nor waiting in queues.
WorkTimes fluid_work(const WorkGraph& graph, const std::vector<PlannedStream>& paths,
                     const std::vector<StreamBound>& costs, const Machine& machine);

/// The soonest that a work can be over, in picoseconds: the longest chain of nodes, each as fast as alone, or what the
/// transfers take of the most loaded resource together, whichever is longer. `bounds` are those of the paths. What a
/// window or a limit on bytes in flight holds goes at once; only what comes after it must wait.
struct WorkBound {
    double chain_ps = 0;
    double load_ps = 0;
    std::vector<double> loads; ///< picoseconds of each resource's time, numbered as in the machine
};
WorkBound bound_work(const WorkGraph& graph, const std::vector<PlannedStream>& paths,
                     const std::vector<StreamBound>& bounds, const Machine& machine);

} // namespace sim
