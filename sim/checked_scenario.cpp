#include "sim/checked_scenario.h"

#include "sim/host_kernel.h"
#include "sim/reach_check.h"
#include "sim/shipped_topologies.h"

namespace sim {

std::optional<Scenario> load_checked(const std::string& path, const std::vector<std::string>& overrides,
                                     Diagnostics& diagnostics, const std::vector<Override>& point) {
    const std::size_t errors_before = diagnostics.errors();
    auto scenario = load_scenario(path, overrides, shipped_topologies(), diagnostics, point);
    if (scenario) {
        check_reach(*scenario, diagnostics);
        check_host(*scenario, diagnostics);
    }
    return diagnostics.errors() == errors_before ? std::move(scenario) : std::nullopt;
}

} // namespace sim
