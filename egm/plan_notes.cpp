#include "egm/plan_notes.h"

#include <algorithm>

#include <fmt/format.h>

#include "egm/address.h"

namespace egm {
namespace {

/// The node that pushes this one off the block boundary: the last in front of it whose size is no multiple.
const PlannedNode* culprit(const PlannedVm& vm, std::size_t index, std::uint64_t block) {
    const PlannedNode* found = nullptr;
    for (std::size_t i = 0; i < vm.nodes.size(); ++i)
        if (vm.layout.nodes[i].ram.begin < vm.layout.nodes[index].ram.begin &&
            !is_aligned(vm.nodes[i].planned.region.size, block))
            found = &vm.nodes[i];
    return found;
}

void note_blocks(const PlannedVm& vm, std::size_t index, std::uint64_t page_size, std::vector<std::string>& notes) {
    const std::uint64_t block = block_size_max(page_size);
    if (is_aligned(vm.layout.nodes[index].ram.begin.value, block))
        return;
    const PlannedNode* before = culprit(vm, index, block);
    if (before == nullptr)
        return;
    const std::uint64_t size = before->planned.region.size;
    notes.push_back(fmt::format(
        "node {} begins at {:#x}, no multiple of {}, because egm{} in front of it has {}: ask for \"blocks\" of egm{} "
        "(gives up {}), or name egm{} last",
        vm.layout.nodes[index].node, vm.layout.nodes[index].ram.begin.value, in_binary_units(block),
        before->planned.carveout.pxm, in_binary_units(size), before->planned.carveout.pxm,
        in_binary_units(size - align_down(size, block)), before->planned.carveout.pxm));
}

void note_region(const PlannedNode& node, const TrayPlan& plan, const MachineSurvey& machine,
                 std::vector<std::string>& notes) {
    const Region& region = node.planned.region;
    const CarveoutInfo& carveout = node.planned.carveout;
    if (region.file_offset != 0)
        notes.push_back(fmt::format("its region of egm{} begins at offset {:#x}: right only on a platform that gives "
                                    "the GPUs a base for each VM, else they touch other memory than the CPU; QEMU "
                                    "needs \"offset=\" of version 8.1",
                                    carveout.pxm, region.file_offset));
    const auto shared = std::find_if(plan.carveouts.begin(), plan.carveouts.end(), [&](const PlannedCarveout& other) {
        return other.info.pxm == carveout.pxm && other.owners.size() > 1;
    });
    if (shared != plan.carveouts.end())
        notes.push_back(
            fmt::format("egm{} is shared: today's drivers let one process open it at a time (EBUSY)", carveout.pxm));
    const auto retired = machine.retired.find(carveout.pxm);
    if (retired == machine.retired.end())
        notes.push_back(fmt::format("retired memory of egm{} is not known until it is opened (--retired)", carveout.pxm));
    else if (total_bytes(node.retired) != total_bytes(retired->second))
        notes.push_back(fmt::format("egm{} has retired memory outside the region: QEMU versions that do not cut it off "
                                    "put holes behind the node; use the whole carveout with them",
                                    carveout.pxm));
}

} // namespace

std::string dma_note(IommuMode mode) {
    switch (mode) {
    case IommuMode::kType1:
        return "DMA by VFIO type1: EGM is mapped for the devices; the guest has no SMMU of its own, so its GPUs do not "
               "see "
               "its page tables (no ATS)";
    case IommuMode::kIommufdStrict:
        return "DMA by iommufd: released kernels refuse to map EGM (EFAULT), and QEMU ends then; use a vendor kernel, "
               "or type1";
    case IommuMode::kIommufdTolerant:
        return "DMA by iommufd, a refusal of EGM accepted: needs a vendor QEMU; devices other than the GPUs may not "
               "reach the guest's memory then";
    case IommuMode::kIommufdDmaBuf:
        return "DMA by iommufd from a dma-buf: no released kernel or QEMU does that for EGM yet";
    }
    return {};
}

std::vector<std::string> plan_notes(const PlannedVm& vm, const TrayPlan& plan, const MachineSurvey& machine) {
    std::vector<std::string> notes;
    if (vm.nodes.empty()) {
        notes.push_back("ordinary memory: no EGM; the GPUs reach it by PCIe or ATS, best from huge pages");
        return notes;
    }
    if (!vm.layout.gpus.empty())
        notes.push_back(dma_note(vm.request.iommu));
    for (std::size_t i = 0; i < vm.nodes.size(); ++i) {
        note_region(vm.nodes[i], plan, machine, notes);
        note_blocks(vm, i, plan.page_size, notes);
    }
    return notes;
}

} // namespace egm
