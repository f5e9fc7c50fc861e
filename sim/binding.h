#pragma once

#include <vector>

#include "sim/machine.h"
#include "sim/result.h"
#include "sim/static_bound.h"

namespace sim {

/// How busy every resource of a machine has been up to some instant.
struct ResourceSample {
    models::Picoseconds time = 0;
    std::vector<models::Picoseconds> busy; ///< as `Machine::resources`
};
ResourceSample sample(Machine& machine);

/// By name, the share of the time between two samples that each resource was busy or waited for; busiest first, equals
/// in the machine's order, those that did nothing left out.
std::vector<std::pair<std::string, double>> busy_shares(Machine& machine, const ResourceSample& before,
                                                        const ResourceSample& after);

/// What limited a measured stream. A resource that it uses and that was busy for nearly all of the time binds; else one
/// that kept requests waiting for most of the time; else the stream's own requests in flight, issue rate or cap. Of a
/// latency: the component with the largest part in it.
Binding find_binding(const PlannedStream& planned, const StreamBound& bound, const StreamResult& line, Machine& machine,
                     const ResourceSample& before, const ResourceSample& after);

/// Adds to `binding` what twice as much of the limit would be worth to a stream that gets `value`, and what would bind
/// then, by the stream's other limits alone. `limit`: the server or pool that binds; null: the stream's own limit.
void say_widening(Binding& binding, const PlannedStream& planned, const StreamBound& bound, double value,
                  const Resource* limit, const Machine& machine);

/// Of a latency: the component with the largest part.
Binding largest_part(const StreamBound& bound, double latency);

/// Lowers a result's grade to `grade` at best, and says why; the same reason once.
void lower_grade(StreamResult& line, Grade grade, const std::string& reason);

/// How far to trust a stream's figure, and why.
void set_grade(const PlannedStream& planned, const StreamBound& bound, Machine& machine, StreamResult& line);

} // namespace sim
