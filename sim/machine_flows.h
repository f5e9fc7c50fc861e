#pragma once

#include <utility>
#include <vector>

#include "sim/fluid_network.h"
#include "sim/machine.h"
#include "sim/static_bound.h"

namespace sim {

/// Streams as flows over the resources of a machine, which are numbered as in `Machine::resources`.
class MachineFlows {
public:
    using Index = FluidNetwork::Index;
    using Use = std::pair<Index, double>; ///< resource, and seconds of its time a byte

    /// In the order of the machine.
    static std::vector<Use> uses(const StreamBound& cost);
};

/// One flow for each cost, in their order.
FluidNetwork machine_flows(const std::vector<StreamBound>& costs, const Machine& machine);

} // namespace sim
