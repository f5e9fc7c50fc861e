#include "sim/tenants.h"

#include <algorithm>

namespace sim {

std::vector<std::string> tenant_names(const Scenario& scenario) {
    std::vector<std::string> names;
    for (const VmSetup& vm : scenario.software.vms) {
        names.push_back(vm.name);
    }
    for (const StreamGroup& group : scenario.groups) {
        for (const Stream& stream : group.streams) {
            if (!stream.tenant.empty() && std::find(names.begin(), names.end(), stream.tenant) == names.end()) {
                names.push_back(stream.tenant);
            }
        }
    }
    return names;
}

std::optional<std::size_t> vm_of(const Scenario& scenario, const Stream& stream) {
    const auto& vms = scenario.software.vms;
    const Part* const part = scenario.topology.find(stream.initiator);
    const bool is_gpu = part != nullptr && std::holds_alternative<models::GpuSpec>(part->spec);
    for (std::size_t i = 0; i < vms.size(); ++i) {
        const VmSetup& vm = vms[i];
        bool has = stream.vm == vm.name;
        if (stream.vm.empty() && is_gpu) {
            has = std::find(vm.gpus.begin(), vm.gpus.end(), stream.initiator) != vm.gpus.end();
        } else if (stream.vm.empty() && part != nullptr) {
            has = std::any_of(vm.memory.begin(), vm.memory.end(),
                              [&](const RegionSetup& region) { return region.memory.rfind(part->cpu + ".", 0) == 0; });
        }
        if (has) {
            return i;
        }
    }
    return std::nullopt;
}

std::string tenant_of(const Scenario& scenario, const Stream& stream) {
    if (!stream.tenant.empty()) {
        return stream.tenant;
    }
    const auto vm = vm_of(scenario, stream);
    return vm ? scenario.software.vms[*vm].name : std::string();
}

models::SharingSpec sharing_spec(const Scenario& scenario, const SharingSetup& setup) {
    models::SharingSpec spec;
    spec.order = setup.order;
    spec.tenants.emplace_back(); // number 0: nobody's
    for (const std::string& name : tenant_names(scenario)) {
        const auto found = setup.tenants.find(name);
        spec.tenants.push_back(found == setup.tenants.end() ? models::SharingSpec::Share{} : found->second);
    }
    return spec;
}

} // namespace sim
