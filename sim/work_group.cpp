#include "sim/work_group.h"

#include <algorithm>
#include <cassert>

#include "sim/binding.h"
#include "sim/trace_run.h"
#include "sim/work_fluid.h"
#include "sim/work_run.h"

namespace sim {

namespace {

constexpr double kBusy = 0.93; ///< share of the time from which on a resource binds, as for streams
constexpr const char* kOrder = "order and latency of the steps";

/// By name, the share of `finish` that each resource works, busiest first, equals in the order of the machine.
std::vector<std::pair<std::string, double>> shares_of(const WorkBound& bound, double finish, const Machine& machine) {
    std::vector<std::pair<std::string, double>> shares;
    for (std::size_t i = 0; i < bound.loads.size(); ++i) {
        if (bound.loads[i] > 0 && finish > 0) {
            shares.emplace_back(machine.resources()[i].name, std::min(bound.loads[i] / finish, 1.0));
        }
    }
    std::stable_sort(shares.begin(), shares.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    return shares;
}

} // namespace

Binding binding_of(const std::vector<std::pair<std::string, double>>& busy) {
    if (!busy.empty() && busy.front().second >= kBusy) {
        return {busy.front().first, busy.front().second, 0, {}};
    }
    return {kOrder, busy.empty() ? 1 : 1 - busy.front().second, 0, busy.empty() ? "" : busy.front().first};
}

GroupResult work_group(const StreamGroup& group, std::vector<PlannedStream>& paths, Machine& machine, Fidelity fidelity,
                       const FaultPlan& faults, const Progress& progress) {
    assert(group.work != nullptr && paths.size() == group.work->graph.paths().size());
    if (group.work->trace != nullptr) {
        return replay_trace(group, paths, machine, fidelity, progress);
    }
    const WorkGraph& graph = group.work->graph;
    GroupResult result;
    result.group = &group;
    WorkResult& work = result.work.emplace();
    for (const WorkGraph::Node& node : graph.nodes()) {
        work.bytes += node.kind == WorkGraph::Node::Kind::kTransfer ? node.bytes : 0;
    }
    if (const auto cycle = graph.cycle(); !cycle.empty()) {
        work.times.fault = graph.name(cycle.front()) + " waits for itself";
        return result;
    }
    const std::vector<StreamBound> bounds = static_bounds(paths, machine);
    const std::vector<StreamBound> costs = mean_costs(paths, bounds, machine);
    StreamResult line; // collects the grade
    for (std::size_t i = 0; i < paths.size(); ++i) {
        set_grade(paths[i], bounds[i], machine, line);
        work.grade = std::max(work.grade, line.grade);
    }
    const WorkBound bound = bound_work(graph, paths, bounds, machine);
    work.bound_ps = std::max(bound.chain_ps, bound.load_ps);
    if (fidelity == Fidelity::kBound) {
        work.times.finish = static_cast<models::Picoseconds>(work.bound_ps + 0.5);
        result.busy = shares_of(bound, work.bound_ps, machine);
    } else if (fidelity == Fidelity::kFluid) {
        work.times = fluid_work(graph, paths, costs, machine);
        result.busy = shares_of(bound, static_cast<double>(work.times.finish), machine);
    } else {
        const ResourceSample before = sample(machine);
        work.times = run_work(graph, paths, machine, faults, progress);
        ResourceSample after = sample(machine); // a little later: acknowledgements came in
        after.time = before.time + work.times.finish;
        result.busy = busy_shares(machine, before, after);
        result.measured = work.times.finish;
        if (fidelity == Fidelity::kAll) {
            work.fluid_ps = fluid_work(graph, paths, costs, machine).finish;
        }
    }
    lower_grade(line, Grade::kComposed,
                fidelity == Fidelity::kBound ? "static bound: no prediction, but what no run may exceed"
                                             : "a whole of many transfers, composed");
    if (!work.times.faults.events.empty()) {
        lower_grade(line, Grade::kExtrapolated,
                    "assumed: times until routes follow a fault and until what was lost is sent again");
    } else if (!faults.faults.empty() && (fidelity == Fidelity::kFluid || fidelity == Fidelity::kBound)) {
        lower_grade(line, Grade::kExtrapolated, kNothingBreaks);
    }
    if (fidelity == Fidelity::kFluid) {
        lower_grade(line, Grade::kComposed, "fluid model: without waiting in queues");
    }
    work.grade = std::max(work.grade, line.grade);
    work.reasons = line.reasons;
    work.binding = binding_of(result.busy);
    work.values = work_values(group.work->figures, work.times);
    return result;
}

} // namespace sim
