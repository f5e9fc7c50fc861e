#include "egm/vm_plan.h"

#include <algorithm>
#include <bit>
#include <set>

#include <fmt/format.h>

#include "egm/address.h"
#include "egm/block_size.h"
#include "egm/errors.h"

namespace egm {
namespace {

Result<void> check_request(const VmRequest& request, std::uint64_t page_size) {
    const auto refuse = [&](std::string why) { return fail(rule_error("plan VM", request.name, std::move(why))); };
    if (request.regions.empty() == (request.legacy_memory_bytes == 0))
        return refuse("a VM has either EGM regions or ordinary memory: name one of them, and not both");
    if (!is_aligned(request.legacy_memory_bytes, page_size))
        return refuse("the memory's size must be a multiple of the host's page, " + in_binary_units(page_size));
    const std::uint64_t alignment = request.block_alignment;
    if (alignment != 0 && (!std::has_single_bit(alignment) || alignment < page_size || alignment > kTiB))
        return refuse("the block alignment must be a power of two from the host's page, " + in_binary_units(page_size) +
                      ", to 1 TiB");

    std::set<std::string> gpus;
    for (const std::string& bdf : request.gpu_bdfs)
        if (!gpus.insert(bdf).second)
            return refuse("GPU " + bdf + " is claimed twice");
    std::set<int> carveouts;
    for (const RegionRequest& region : request.regions)
        if (!carveouts.insert(region.pxm).second)
            return refuse(fmt::format("carveout egm{} is named twice: a VM has one region of a carveout", region.pxm));
    return {};
}

std::string list_names(const std::vector<CarveoutInfo>& carveouts) {
    std::string names;
    for (const CarveoutInfo& carveout : carveouts)
        names += fmt::format("{}egm{}", names.empty() ? "" : ", ", carveout.pxm);
    return names.empty() ? "none" : names;
}

bool has_gpu(const CarveoutInfo& carveout, const std::string& bdf) {
    return std::find(carveout.gpu_bdfs.begin(), carveout.gpu_bdfs.end(), bdf) != carveout.gpu_bdfs.end();
}

/// Which node is this GPU's EGM; -1 when the VM has no region of its carveout.
Result<GuestGpuRequest> plan_gpu(const VmRequest& request, const std::vector<PlannedRegion>& regions,
                                 const std::vector<CarveoutInfo>& carveouts, const std::string& bdf) {
    for (std::size_t node = 0; node < regions.size(); ++node)
        if (has_gpu(regions[node].carveout, bdf))
            return GuestGpuRequest{bdf, int(node)};
    const bool known = std::any_of(carveouts.begin(), carveouts.end(),
                                   [&](const CarveoutInfo& carveout) { return has_gpu(carveout, bdf); });
    if (!known && !regions.empty())
        return fail(rule_error("plan VM", request.name, "no carveout of this machine has a GPU " + bdf));
    return GuestGpuRequest{bdf, -1};
}

} // namespace

Result<VmPlan> plan_vm(const VmRequest& request, const std::vector<CarveoutInfo>& carveouts, std::uint64_t page_size) {
    if (auto valid = check_request(request, page_size); !valid)
        return fail(valid.error());

    VmPlan plan{.allocator = RegionAllocator(
                    carveouts, page_size,
                    {.offset_zero = request.enforce_offset_zero, .all_gpus_together = request.require_all_gpus})};
    for (const RegionRequest& wanted : request.regions) {
        const auto carveout = std::find_if(carveouts.begin(), carveouts.end(),
                                           [&](const CarveoutInfo& info) { return info.pxm == wanted.pxm; });
        if (carveout == carveouts.end())
            return fail(rule_error("plan region", fmt::format("{}/egm{}", request.name, wanted.pxm),
                                   "this machine has no such carveout; it has: " + list_names(carveouts)));
        auto region = plan.allocator.allocate({.owner = request.name,
                                               .pxm = wanted.pxm,
                                               .size = wanted.size,
                                               .file_offset = wanted.file_offset,
                                               .fixed_offset = true,
                                               .gpu_visible = true,
                                               .gpu_bdfs = request.gpu_bdfs});
        if (!region)
            return fail(region.error());
        plan.regions.push_back({*carveout, *region,
                                fmt::format("{}/egm{} [{:#x}, {:#x})", request.name, wanted.pxm, region->file_offset,
                                            region->file_offset + region->size)});
    }
    for (const std::string& bdf : request.gpu_bdfs) {
        auto gpu = plan_gpu(request, plan.regions, carveouts, bdf);
        if (!gpu)
            return fail(gpu.error());
        plan.gpus.push_back(*gpu);
    }
    return plan;
}

} // namespace egm
