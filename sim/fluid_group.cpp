#include "sim/fluid_group.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

#include "sim/binding.h"
#include "sim/fluid_max_min.h"
#include "sim/machine_flows.h"
#include "sim/measure.h"

namespace sim {

namespace {

constexpr double kPicosecondsPerSecond = 1e12;
constexpr unsigned kLooks = 64; ///< places of a working set that are asked whether they are mapped

/// Why the stream could not run: a place of its working set that nothing maps. Empty: it can.
std::string fault_of(const PlannedStream& planned) {
    const auto look = [](const models::Leg& leg) -> std::string {
        const std::size_t places = std::max<std::size_t>(leg.places(), kLooks);
        for (std::size_t i = 0; i < places; ++i) { // each place once, or one place often
            const std::uint64_t offset = leg.working_set / places * i;
            if (!leg.place(i).mapping->at(offset)) {
                return fmt::format("offset {:#x} of the working set is not mapped", offset);
            }
        }
        return {};
    };
    std::string fault;
    for (const models::Leg& leg : planned.job.reads) {
        fault = fault.empty() ? look(leg) : fault;
    }
    return fault.empty() && planned.job.write ? look(*planned.job.write) : fault;
}

/// A line with everything but its value and what binds it.
StreamResult line_of(const PlannedStream& planned, const StreamBound& bound, Machine& machine) {
    StreamResult line;
    line.stream = planned.stream;
    line.is_latency = planned.is_latency;
    line.bound = planned.is_latency ? bound.latency_ps : bound.alone_bytes_per_second * planned.bytes_per_unit_byte;
    line.access_latency = bound.latency_ps;
    set_grade(planned, bound, machine, line);
    line.fault = fault_of(planned);
    return line;
}

double total_bound(const std::vector<PlannedStream>& planned, const std::vector<StreamBound>& bounds) {
    std::vector<const PlannedStream*> moving;
    std::vector<const StreamBound*> theirs;
    for (std::size_t i = 0; i < planned.size(); ++i) {
        if (!planned[i].is_latency) {
            moving.push_back(&planned[i]);
            theirs.push_back(&bounds[i]);
        }
    }
    return moving.empty() ? 0 : joint_bound(moving, theirs);
}

/// The streams of a group as flows over the resources of the machine, numbered as there.
class GroupFlows {
public:
    using Index = FluidNetwork::Index;

    GroupFlows(const std::vector<StreamBound>& costs, const Machine& machine)
        : network_(machine_flows(costs, machine)), solver_(network_), loads_(machine.resources().size()),
          sums_(costs.size()), times_(costs.size()) {}

    /// Solves for the streams that run during `time`, in picoseconds.
    void run(const std::vector<Index>& streams, double time) {
        solver_.solve(streams);
        for (const Index stream : streams) {
            sums_[stream] += solver_.rate(stream) * time;
            times_[stream] += time;
        }
        for (Index i = 0; i < loads_.size(); ++i) {
            loads_[i] += solver_.load(i) * time;
        }
        passed_ += time;
    }

