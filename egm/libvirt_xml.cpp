#include "egm/libvirt_xml.h"

#include <algorithm>
#include <cassert>
#include <sstream>

#include <fmt/format.h>
#include <pugixml.hpp>

#include "egm/address.h"
#include "egm/errors.h"

namespace egm {
namespace {

using pugi::xml_node;

xml_node add(xml_node parent, const char* name,
             std::initializer_list<std::pair<const char*, std::string>> attributes = {}, const std::string& text = {}) {
    xml_node node = parent.append_child(name);
    for (const auto& [key, value] : attributes)
        node.append_attribute(key) = value.c_str();
    if (!text.empty())
        node.text() = text.c_str();
    return node;
}

std::string kib(std::uint64_t bytes) { return std::to_string(bytes / kKiB); }

class Writer {
public:
    explicit Writer(const PlannedVm& vm) : vm_(vm) {}

    std::string write() {
        xml_node domain = add(document_, "domain", {{"type", "kvm"}});
        add(domain, "name", {}, vm_.request.name);
        std::uint64_t memory = 0;
        for (const GuestMemoryNode& node : vm_.layout.nodes)
            memory += node.ram.size;
        add(domain, "memory", {{"unit", "KiB"}}, kib(memory));
        add(domain, "vcpu", {{"placement", "static"}}, std::to_string(vm_.request.vcpus));
        xml_node backing = add(domain, "memoryBacking");
        add(backing, "source", {{"type", "file"}});
        add(backing, "access", {{"mode", "shared"}});
        add(backing, "allocation", {{"mode", "immediate"}});
        add(add(domain, "os"), "type", {{"arch", "aarch64"}, {"machine", "virt"}}, "hvm");
        xml_node features = add(domain, "features");
        add(features, "acpi"); // else libvirt turns ACPI off, and the guest learns nothing of EGM
        add(features, "gic", {{"version", "3"}});
        write_cpu(domain);
        write_devices(add(domain, "devices"));
        std::ostringstream text;
        document_.save(text, "  ",
                       pugi::format_indent | pugi::format_no_declaration | pugi::format_attribute_single_quote);
        return text.str();
    }

private:
    void write_cpu(xml_node domain) {
        xml_node cpu = add(domain, "cpu", {{"mode", "host-passthrough"}});
        const auto sockets = unsigned(std::count_if(vm_.layout.nodes.begin(), vm_.layout.nodes.end(),
                                                    [](const GuestMemoryNode& node) { return node.vcpus.count > 0; }));
        if (vm_.request.vcpus % sockets == 0)
            add(cpu, "topology",
                {{"sockets", std::to_string(sockets)},
                 {"cores", std::to_string(vm_.request.vcpus / sockets)},
                 {"threads", "1"}});
        xml_node numa = add(cpu, "numa");
        for (int number = 0; number < vm_.layout.node_count; ++number) {
            const auto memory = std::find_if(vm_.layout.nodes.begin(), vm_.layout.nodes.end(),
                                             [&](const GuestMemoryNode& node) { return node.node == number; });
            xml_node cell = add(numa, "cell", {{"id", std::to_string(number)}});
            if (memory != vm_.layout.nodes.end() && memory->vcpus.count > 0)
                cell.append_attribute("cpus") =
                    fmt::format("{}-{}", memory->vcpus.first, memory->vcpus.first + memory->vcpus.count - 1).c_str();
            cell.append_attribute("memory") = kib(memory != vm_.layout.nodes.end() ? memory->ram.size : 0).c_str();
            cell.append_attribute("unit") = "KiB";
        }
    }

    void write_devices(xml_node devices) {
        xml_node root = add(devices, "controller", {{"type", "pci"}, {"index", "0"}, {"model", "pcie-root"}});
        add(root, "pcihole64", {{"unit", "KiB"}}, kib(vm_.layout.high_mmio.size));
        int controller = 1;
        std::vector<int> expanders;
        std::vector<int> ports(vm_.layout.gpus.size());
        for (const GuestExpanderBus& bus : vm_.buses) {
            expanders.push_back(controller++);
            xml_node expander =
                add(devices, "controller",
                    {{"type", "pci"}, {"index", std::to_string(expanders.back())}, {"model", "pcie-expander-bus"}});
            add(expander, "model", {{"name", "pxb-pcie"}});
            add(add(expander, "target", {{"busNr", std::to_string(bus.bus_number)}}), "node", {},
                std::to_string(bus.node));
            for (std::size_t i = 0; i < bus.gpus.size(); ++i) {
                ports[bus.gpus[i]] = controller++;
                write_port(devices, ports[bus.gpus[i]], expanders.back(), i);
            }
        }
        const bool iommufd = vm_.request.iommu != IommuMode::kType1;
        if (iommufd)
            for (const int expander : expanders)
                add(add(devices, "iommu", {{"model", "smmuv3"}}), "driver",
                    {{"pciBus", std::to_string(expander)},
                     {"accel", "on"},
                     {"ats", "on"},
                     {"ril", "off"},
                     {"pasid", "on"},
                     {"oas", "48"}});
        for (std::size_t i = 0; i < vm_.layout.gpus.size(); ++i)
            write_gpu(devices, i, ports[i], iommufd);
        for (std::size_t i = 0; i < vm_.layout.gpus.size(); ++i)
            write_egm(devices, i);
    }

