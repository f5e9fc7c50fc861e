#include "egm/linux/plan_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace egm {
namespace {

using nlohmann::ordered_json;

std::string in_words(const Range<Ipa>& range) {
    return fmt::format("[{:#x}, {:#x})", range.begin.value, range.end().value);
}

std::string in_words(const VcpuRange& vcpus) {
    if (vcpus.count == 0)
        return "none";
    return vcpus.count == 1 ? fmt::format("{}", vcpus.first)
                            : fmt::format("{}-{}", vcpus.first, vcpus.first + vcpus.count - 1);
}

std::string in_words(const std::vector<BlockShare>& blocks) {
    std::string words;
    for (const BlockShare& share : blocks)
        words += fmt::format("{}{} x {}", words.empty() ? "" : ", ", share.blocks(), in_binary_units(share.block));
    return words;
}

void write_vm(std::string& text, const PlannedVm& vm) {
    text += fmt::format("VM {}: {} vCPUs, {} GPUs, DMA by {}\n", vm.request.name, vm.request.vcpus,
                        vm.layout.gpus.size(), to_string(vm.request.iommu));
    if (vm.nodes.empty())
        text += fmt::format("  ordinary memory: {} at {}\n", in_binary_units(vm.request.legacy_memory_bytes),
                            in_words(vm.layout.nodes.front().ram));
    for (std::size_t i = 0; i < vm.nodes.size(); ++i) {
        const PlannedNode& node = vm.nodes[i];
        const GuestMemoryNode& guest = vm.layout.nodes[i];
        text += fmt::format("  node {}: {} of {} from offset {:#x}\n", guest.node,
                            in_binary_units(node.planned.region.size), node.planned.carveout.device_path,
                            node.planned.region.file_offset);
        text += fmt::format("    guest addresses  {}\n", in_words(guest.ram));
        text += fmt::format("    vCPUs            {}\n", in_words(guest.vcpus));
        text += fmt::format("    stage-2 blocks   {}\n", in_words(node.blocks));
        if (!node.why_not_larger.empty())
            text += fmt::format("    why not larger   {}\n", node.why_not_larger);
        for (const Range<Ipa>& hole : guest.holes)
            text += fmt::format("    retired hole     {}, {}\n", in_words(hole), in_binary_units(hole.size));
    }
    for (const GuestExpanderBus& bus : vm.buses) {
        for (const std::size_t index : bus.gpus) {
            const GuestGpu& gpu = vm.layout.gpus[index];
            text += fmt::format("  GPU {}: ", gpu.bdf);
            text += gpu.egm_pxm < 0 ? "no EGM" : fmt::format("EGM is node {}", gpu.egm_pxm);
            if (gpu.initiator_nodes > 0)
                text += fmt::format(", initiator nodes {}-{}", gpu.first_initiator_node,
                                    gpu.first_initiator_node + gpu.initiator_nodes - 1);
            text += fmt::format(", guest bus {}, behind {}\n", bus.bus_number, bus.smmu);
        }
    }
    text += fmt::format("  {} NUMA nodes, MMIO window {} at {:#x}, guest addresses of {} bits\n", vm.layout.node_count,
                        in_binary_units(vm.layout.high_mmio.size), vm.layout.high_mmio.begin.value,
                        vm.layout.address_bits());
    for (const std::string& note : vm.notes)
        text += "  note: " + note + "\n";
    text += "\n";
}

ordered_json to_json(const PlannedVm& vm, std::size_t index) {
    const PlannedNode& node = vm.nodes[index];
    const GuestMemoryNode& guest = vm.layout.nodes[index];
    ordered_json json{{"node", guest.node},
                      {"carveout", node.planned.carveout.pxm},
                      {"device", node.planned.carveout.device_path},
                      {"file_offset", node.planned.region.file_offset},
                      {"size_bytes", node.planned.region.size},
                      {"ipa", guest.ram.begin.value},
                      {"vcpu_first", guest.vcpus.first},
                      {"vcpus", guest.vcpus.count},
                      {"largest_block_bytes", node.largest_block},
                      {"why_not_larger", node.why_not_larger}};
    json["blocks"] = ordered_json::array();
    for (const BlockShare& share : node.blocks)
        json["blocks"].push_back({{"block_bytes", share.block}, {"bytes", share.bytes}});
    json["holes"] = ordered_json::array();
    for (const Range<Ipa>& hole : guest.holes)
        json["holes"].push_back({{"ipa", hole.begin.value}, {"size_bytes", hole.size}});
    return json;
}

ordered_json to_json(const PlannedVm& vm) {
    ordered_json json{{"name", vm.request.name},
                      {"vcpus", vm.request.vcpus},
                      {"iommu", to_string(vm.request.iommu)},
                      {"ordinary_memory_bytes", vm.request.legacy_memory_bytes}};
    json["nodes"] = ordered_json::array();
    for (std::size_t i = 0; i < vm.nodes.size(); ++i)
        json["nodes"].push_back(to_json(vm, i));
    json["gpus"] = ordered_json::array();
    for (const GuestExpanderBus& bus : vm.buses)
        for (const std::size_t index : bus.gpus) {
            const GuestGpu& gpu = vm.layout.gpus[index];
            json["gpus"].push_back({{"bdf", gpu.bdf},
                                    {"egm_pxm", gpu.egm_pxm},
                                    {"egm_base_pa", gpu.egm_base.value},
                                    {"egm_size_bytes", gpu.egm_size},
                                    {"first_initiator_node", gpu.first_initiator_node},
                                    {"initiator_nodes", gpu.initiator_nodes},
                                    {"guest_bus", bus.bus_number},
                                    {"smmu", bus.smmu}});
        }
    json["node_count"] = vm.layout.node_count;
    json["high_mmio"] = {{"ipa", vm.layout.high_mmio.begin.value}, {"size_bytes", vm.layout.high_mmio.size}};
    json["address_bits"] = vm.layout.address_bits();
    json["notes"] = vm.notes;
    return json;
}

} // namespace

