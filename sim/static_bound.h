#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/stream_plan.h"

namespace sim {

/// What no run of a stream may exceed, from the same models walked without traffic.
struct StreamBound {
    std::map<const models::Server*, double> uses;       ///< picoseconds of each server's time a byte of the stream
    double own_bytes_per_second = 0;                    ///< by its windows and issue rates, on an idle machine
    std::string own_limit;                              ///< in words
    double alone_bytes_per_second = 0;                  ///< with the machine to itself
    double latency_ps = 0;                              ///< of one access, or one round trip, unloaded
    std::vector<std::pair<std::string, double>> stages; ///< the latency by component, in picoseconds
};

StreamBound static_bound(const PlannedStream& planned);

/// The most that the streams together can reach, in counted bytes a second: a linear program, with each stream's own
/// limit and each server's time as constraints (GLPK).
double joint_bound(const std::vector<const PlannedStream*>& streams, const std::vector<StreamBound>& bounds);

} // namespace sim
