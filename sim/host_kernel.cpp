#include "sim/host_kernel.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace sim {

namespace {

/// What `lspci` shows. Source: Linux drivers/vfio/pci/nvgrace-gpu/main.c, its table of device ids.
std::uint16_t device_id(const Part& gpu) {
    if (gpu.preset.rfind("hopper", 0) == 0) {
        return 0x2342;
    }
    return gpu.preset.rfind("blackwell", 0) == 0 ? 0x2941 : 0x2330;
}

} // namespace

std::string gpu_bdf(const Topology& topology, const std::string& name) {
    unsigned index_in_socket = 0;
    unsigned index = 0;
    const Part& gpu = *topology.find(name);
    for (const Part& part : topology.parts) {
        if (!std::holds_alternative<models::GpuSpec>(part.spec)) {
            continue;
        }
        if (part.name == name) {
            break;
        }
        index += part.node == gpu.node;
        index_in_socket += part.cpu == gpu.cpu;
    }
    if (!topology.egm) {
        return fmt::format("0000:{:02x}:00.0", 0x18 + 0x10 * index);
    }
    return fmt::format("{:04x}:01:00.0", std::max(gpu.socket, 0) * 16 + 8 + static_cast<int>(index_in_socket));
}

models::linux::KernelConfig host_kernel(const Scenario& scenario, const AddressPlan& plan, const std::string& node) {
    const Topology& topology = scenario.topology;
    models::linux::KernelConfig config;
    config.arch = topology.egm ? models::linux::HostArch::kArm64 : models::linux::HostArch::kX86;
    config.page_size = scenario.software.host_page_bytes;
    config.version = scenario.software.kernel_major * 100 + scenario.software.kernel_minor;
    config.costs = scenario.software.costs;
    config.retired_short_buffer_enospc = scenario.software.retired_short_buffer_enospc;
    static const std::map<std::string, models::linux::EgmShape> kShapes{
        {"A", models::linux::EgmShape::kA}, {"B", models::linux::EgmShape::kB},   {"C", models::linux::EgmShape::kC},
        {"D", models::linux::EgmShape::kD}, {"E1", models::linux::EgmShape::kE1}, {"E2", models::linux::EgmShape::kE2}};
    config.shape = kShapes.at(scenario.software.egm_shape);
    int index = 0;
    for (const Part& part : topology.parts) {
        if (!std::holds_alternative<models::GpuSpec>(part.spec) || part.node != node) {
            continue;
        }
        models::linux::GpuConfig gpu;
        gpu.bdf = gpu_bdf(topology, part.name);
        gpu.iommu_group = 16 + index;
        gpu.vfio_index = index;
        gpu.device_id = device_id(part);
        gpu.socket = topology.egm ? part.socket : -1;
        gpu.hbm = plan.hbm.at(part.name);
        gpu.coherent = topology.egm;
        config.gpus.push_back(gpu);
        ++index;
    }
    for (const auto& [cpu, dram] : plan.dram) {
        if (topology.find(cpu)->node != node) {
            continue;
        }
        config.host_memory.push_back(dram.host);
        if (dram.carveout.size == 0) {
            continue;
        }
        models::linux::CarveoutConfig carveout;
        carveout.pxm = dram.pxm;
        carveout.range = dram.carveout;
        for (const auto& gpu : config.gpus) {
            if (gpu.socket == topology.find(cpu)->socket) {
                carveout.gpu_bdfs.push_back(gpu.bdf);
            }
        }
        config.carveouts.push_back(carveout);
    }
    for (const FaultSetup& fault : scenario.software.faults) {
        if (!fault.part.empty() && topology.find(fault.part)->node != node) {
            continue;
        }
        if (fault.kind == FaultSetup::Kind::kGpuNotReady) {
            for (auto& gpu : config.gpus) {
                gpu.c2c_ready = gpu.c2c_ready && gpu.bdf != gpu_bdf(topology, fault.part);
            }
        } else if (fault.kind == FaultSetup::Kind::kRetiredPages) {
            const auto& dram = plan.dram.at(fault.part);
            for (auto& carveout : config.carveouts) {
                for (const std::uint64_t offset : fault.offsets) {
                    if (carveout.pxm == dram.pxm) {
                        carveout.retired.push_back(dram.carveout.begin + offset);
                    }
                }
            }
        }
    }
    return config;
}

std::string node_of(const Topology& topology, const VmSetup& vm) {
    const std::string name = !vm.memory.empty()
                                 ? vm.memory.front().memory.substr(0, vm.memory.front().memory.rfind('.'))
                                 : (vm.gpus.empty() ? "" : vm.gpus.front());
    const Part* part = topology.find(name);
    return part == nullptr ? topology.nodes().front() : part->node;
}

void check_host(const Scenario& scenario, Diagnostics& diagnostics) {
    if (scenario.software.vms.empty()) {
        return;
    }
    std::set<std::string> nodes;
    for (const VmSetup& vm : scenario.software.vms) {
        const std::string node = node_of(scenario.topology, vm);
        nodes.insert(node);
        const auto check = [&](const std::string& name) {
            const Part* part = scenario.topology.find(name);
            if (part != nullptr && part->node != node) {
                diagnostics.error(
                    vm.where,
                    fmt::format("VM {}: {} is in node {}, and the VM in node {}", vm.name, name, part->node, node),
                    "a VM lives in one node; what other nodes have is reached over the fabric");
            }
        };
        for (const RegionSetup& region : vm.memory) {
            check(region.memory.substr(0, region.memory.rfind('.')));
        }
        std::for_each(vm.gpus.begin(), vm.gpus.end(), check);
    }
    const AddressPlan plan = plan_addresses(scenario.topology, scenario.software);
    for (const std::string& node : nodes) {
        for (const std::string& fault : models::linux::faults(host_kernel(scenario, plan, node))) {
            diagnostics.error({scenario.file, 0, 0}, "software: " + fault);
        }
    }
}

} // namespace sim