std::string plan_text(const TrayPlan& plan) {
    std::string text =
        fmt::format("Policy {}, host pages of {}\n\n", to_string(plan.policy), in_binary_units(plan.page_size));
    for (const PlannedVm& vm : plan.vms)
        write_vm(text, vm);
    if (!plan.carveouts.empty())
        text += fmt::format("{:<12} {:>12} {:>12} {:>12} {:>12}  {}\n", "carveout", "size", "retired", "misaligned",
                            "unassigned", "given to");
    for (const PlannedCarveout& carveout : plan.carveouts)
        text += fmt::format("{:<12} {:>12} {:>12} {:>12} {:>12}  {}\n", carveout.info.device_path,
                            in_binary_units(carveout.info.size),
                            carveout.retired_known ? in_binary_units(carveout.losses.retired) : "not asked",
                            in_binary_units(carveout.losses.alignment + carveout.losses.external),
                            in_binary_units(carveout.losses.unassigned),
                            carveout.owners.empty() ? "nobody" : fmt::format("{}", fmt::join(carveout.owners, " ")));
    if (!plan.idle_gpus.empty())
        text += fmt::format("GPUs in no VM: {}\n", fmt::join(plan.idle_gpus, " "));
    return text;
}

void add_plan(ordered_json& json, const TrayPlan& plan) {
    json["policy"] = to_string(plan.policy);
    json["page_size_bytes"] = plan.page_size;
    json["vms"] = ordered_json::array();
    for (const PlannedVm& vm : plan.vms)
        json["vms"].push_back(to_json(vm));
    json["carveouts"] = ordered_json::array();
    for (const PlannedCarveout& carveout : plan.carveouts) {
        ordered_json entry{{"pxm", carveout.info.pxm},
                           {"size_bytes", carveout.info.size},
                           {"retired_bytes", nullptr},
                           {"internal_loss_bytes", carveout.losses.internal},
                           {"external_loss_bytes", carveout.losses.external},
                           {"alignment_loss_bytes", carveout.losses.alignment},
                           {"unassigned_bytes", carveout.losses.unassigned},
                           {"owners", carveout.owners}};
        if (carveout.retired_known)
            entry["retired_bytes"] = carveout.losses.retired;
        json["carveouts"].push_back(std::move(entry));
    }
    json["idle_gpus"] = plan.idle_gpus;
}

} // namespace egm
