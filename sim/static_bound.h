#pragma once

#include <string>
#include <vector>

#include "sim/stream_plan.h"
#include "sim/use_table.h"

namespace sim {

/// What a stream costs the machine, from the same models walked without traffic; and so what no run of it may exceed.
struct StreamBound {
    /// Of each server its time; of each shared limit on bytes in flight room x time / limit (Little's law). In the
    /// order of the resources. Of resources that every stream of the group uses alike, as the 18 planes of a fabric,
    /// only the first is there.
    std::vector<ResourceUse> uses;
    double own_bytes_per_second = 0;   ///< by its windows and issue rates, on an idle machine
    std::string own_limit;             ///< in words
    double alone_bytes_per_second = 0; ///< with the machine to itself
    double arrival_ps = 0;             ///< from the issue of an access to its last arrival, unloaded: a
                                       ///< read's at the initiator, a write's in its memory
    double latency_ps = 0;             ///< of one access, or one round trip, unloaded
    std::vector<std::pair<std::string, double>> stages; ///< the latency by component, in picoseconds
};

/// At their best: the fastest way, caches that always serve where they sometimes do. Of a spread, the mean over its
/// places. One for each stream of a group.
std::vector<StreamBound> static_bounds(const std::vector<PlannedStream>& planned, Machine& machine);
/// At their mean, on an idle machine: each cache serves its share. For the fluid model. `best` are the streams' static
/// bounds, which are the answer where no cache has a share.
std::vector<StreamBound> mean_costs(const std::vector<PlannedStream>& planned, const std::vector<StreamBound>& best,
                                    Machine& machine);

/// The most that the streams together can reach, in counted bytes a second: the optimum of a linear program, with each
/// stream's own limit, each server's time and each shared limit on bytes in flight as constraints. See
/// `joint_bound.cpp`.
double joint_bound(const std::vector<const PlannedStream*>& streams, const std::vector<const StreamBound*>& bounds);

} // namespace sim
