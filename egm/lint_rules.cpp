#include "egm/lint_rules.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace egm {
namespace {

using Hazard = DescribedHazard::Kind;

bool uses_egm(const VmDescription& vm) { return std::any_of(vm.backends.begin(), vm.backends.end(), is_egm); }

void check_hazard(const LintCase& lint, const DescribedHazard& hazard) {
    switch (hazard.kind) {
    case Hazard::kMigration:
        return lint.error(hazard.place, hazard.what + ": a VM with EGM cannot migrate, since KVM refuses dirty logging",
                          "leave it out");
    case Hazard::kDirtyLog:
        return lint.warning(hazard.place, hazard.what + ": KVM keeps no dirty log of EGM", "leave it out");
    case Hazard::kHugepages:
        return lint.error(hazard.place, hazard.what + ": EGM is contiguous of itself, and no huge page memory",
                          "leave it out, or do without EGM");
    case Hazard::kMachineSmmu:
        if (!lint.vm.smmus.empty())
            lint.error(hazard.place, hazard.what + ": QEMU takes either one SMMU of the machine or those of buses",
                       "leave it out");
        return;
    case Hazard::kNoAcpi:
        return lint.error(hazard.place, hazard.what + ": the guest learns of EGM through ACPI", "turn ACPI on");
    case Hazard::kMemlockLimited:
        return lint.warning(hazard.place, hazard.what + ": DMA maps count against the limit of locked memory",
                            "say unlimited");
    case Hazard::kMemoryBackend: {
        const bool nodes = std::any_of(lint.vm.nodes.begin(), lint.vm.nodes.end(),
                                       [](const DescribedNode& node) { return !node.backend.empty(); });
        if (nodes)
            lint.error(hazard.place, hazard.what + ": QEMU takes the machine's memory or that of nodes, not both",
                       "leave it out");
        return;
    }
    }
}

/// Two VMs that run at the same time share neither a carveout nor a device.
void check_together(const std::vector<VmDescription>& vms, const std::vector<std::string>& files,
                    const MachineSurvey& machine, std::vector<LintFinding>& findings) {
    std::map<std::string, std::size_t> owner; ///< VM by path or PCI address
    for (std::size_t i = 0; i < vms.size(); ++i) {
        const LintCase lint{vms[i], files[i], machine, findings};
        for (const DescribedBackend& backend : vms[i].backends)
            if (const auto [entry, fresh] = owner.emplace(backend.path, i);
                is_egm(backend) && !fresh && entry->second != i)
                lint.error(backend.place,
                           fmt::format("{} belongs to {} too: a carveout has one VM at a time", backend.path,
                                       vms[entry->second].name),
                           "give each VM carveouts of its own");
        for (const DescribedDevice& device : vms[i].devices)
            if (const auto [entry, fresh] = owner.emplace(device.bdf, i);
                !device.bdf.empty() && !fresh && entry->second != i)
                lint.error(device.place, fmt::format("{} belongs to {} too", device.bdf, vms[entry->second].name),
                           "a device has one VM at a time");
    }
}

} // namespace

const DescribedBackend* LintCase::backend(const std::string& id) const {
    const auto found =
        std::find_if(vm.backends.begin(), vm.backends.end(), [&](const auto& each) { return each.id == id; });
    return found == vm.backends.end() ? nullptr : &*found;
}

const DescribedNode* LintCase::node(int number) const {
    const auto found =
        std::find_if(vm.nodes.begin(), vm.nodes.end(), [&](const auto& each) { return each.number == number; });
    return found == vm.nodes.end() ? nullptr : &*found;
}

const CarveoutInfo* LintCase::carveout_of_node(int number) const {
    const DescribedNode* of = node(number);
    const DescribedBackend* memory = of == nullptr ? nullptr : backend(of->backend);
    return memory == nullptr ? nullptr : carveout_of_backend(*memory);
}

void check_hazards(const LintCase& lint) {
    for (const DescribedHazard& hazard : lint.vm.hazards)
        check_hazard(lint, hazard);
    if (!lint.vm.kvm)
        lint.error(lint.vm.machine_place, "the VM does not run by KVM: VFIO and EGM need hardware virtualization",
                   "say accel=kvm, or <domain type='kvm'>");
}

std::vector<LintFinding> check_vms(const std::vector<VmDescription>& vms, const std::vector<std::string>& files,
                                   const MachineSurvey& machine) {
    std::vector<LintFinding> findings;
    for (std::size_t i = 0; i < vms.size(); ++i) {
        const LintCase lint{vms[i], files[i], machine, findings};
        check_gpus(lint);
        check_buses(lint);
        if (!uses_egm(vms[i])) {
            lint.note(vms[i].place, vms[i].name + " uses no EGM", "back its nodes with /dev/egm*");
            continue;
        }
        check_backends(lint);
        check_nodes(lint);
        check_hazards(lint);
    }
    check_together(vms, files, machine, findings);
    return findings;
}

} // namespace egm
