#pragma once

#include <set>
#include <vector>

#include "sim/fault_plan.h"

namespace sim {

/// What of a fabric is out of order at one time.
struct FaultState {
    std::set<std::size_t> dead_parts, dead_links;
    std::vector<unsigned> lost; ///< links that a bundle has lost, by bundle
    bool operator==(const FaultState&) const = default;
};

/// At `time` after a group's start. Links of a bundle that several faults have taken add up; with none left it is dead.
FaultState fault_state(const FaultPlan& plan, const Topology& topology, models::Picoseconds time);

/// The machine as its routers take it once they know of `state`.
Topology with_faults(const Topology& topology, const FaultState& state);

/// The times at which something breaks or is back, each with what is out of order from then on; a state that was there
/// before is left out.
std::vector<std::pair<models::Picoseconds, FaultState>> fault_states(const FaultPlan& plan, const Topology& topology);

} // namespace sim
