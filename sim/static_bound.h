#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/stream_plan.h"

namespace sim {

/// What a stream costs the machine, from the same models walked without traffic; and so what no run of it may exceed.
struct StreamBound {
    std::map<const models::Server*, double> uses;      ///< picoseconds of each server's time a byte of the stream
    std::map<const models::CreditPool*, double> holds; ///< the same of each shared limit on bytes in flight: room x
                                                       ///< time / limit (Little's law)
    double own_bytes_per_second = 0;                   ///< by its windows and issue rates, on an idle machine
    std::string own_limit;                             ///< in words
    double alone_bytes_per_second = 0;                 ///< with the machine to itself
    double arrival_ps = 0;                             ///< from the issue of an access to its last arrival, unloaded: a
                                                       ///< read's at the initiator, a write's in its memory
    double latency_ps = 0;                             ///< of one access, or one round trip, unloaded
    std::vector<std::pair<std::string, double>> stages; ///< the latency by component, in picoseconds
};

/// At its best: the fastest way, caches that always serve where they sometimes do.
StreamBound static_bound(const PlannedStream& planned);
/// At its mean, on an idle machine: each cache serves its share. For the fluid model. `best` is the stream's static
/// bound, which is the answer where no cache has a share.
StreamBound mean_cost(const PlannedStream& planned, const StreamBound& best);

/// The most that the streams together can reach, in counted bytes a second: a linear program, with each stream's own
/// limit, each server's time and each shared limit on bytes in flight as constraints (GLPK).
double joint_bound(const std::vector<const PlannedStream*>& streams, const std::vector<const StreamBound*>& bounds);

} // namespace sim
