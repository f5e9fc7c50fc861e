#include "sim/machine_flows.h"

namespace sim {

namespace {
constexpr double kPicosecondsPerSecond = 1e12;
}

std::vector<MachineFlows::Use> MachineFlows::uses(const StreamBound& cost) {
    std::vector<Use> uses;
    uses.reserve(cost.uses.size());
    for (const auto& [resource, picoseconds] : cost.uses) {
        uses.emplace_back(resource, picoseconds / kPicosecondsPerSecond);
    }
    return uses;
}

FluidNetwork machine_flows(const std::vector<StreamBound>& costs, const Machine& machine) {
    FluidNetwork network;
    for (std::size_t i = 0; i < machine.resources().size(); ++i) {
        network.add_resource();
    }
    for (const StreamBound& cost : costs) {
        network.add_flow(cost.own_bytes_per_second);
        for (const auto& [resource, seconds] : MachineFlows::uses(cost)) {
            network.add_use(resource, seconds);
        }
    }
    return network;
}

} // namespace sim