    double rate(Index stream) const { return times_[stream] > 0 ? sums_[stream] / times_[stream] : 0; }
    /// What stopped the stream when it ran last; null: a limit of its own.
    const Resource* limit(Index stream, const Machine& machine) const {
        const Index limit = solver_.limit(stream);
        return limit == MaxMinSolver::kOwnLimit ? nullptr : &machine.resources()[limit];
    }
    double share_of_time(Index resource) const { return std::min(loads_[resource] / passed_, 1.0); }

private:
    const FluidNetwork network_;
    MaxMinSolver solver_;
    std::vector<double> loads_; ///< by resource: picoseconds of its time
    std::vector<double> sums_;  ///< by stream
    std::vector<double> times_;
    double passed_ = 0;
};

/// Runs each stream from its start to its stop.
void run_transient(const std::vector<PlannedStream>& planned, models::Picoseconds end, GroupFlows& flows) {
    std::set<models::Picoseconds> times{0, end};
    for (const PlannedStream& one : planned) {
        times.insert({one.stream->start, one.stream->stop});
    }
    for (auto time = times.begin(); std::next(time) != times.end(); ++time) {
        std::vector<GroupFlows::Index> running;
        for (std::size_t i = 0; i < planned.size(); ++i) {
            const Stream& stream = *planned[i].stream;
            if (stream.start <= *time && (stream.stop == 0 || *time < stream.stop)) {
                running.push_back(static_cast<GroupFlows::Index>(i));
            }
        }
        flows.run(running, static_cast<double>(*std::next(time) - *time));
    }
}

} // namespace

GroupResult fluid_group(const StreamGroup& group, const std::vector<PlannedStream>& planned, Machine& machine) {
    const std::vector<StreamBound> bounds = static_bounds(planned, machine);
    const std::vector<StreamBound> costs = mean_costs(planned, bounds, machine);
    GroupFlows flows(costs, machine);
    if (const auto end = transient_end(planned)) {
        run_transient(planned, *end, flows);
    } else {
        std::vector<GroupFlows::Index> all(planned.size());
        for (std::size_t i = 0; i < all.size(); ++i) {
            all[i] = static_cast<GroupFlows::Index>(i);
        }
        flows.run(all, 1);
    }
    GroupResult result;
    result.group = &group;
    for (std::size_t i = 0; i < planned.size(); ++i) {
        StreamResult line = line_of(planned[i], bounds[i], machine);
        line.access_latency = costs[i].latency_ps;
        const auto index = static_cast<GroupFlows::Index>(i);
        if (line.is_latency) {
            line.value = costs[i].latency_ps;
            line.binding = largest_part(costs[i], line.value);
        } else {
            line.value = flows.rate(index) * planned[i].bytes_per_unit_byte;
            const Resource* const limit = flows.limit(index, machine);
            line.binding.resource = limit != nullptr ? limit->name : costs[i].own_limit;
            line.binding.share_of_time = 1;
            say_widening(line.binding, planned[i], costs[i], line.value, limit, machine);
            result.total += line.fault.empty() ? line.value : 0;
        }
        lower_grade(line, Grade::kComposed,
                    "fluid model: without waiting in queues, translation misses, turnaround of memories, and the "
                    "advantage of who has more in flight");
        result.streams.push_back(std::move(line));
    }
    for (std::size_t i = 0; i < machine.resources().size(); ++i) {
        if (const double share = flows.share_of_time(static_cast<GroupFlows::Index>(i)); share > 0) {
            result.busy.emplace_back(machine.resources()[i].name, share);
        }
    }
    std::stable_sort(result.busy.begin(), result.busy.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    result.total_bound = total_bound(planned, bounds);
    return result;
}

GroupResult bound_group(const StreamGroup& group, const std::vector<PlannedStream>& planned, Machine& machine) {
    GroupResult result;
    result.group = &group;
    const std::vector<StreamBound> bounds = static_bounds(planned, machine);
    for (std::size_t i = 0; i < planned.size(); ++i) {
        const PlannedStream& one = planned[i];
        const StreamBound& bound = bounds[i];
        StreamResult line = line_of(one, bound, machine);
        line.value = line.bound;
        if (line.is_latency) {
            line.binding = largest_part(bound, line.value);
        } else {
            const Resource* limit = nullptr;
            double narrowest = bound.own_bytes_per_second;
            for (const auto& [resource, picoseconds] : bound.uses) {
                if (kPicosecondsPerSecond / picoseconds < narrowest) {
                    narrowest = kPicosecondsPerSecond / picoseconds;
                    limit = &machine.resources()[resource];
                }
            }
            line.binding.resource = limit != nullptr ? limit->name : bound.own_limit;
            line.binding.share_of_time = 1;
            say_widening(line.binding, one, bound, line.value, limit, machine);
        }
        lower_grade(line, Grade::kComposed, "static bound: no prediction, but what no run may exceed; alone");
        result.streams.push_back(std::move(line));
    }
    result.total = result.total_bound = total_bound(planned, bounds);
    return result;
}

} // namespace sim
