// What a machine does when links break while it runs.

#include "sim/machine.h"

namespace sim {

void Machine::set_fabric_routes(const Routing& routing) {
    constexpr auto kFabric = models::Aperture::kFabric;
    for (std::size_t i = 0; i < topology_.parts.size(); ++i) {
        models::Router* const router = this->router(topology_.parts[i].name);
        if (router == nullptr) {
            continue;
        }
        std::vector<models::Router::Hop> ports;
        for (std::size_t gpu = 0; gpu < topology_.parts.size(); ++gpu) {
            if (gpu == i || !std::holds_alternative<models::GpuSpec>(topology_.parts[gpu].spec)) {
                continue;
            }
            ports.clear();
            for (const Routing::Hop& hop : routing.hops(i, kFabric, gpu)) {
                ports.push_back({ports_.at({topology_.parts[i].name, topology_.links[hop.edge].name}), hop.weight});
            }
            if (ports.empty()) {
                router->clear_route(kFabric, static_cast<std::uint16_t>(gpu));
            } else {
                set_route(i, *router, kFabric, gpu, ports);
            }
        }
    }
}

models::LostPackets Machine::lost_posted_writes() const {
    models::LostPackets lost;
    for (const auto& [name, gpu] : gpus_) {
        lost += gpu.hub->lost();
    }
    return lost;
}

} // namespace sim