    void write_port(xml_node devices, int index, int expander, std::size_t slot) {
        xml_node port = add(devices, "controller",
                            {{"type", "pci"}, {"index", std::to_string(index)}, {"model", "pcie-root-port"}});
        add(port, "model", {{"name", "pcie-root-port"}});
        add(port, "target", {{"chassis", std::to_string(++chassis_)}, {"port", "0x0"}});
        write_address(port, expander, slot);
    }

    void write_address(xml_node device, int bus, std::size_t slot) {
        add(device, "address",
            {{"type", "pci"},
             {"domain", "0x0000"},
             {"bus", fmt::format("{:#04x}", bus)},
             {"slot", fmt::format("{:#04x}", slot)},
             {"function", "0x0"}});
    }

    void write_gpu(xml_node devices, std::size_t index, int port, bool iommufd) {
        const GuestGpu& gpu = vm_.layout.gpus[index];
        // managed='no': libvirt must not take the GPU from nvgrace-gpu-vfio-pci.
        xml_node hostdev = add(devices, "hostdev", {{"mode", "subsystem"}, {"type", "pci"}, {"managed", "no"}});
        if (iommufd)
            add(hostdev, "driver", {{"iommufd", "yes"}});
        const std::string& bdf = gpu.bdf; // "0008:01:00.0"
        const std::size_t colon = bdf.find(':');
        add(add(hostdev, "source"), "address",
            {{"domain", "0x" + bdf.substr(0, colon)},
             {"bus", "0x" + bdf.substr(colon + 1, 2)},
             {"slot", "0x" + bdf.substr(colon + 4, 2)},
             {"function", "0x" + bdf.substr(colon + 7, 1)}});
        add(hostdev, "alias", {{"name", fmt::format("ua-gpu{}", index)}});
        add(hostdev, "rom", {{"bar", "off"}});
        if (gpu.initiator_nodes > 0)
            add(hostdev, "acpi",
                {{"nodeset",
                  fmt::format("{}-{}", gpu.first_initiator_node, gpu.first_initiator_node + gpu.initiator_nodes - 1)}});
        write_address(hostdev, port, 0);
    }

    void write_egm(xml_node devices, std::size_t index) {
        const GuestGpu& gpu = vm_.layout.gpus[index];
        if (gpu.egm_pxm < 0)
            return;
        const auto node = std::find_if(vm_.layout.nodes.begin(), vm_.layout.nodes.end(),
                                       [&](const GuestMemoryNode& memory) { return memory.node == gpu.egm_pxm; });
        const PlannedNode& planned = vm_.nodes[std::size_t(node - vm_.layout.nodes.begin())];
        xml_node memory = add(devices, "memory", {{"model", "egm"}, {"access", "shared"}});
        add(add(memory, "source"), "path", {}, planned.planned.carveout.device_path);
        xml_node target = add(memory, "target");
        add(target, "size", {{"unit", "KiB"}}, kib(part_of(index)));
        add(target, "node", {}, std::to_string(gpu.egm_pxm));
        add(target, "pciDev", {}, fmt::format("ua-gpu{}", index));
    }

    /// The GPUs of a node share its size in whole KiB; the first takes what is left over.
    std::uint64_t part_of(std::size_t index) const {
        const GuestGpu& gpu = vm_.layout.gpus[index];
        std::uint64_t sharers = 0;
        bool first = true;
        for (std::size_t i = 0; i < vm_.layout.gpus.size(); ++i) {
            if (vm_.layout.gpus[i].egm_pxm != gpu.egm_pxm)
                continue;
            ++sharers;
            first = first && i >= index;
        }
        const std::uint64_t part = gpu.egm_size / sharers / kKiB * kKiB;
        return first ? gpu.egm_size - part * (sharers - 1) : part;
    }

    const PlannedVm& vm_;
    pugi::xml_document document_;
    int chassis_ = 0;
};

} // namespace

Result<std::string> libvirt_xml(const PlannedVm& vm) {
    assert(!vm.nodes.empty() && vm.request.vcpus > 0);
    for (std::size_t i = 0; i < vm.nodes.size(); ++i) {
        const PlannedRegion& planned = vm.nodes[i].planned;
        if (planned.region.file_offset != 0)
            return fail(rule_error("write libvirt domain", planned.name,
                                   "libvirt's form of EGM has no offset: use --qemu, or a region at offset 0"));
        if (std::none_of(vm.layout.gpus.begin(), vm.layout.gpus.end(),
                         [&](const GuestGpu& gpu) { return gpu.egm_pxm == vm.layout.nodes[i].node; }))
            return fail(rule_error("write libvirt domain", planned.name,
                                   "libvirt's form of EGM belongs to a GPU: give the VM a GPU of this carveout, or use "
                                   "--qemu"));
    }
    return Writer(vm).write();
}

} // namespace egm
