#include "egm/vm_plan.h"

#include <algorithm>
#include <bit>
#include <set>

#include <fmt/format.h>

#include "egm/address.h"
#include "egm/block_size.h"
#include "egm/errors.h"
#include "egm/machine_survey.h"

namespace egm {
namespace {

std::string list_names(const std::vector<CarveoutInfo>& carveouts) {
    std::string names;
    for (const CarveoutInfo& carveout : carveouts)
        names += fmt::format("{}egm{}", names.empty() ? "" : ", ", carveout.pxm);
    return names.empty() ? "none" : names;
}

/// Plans one VM, and keeps every fault that it finds.
class Planner {
public:
    Planner(const VmRequest& request, const std::vector<CarveoutInfo>& carveouts, std::uint64_t page_size,
            RegionAllocator& allocator, std::vector<PlanFault>& faults)
        : request_(request), carveouts_(carveouts), page_size_(page_size), allocator_(allocator), faults_(faults) {}

    VmShare take() {
        check_memory();
        check_gpus();
        VmShare share;
        std::set<int> pxms;
        for (std::size_t i = 0; i < request_.regions.size(); ++i) {
            if (!pxms.insert(request_.regions[i].pxm).second)
                refuse(fmt::format("carveout egm{} is named twice: a VM has one region of a carveout",
                                   request_.regions[i].pxm),
                       int(i));
            else
                take_region(i, share);
        }
        for (std::size_t i = 0; i < request_.gpu_bdfs.size(); ++i)
            share.gpus.push_back(plan_gpu(i, share));
        return share;
    }

private:
    void refuse(std::string why, int region = -1, int gpu = -1) {
        faults_.push_back(
            {.error = rule_error("plan VM", request_.name, std::move(why)), .region = region, .gpu = gpu});
    }

    void check_memory() {
        if (request_.regions.empty() == (request_.legacy_memory_bytes == 0))
            refuse("a VM has either EGM regions or ordinary memory: name one of them, and not both");
        if (!is_aligned(request_.legacy_memory_bytes, page_size_))
            refuse("the memory's size must be a multiple of the host's page, " + in_binary_units(page_size_));
        const std::uint64_t alignment = request_.block_alignment;
        if (alignment != 0 && (!std::has_single_bit(alignment) || alignment < page_size_ || alignment > kTiB))
            refuse("the block alignment must be a power of two from the host's page, " + in_binary_units(page_size_) +
                   ", to 1 TiB");
    }

    void check_gpus() {
        std::set<std::string> bdfs;
        for (std::size_t i = 0; i < request_.gpu_bdfs.size(); ++i)
            if (!bdfs.insert(request_.gpu_bdfs[i]).second)
                refuse("GPU " + request_.gpu_bdfs[i] + " is claimed twice", -1, int(i));
    }

    void take_region(std::size_t index, VmShare& share) {
        const RegionRequest& wanted = request_.regions[index];
        const CarveoutInfo* carveout = find_carveout(carveouts_, wanted.pxm);
        if (carveout == nullptr) {
            faults_.push_back(
                {.error = rule_error("plan region", fmt::format("{}/egm{}", request_.name, wanted.pxm),
                                     "this machine has no such carveout; it has: " + list_names(carveouts_)),
                 .region = int(index)});
            return;
        }
        // A carveout smaller than one largest block stays whole.
        const std::uint64_t blocks = wanted.whole_blocks ? align_down(carveout->size, block_size_max(page_size_)) : 0;
        auto region = allocator_.allocate({.owner = request_.name,
                                           .pxm = wanted.pxm,
                                           .size = wanted.size != 0 ? wanted.size : blocks,
                                           .file_offset = wanted.file_offset,
                                           .fixed_offset = !wanted.anywhere,
                                           .gpu_visible = true,
                                           .gpu_bdfs = request_.gpu_bdfs});
        if (!region) {
            faults_.push_back({.error = region.error(), .region = int(index)});
            return;
        }
        share.regions.push_back({*carveout, *region,
                                 fmt::format("{}/egm{} [{:#x}, {:#x})", request_.name, wanted.pxm, region->file_offset,
                                             region->file_offset + region->size)});
    }

    /// Which node is this GPU's EGM; none when the VM has no region of its carveout.
    GuestGpuRequest plan_gpu(std::size_t index, const VmShare& share) {
        GuestGpuRequest gpu{.bdf = request_.gpu_bdfs[index]};
        const CarveoutInfo* carveout = carveout_of(carveouts_, gpu.bdf);
        if (carveout == nullptr) {
            if (!request_.regions.empty())
                refuse("no carveout of this machine has a GPU " + gpu.bdf, -1, int(index));
            return gpu;
        }
        gpu.coherent = true;
        for (std::size_t node = 0; node < share.regions.size(); ++node)
            if (share.regions[node].carveout.pxm == carveout->pxm)
                gpu.memory_node = int(node);
        return gpu;
    }

    const VmRequest& request_;
    const std::vector<CarveoutInfo>& carveouts_;
    const std::uint64_t page_size_;
    RegionAllocator& allocator_;
    std::vector<PlanFault>& faults_;
};

} // namespace

VmShare take_share(const VmRequest& request, const std::vector<CarveoutInfo>& carveouts, std::uint64_t page_size,
                   RegionAllocator& allocator, std::vector<PlanFault>& faults) {
    return Planner(request, carveouts, page_size, allocator, faults).take();
}

Result<VmPlan> plan_vm(const VmRequest& request, const std::vector<CarveoutInfo>& carveouts, std::uint64_t page_size) {
    RegionAllocator allocator(
        carveouts, page_size,
        {.offset_zero = request.enforce_offset_zero, .all_gpus_together = request.require_all_gpus});
    std::vector<PlanFault> faults;
    VmShare share = take_share(request, carveouts, page_size, allocator, faults);
    if (!faults.empty())
        return fail(faults.front().error);
    return VmPlan{std::move(share.regions), std::move(share.gpus), std::move(allocator)};
}

} // namespace egm
