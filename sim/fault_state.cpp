#include "sim/fault_state.h"

#include <algorithm>

namespace sim {

FaultState fault_state(const FaultPlan& plan, const Topology& topology, models::Picoseconds time) {
    FaultState state;
    state.lost.resize(topology.links.size());
    for (const FabricFault& fault : plan.faults) {
        if (!fault.holds(time)) {
            continue;
        }
        if (fault.lanes == 0) { // a switch whose bundles are narrower still passes on
            state.dead_parts.insert(fault.parts.begin(), fault.parts.end());
        }
        for (const std::size_t link : fault.links) {
            if (fault.lanes == 0) {
                state.dead_links.insert(link);
            } else {
                state.lost[link] += fault.lanes;
            }
        }
    }
    for (std::size_t link = 0; link < state.lost.size(); ++link) {
        if (state.lost[link] >= topology.links[link].spec.count) {
            state.dead_links.insert(link);
        }
    }
    return state;
}

Topology with_faults(const Topology& topology, const FaultState& state) {
    Topology left = topology;
    for (const std::size_t part : state.dead_parts) {
        left.parts[part].down = true;
    }
    for (std::size_t link = 0; link < state.lost.size(); ++link) {
        Link& one = left.links[link];
        one.down = one.down || state.dead_links.count(link) != 0;
        one.spec.count -= std::min(state.lost[link], one.spec.count - 1);
    }
    return left;
}

std::vector<std::pair<models::Picoseconds, FaultState>> fault_states(const FaultPlan& plan, const Topology& topology) {
    std::set<models::Picoseconds> times;
    for (const FabricFault& fault : plan.faults) {
        times.insert(fault.at);
        if (fault.until != 0) {
            times.insert(fault.until);
        }
    }
    std::vector<std::pair<models::Picoseconds, FaultState>> states;
    for (const models::Picoseconds time : times) {
        FaultState state = fault_state(plan, topology, time);
        if (std::none_of(states.begin(), states.end(), [&](const auto& one) { return one.second == state; })) {
            states.emplace_back(time, std::move(state));
        }
    }
    return states;
}

} // namespace sim
