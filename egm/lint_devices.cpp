#include <algorithm>
#include <bit>
#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "egm/address.h"
#include "egm/block_size.h"
#include "egm/guest_layout.h"
#include "egm/lint_rules.h"

namespace egm {
namespace {

constexpr std::uint64_t kWindowMin = 4 * kTiB; // see guest_layout.cpp

/// The VM's devices that are GPUs of this machine's carveouts.
std::vector<const DescribedDevice*> gpus_of(const LintCase& lint) {
    std::vector<const DescribedDevice*> gpus;
    for (const DescribedDevice& device : lint.vm.devices)
        if (lint.machine.gpus.contains(device.bdf))
            gpus.push_back(&device);
    return gpus;
}

bool has_device(const LintCase& lint, const std::string& bdf) {
    return std::any_of(lint.vm.devices.begin(), lint.vm.devices.end(),
                       [&](const DescribedDevice& device) { return device.bdf == bdf; });
}

/// A carveout that is used brings all of its GPUs.
void check_complete(const LintCase& lint) {
    for (const DescribedBackend& backend : lint.vm.backends) {
        const CarveoutInfo* carveout = lint.carveout_of_backend(backend);
        if (carveout == nullptr)
            continue;
        for (const std::string& bdf : carveout->gpu_bdfs)
            if (!has_device(lint, bdf))
                lint.error(backend.place,
                           fmt::format("GPU {} reaches all of {}, and is not in the VM", bdf, backend.path),
                           "give the VM every GPU of the carveout");
    }
}

void check_links_of(const LintCase& lint, const DescribedDevice& gpu, const CarveoutInfo& carveout) {
    std::vector<const DescribedLink*> links;
    for (const DescribedLink& link : lint.vm.egm_links)
        if (link.device == gpu.id)
            links.push_back(&link);
    if (links.empty())
        lint.error(gpu.place, "GPU " + gpu.bdf + " has no EGM link: the guest's driver finds no EGM",
                   fmt::format("add -object acpi-egm-memory,id=...,pci-dev={},node=..., or a <memory model='egm'>",
                               gpu.id.empty() ? "ID" : gpu.id));
    if (links.size() > 1)
        lint.error(links[1]->place, "GPU " + gpu.bdf + " has two EGM links", "leave one");
    for (const DescribedLink* link : links) {
        const CarveoutInfo* linked = lint.carveout_of_node(link->node);
        if (linked == nullptr || linked->pxm != carveout.pxm)
            lint.error(link->place,
                       fmt::format("node {} is not the EGM of GPU {}: its hardware reaches {}", link->node, gpu.bdf,
                                   carveout.device_path),
                       "name the node whose memory is " + carveout.device_path);
    }
}

void check_initiators_of(const LintCase& lint, const DescribedDevice& gpu) {
    std::set<int> nodes;
    for (const DescribedLink& link : lint.vm.initiators) {
        if (link.device != gpu.id)
            continue;
        if (!nodes.insert(link.node).second)
            lint.error(link.place, fmt::format("node {} is an initiator of {} twice", link.node, gpu.bdf),
                       "name eight different nodes");
        const DescribedNode* node = lint.node(link.node);
        if (node == nullptr)
            lint.error(link.place, fmt::format("there is no node {}", link.node), "declare it: -numa node,nodeid=...");
        else if (node->has_cpus || !node->backend.empty())
            lint.error(link.place, fmt::format("node {} has CPUs or memory, and is to be an initiator", link.node),
                       "an initiator's node is empty: the GPU's own memory comes online in it");
    }
    if (nodes.size() != kInitiatorNodesPerGpu)
        lint.error(gpu.place,
                   fmt::format("GPU {} has {} initiator nodes, and needs {}: its memory comes online in them", gpu.bdf,
                               nodes.size(), kInitiatorNodesPerGpu),
                   "add acpi-generic-initiator objects, or <acpi nodeset='...'>, for empty nodes of their own");
}

void check_device(const LintCase& lint, const DescribedDevice& device) {
    if (device.migration)
        lint.error(device.place, "migration is on for " + device.bdf + ": EGM memory takes no dirty logging",
                   "leave out enable-migration");
    if (device.hotplug)
        lint.warning(device.place, "GPU " + device.bdf + " could be unplugged", "say vfio-pci-nohotplug");
    if (device.managed)
        lint.warning(device.place,
                     "libvirt may take GPU " + device.bdf + " from nvgrace-gpu-vfio-pci, and its EGM goes with it",
                     "say managed='no', and bind the driver when the host starts");
}

/// Initiators and links whose device is nothing that the machine has.
void check_dangling(const LintCase& lint) {
    std::set<std::string> gpu_ids;
    std::set<std::string> ids;
    for (const DescribedDevice& device : lint.vm.devices) {
        ids.insert(device.id);
        if (lint.machine.gpus.contains(device.bdf))
            gpu_ids.insert(device.id);
    }
    for (const DescribedLink& link : lint.vm.egm_links)
        if (!ids.contains(link.device))
            lint.error(link.place, "there is no device \"" + link.device + "\"", "name the id of a GPU of the VM");
        else if (!gpu_ids.contains(link.device))
            lint.error(link.place, "device \"" + link.device + "\" is no GPU of this machine's carveouts",
                       "\"egmctl list\" shows their PCI addresses");
    for (const DescribedLink& link : lint.vm.initiators)
        if (!ids.contains(link.device) && lint.vm.devices.size() > 0)
            lint.error(link.place, "there is no device \"" + link.device + "\"", "name the id of a device of the VM");
}

void check_owner_twice(const LintCase& lint) {
    std::set<std::string> bdfs;
    std::map<int, std::string> initiator_of;
    for (const DescribedDevice& device : lint.vm.devices)
        if (!device.bdf.empty() && !bdfs.insert(device.bdf).second)
            lint.error(device.place, device.bdf + " is in the VM twice", "leave one");
    for (const DescribedLink& link : lint.vm.initiators)
        if (const auto [owner, fresh] = initiator_of.emplace(link.node, link.device);
            !fresh && owner->second != link.device)
            lint.error(link.place, fmt::format("node {} is an initiator of \"{}\" too", link.node, owner->second),
                       "give each GPU eight nodes of its own");
}

void check_window(const LintCase& lint, const std::vector<const DescribedDevice*>& gpus) {
    std::uint64_t needed = 0;
    for (const DescribedDevice* gpu : gpus)
        needed += lint.machine.gpus.at(gpu->bdf).mmio_bytes();
    needed = std::bit_ceil(std::max(needed, kWindowMin));
    const auto advice = fmt::format("say highmem-mmio-size={}T, or <pcihole64> of as much", needed / kTiB);
    if (!lint.vm.mmio_window)
        lint.error(lint.vm.machine_place,
                   "the MMIO window has QEMU's usual 512 GiB: the memory of the GPUs does not fit", advice);
    else if (!std::has_single_bit(*lint.vm.mmio_window))
        lint.error(lint.vm.machine_place, in_binary_units(*lint.vm.mmio_window) + " of MMIO window are no power of two",
                   advice);
    else if (*lint.vm.mmio_window < needed)
        lint.error(lint.vm.machine_place,
                   fmt::format("{} GPUs need an MMIO window of {}, and it has {}", gpus.size(), in_binary_units(needed),
                               in_binary_units(*lint.vm.mmio_window)),
                   advice);
}

const DescribedSmmu* smmu_of(const LintCase& lint, const std::string& bus) {
    for (const DescribedSmmu& smmu : lint.vm.smmus)
        if (!bus.empty() && smmu.bus == bus)
            return &smmu;
    return nullptr;
}

void check_smmus(const LintCase& lint, const std::vector<const DescribedDevice*>& gpus) {
    std::map<std::string, std::string> host_of_bus; ///< the host's SMMU by the guest's bus
    std::map<std::string, std::string> bus_of_host;
    for (const DescribedDevice* gpu : gpus) {
        const std::string bus = lint.bus_of(*gpu);
        const DescribedSmmu* smmu = smmu_of(lint, bus);
        if (smmu == nullptr) {
            if (gpu->iommufd)
                lint.note(gpu->place, "GPU " + gpu->bdf + " has no virtual SMMU: the guest cannot use ATS with it",
                          "add arm-smmuv3 with accel=on to its expander bus");
            continue;
        }
        if (!smmu->accelerated)
            lint.error(smmu->place,
                       "the virtual SMMU in front of GPU " + gpu->bdf +
                           " is emulated: QEMU refuses a VFIO "
                           "device behind it",
                       "say accel=on");
        else if (!gpu->iommufd)
            lint.error(gpu->place, "GPU " + gpu->bdf + " is behind an accelerated virtual SMMU without iommufd",
                       "add -object iommufd,id=iommufd0 and iommufd=iommufd0, or <driver iommufd='yes'/>");
        const std::string& host = lint.machine.gpus.at(gpu->bdf).smmu;
        if (const auto [entry, fresh] = host_of_bus.emplace(bus, host);
            !fresh && entry->second != host && !host.starts_with("segment "))
            lint.error(gpu->place,
                       fmt::format("GPU {} is behind {} on the host, and shares a virtual SMMU with a GPU of {}",
                                   gpu->bdf, host, entry->second),
                       "give it an expander bus of its own");
        if (const auto [entry, fresh] = bus_of_host.emplace(host, bus); !fresh && entry->second != bus)
            lint.error(gpu->place,
                       fmt::format("GPU {} shares {} on the host with a GPU of another expander bus", gpu->bdf, host),
                       "put the GPUs of one SMMU on one expander bus");
    }
}

} // namespace

std::string LintCase::bus_of(const DescribedDevice& device) const {
    const auto port = vm.bus_of_port.find(device.bus);
    return port == vm.bus_of_port.end() ? device.bus : port->second;
}

void check_gpus(const LintCase& lint) {
    check_complete(lint);
    check_dangling(lint);
    check_owner_twice(lint);
    std::set<int> used;
    for (const DescribedBackend& backend : lint.vm.backends)
        if (const CarveoutInfo* carveout = lint.carveout_of_backend(backend))
            used.insert(carveout->pxm);
    for (const DescribedDevice* gpu : gpus_of(lint)) {
        const CarveoutInfo* carveout = carveout_of(lint.machine.carveouts, gpu->bdf);
        check_device(lint, *gpu);
        check_initiators_of(lint, *gpu);
        if (carveout == nullptr)
            continue;
        if (used.contains(carveout->pxm))
            check_links_of(lint, *gpu, *carveout);
        else
            lint.warning(
                gpu->place,
                fmt::format("the VM has GPU {}, and not {}: the GPU has no EGM", gpu->bdf, carveout->device_path),
                "back a node with " + carveout->device_path);
    }
}

void check_buses(const LintCase& lint) {
    const auto gpus = gpus_of(lint);
    if (gpus.empty())
        return;
    check_window(lint, gpus);
    check_smmus(lint, gpus);
}

} // namespace egm
