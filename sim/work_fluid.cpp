#include "sim/work_fluid.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "sim/fluid_finish.h"
#include "sim/machine_flows.h"

namespace sim {

namespace {

using Index = WorkGraph::Index;
using Kind = WorkGraph::Node::Kind;
constexpr double kPicosecondsPerSecond = 1e12;

std::vector<std::vector<MachineFlows::Use>> uses_of(const std::vector<StreamBound>& costs) {
    std::vector<std::vector<MachineFlows::Use>> uses;
    uses.reserve(costs.size());
    for (const StreamBound& cost : costs) {
        uses.push_back(MachineFlows::uses(cost));
    }
    return uses;
}

/// From the issue of the last byte of `node` until it is over. What was read has been used then.
double latency_of(const WorkGraph::Node& node, const PlannedStream& path, const StreamBound& cost) {
    const double hold = path.job.reads.empty() ? 0 : static_cast<double>(path.job.hold);
    return hold + (node.acknowledged ? cost.latency_ps : cost.arrival_ps);
}

/// Seconds that the path's own windows and issue rates keep `bytes` waiting: what one window holds goes at once.
double own_wait(const PlannedStream& path, const StreamBound& cost, double bytes) {
    const models::StreamJob& job = path.job;
    const std::uint64_t window = job.reads.empty() ? job.write_window
                                 : job.write       ? std::min(job.read_window, job.write_window)
                                                   : job.read_window;
    const double held = static_cast<double>(std::max(window, job.burst_bytes)) * job.workers;
    return std::max(bytes - held, 0.0) / cost.own_bytes_per_second;
}

} // namespace

WorkTimes fluid_work(const WorkGraph& graph, const std::vector<PlannedStream>& paths,
                     const std::vector<StreamBound>& costs, const Machine& machine) {
    const auto uses = uses_of(costs);
    std::size_t all = 0;
    for (const WorkGraph::Node& node : graph.nodes()) {
        all += node.kind == Kind::kTransfer ? uses[node.path].size() : 0;
    }
    FluidNetwork network;
    network.reserve(graph.nodes().size(), all);
    for (std::size_t i = 0; i < machine.resources().size(); ++i) {
        network.add_resource();
    }
    std::vector<FluidWork> works;
    works.reserve(graph.nodes().size());
    for (const WorkGraph::Node& node : graph.nodes()) {
        FluidWork work;
        work.start = static_cast<double>(node.not_before) / kPicosecondsPerSecond;
        if (node.kind == Kind::kTransfer) {
            work.bytes = static_cast<double>(node.bytes);
            const double wait = own_wait(paths[node.path], costs[node.path], work.bytes);
            network.add_flow(wait > 0 ? work.bytes / wait : FluidNetwork::kUnlimited);
            for (const auto& [resource, seconds] : uses[node.path]) {
                network.add_use(resource, seconds);
            }
            work.latency = latency_of(node, paths[node.path], costs[node.path]) / kPicosecondsPerSecond;
        } else {
            network.add_flow();
            work.latency = static_cast<double>(node.time) / kPicosecondsPerSecond;
        }
        works.push_back(work);
    }
    std::vector<FluidOrder> order;
    order.reserve(graph.orders().size());
    for (const WorkGraph::Order& one : graph.orders()) {
        order.push_back({one.before, one.after});
    }
    const FluidTimes found = fluid_finish_times(network, works, order);

    WorkTimes times;
    const auto in_ps = [](double seconds) {
        return std::isinf(seconds) ? WorkTimes::kNever
                                   : static_cast<models::Picoseconds>(seconds * kPicosecondsPerSecond + 0.5);
    };
    for (Index i = 0; i < graph.nodes().size(); ++i) {
        times.began.push_back(in_ps(found.began[i]));
        times.over.push_back(in_ps(found.arrived[i]));
        if (times.over.back() == WorkTimes::kNever) {
            times.fault = times.fault.empty() ? fmt::format("{} is never over", graph.name(i)) : times.fault;
        } else {
            times.finish = std::max(times.finish, times.over.back());
        }
    }
    return times;
}

WorkBound bound_work(const WorkGraph& graph, const std::vector<PlannedStream>& paths,
                     const std::vector<StreamBound>& bounds, const Machine& machine) {
    WorkBound result;
    const auto uses = uses_of(bounds);
    result.loads.resize(machine.resources().size());
    std::vector<double> bytes(bounds.size());
    for (const WorkGraph::Node& node : graph.nodes()) {
        if (node.kind == Kind::kTransfer) {
            bytes[node.path] += static_cast<double>(node.bytes);
        }
    }
    const auto is_pool = [&](MachineFlows::Index resource) { return machine.resources()[resource].pool != nullptr; };
    std::vector<double> free(result.loads.size()); // picoseconds that what fits a limit at once would seem to take
    std::vector<double> slowest(bounds.size());    // picoseconds a byte on the slowest server of each path
    for (std::size_t path = 0; path < bounds.size(); ++path) {
        for (const auto& [resource, seconds] : uses[path]) {
            const double picoseconds = seconds * kPicosecondsPerSecond;
            result.loads[resource] += bytes[path] * picoseconds;
            if (is_pool(resource)) {
                const double limit = static_cast<double>(machine.resources()[resource].pool->limit_bytes());
                free[resource] = std::max(free[resource], picoseconds * limit);
            } else {
                slowest[path] = std::max(slowest[path], picoseconds);
            }
        }
    }
    for (std::size_t i = 0; i < result.loads.size(); ++i) {
        result.load_ps = std::max(result.load_ps, result.loads[i] - free[i]);
    }
    // In topological order; what is part of a circle is left out, and refused elsewhere.
    const WorkFollowers followers(graph);
    std::vector<Index> missing = followers.waits_for();
    std::vector<double> begins(graph.nodes().size());
    std::vector<Index> next;
    for (Index i = 0; i < graph.nodes().size(); ++i) {
        begins[i] = static_cast<double>(graph.nodes()[i].not_before);
        if (missing[i] == 0) {
            next.push_back(i);
        }
    }
    for (std::size_t i = 0; i < next.size(); ++i) {
        const WorkGraph::Node& node = graph.nodes()[next[i]];
        double over = begins[next[i]] + static_cast<double>(node.time);
        if (node.kind == Kind::kTransfer) {
            const StreamBound& bound = bounds[node.path];
            const double size = static_cast<double>(node.bytes);
            over +=
                latency_of(node, paths[node.path], bound) +
                std::max(size * slowest[node.path], own_wait(paths[node.path], bound, size) * kPicosecondsPerSecond);
        }
        result.chain_ps = std::max(result.chain_ps, over);
        for (const Index* one = followers.begin(next[i]); one != followers.end(next[i]); ++one) {
            begins[*one] = std::max(begins[*one], over);
            if (--missing[*one] == 0) {
                next.push_back(*one);
            }
        }
    }
    return result;
}

} // namespace sim
