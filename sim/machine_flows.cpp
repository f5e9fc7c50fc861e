#include "sim/machine_flows.h"

#include <algorithm>

namespace sim {

namespace {
constexpr double kPicosecondsPerSecond = 1e12;
}

MachineFlows::MachineFlows(const Machine& machine) {
    Index place = 0;
    for (const Resource& resource : machine.resources()) {
        places_[resource.server != nullptr ? static_cast<const void*>(resource.server) : resource.pool] = place++;
    }
}

std::vector<MachineFlows::Use> MachineFlows::uses(const StreamBound& cost) const {
    std::vector<Use> uses;
    for (const auto& [server, picoseconds] : cost.uses) {
        uses.emplace_back(places_.at(server), picoseconds / kPicosecondsPerSecond);
    }
    for (const auto& [pool, picoseconds] : cost.holds) {
        uses.emplace_back(places_.at(pool), picoseconds / kPicosecondsPerSecond);
    }
    std::sort(uses.begin(), uses.end());
    return uses;
}

FluidNetwork machine_flows(const std::vector<StreamBound>& costs, const Machine& machine) {
    const MachineFlows flows(machine);
    FluidNetwork network;
    for (std::size_t i = 0; i < machine.resources().size(); ++i) {
        network.add_resource();
    }
    for (const StreamBound& cost : costs) {
        network.add_flow(cost.own_bytes_per_second);
        for (const auto& [resource, seconds] : flows.uses(cost)) {
            network.add_use(resource, seconds);
        }
    }
    return network;
}

} // namespace sim
