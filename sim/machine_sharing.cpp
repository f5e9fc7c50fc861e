// What a machine does about competition: policies at its resources, and packets that wait for each other.

#include <fmt/format.h>

#include "sim/machine.h"
#include "sim/tenants.h"

namespace sim {

void Machine::set_sharing(const Scenario& scenario) {
    for (const SharingSetup& setup : scenario.software.sharing) {
        const models::SharingSpec spec = sharing_spec(scenario, setup);
        for (const SharingSetup::Outlet& outlet : setup.outlets) {
            links_[outlet.link]->share(outlet.end, spec);
        }
        for (const std::size_t memory : setup.memories) {
            memories_.at(topology_.parts[memory].name)->share(spec);
        }
    }
}

std::string Machine::blocked_ports() const {
    constexpr std::size_t kNamed = 8;
    std::string text;
    std::size_t ports = 0;
    for (const auto& link : links_) {
        for (unsigned end = 0; end < 2; ++end) {
            const models::Sublink& sender = link->sender(end);
            if (sender.stuck() != 0 && ++ports <= kNamed) {
                text += fmt::format("{}{} ({} waiting)", text.empty() ? "" : ", ", sender.name(), sender.stuck());
            }
        }
    }
    return ports > kNamed ? fmt::format("{} and {} more", text, ports - kNamed) : text;
}

} // namespace sim
