#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "egm/allocation_policy.h"
#include "egm/block_size.h"
#include "egm/guest_layout.h"
#include "egm/guest_pci.h"
#include "egm/machine_survey.h"
#include "egm/vm_plan.h"
#include "egm/vm_request.h"

/// Who gets what of a machine: its carveouts and GPUs for a set of VMs, with everything that follows from it.
namespace egm {

/// "whole-tray", "vm-per-socket", "shared".
const char* to_string(Sharing policy);

struct TrayVm {
    VmRequest request;
    bool all_carveouts = false; ///< every carveout, whole, instead of `request.regions`
    bool all_gpus = false;      ///< every GPU of its carveouts, instead of `request.gpu_bdfs`
};

struct TrayRequest {
    Sharing policy = Sharing::kWholeTray;
    std::vector<TrayVm> vms;
};

/// One node of a guest, from the carveout on.
struct PlannedNode {
    PlannedRegion planned;
    std::vector<RetiredRange> retired; ///< inside the region, where it was asked for
    std::uint64_t largest_block = 0;   ///< bytes: of stage 2, if the carveout's SPA is 1 GiB aligned
    std::vector<BlockShare> blocks;
    std::string why_not_larger; ///< a sentence; empty when the host page size allows no larger block
};

struct PlannedVm {
    VmRequest request;              ///< with every carveout and GPU by name
    std::vector<PlannedNode> nodes; ///< in the order of the request, as in `layout`; none without EGM
    GuestLayout layout;
    std::vector<GuestExpanderBus> buses;
    std::vector<std::string> notes; ///< what its owner should know, a sentence each
};

struct PlannedCarveout {
    CarveoutInfo info;
    Losses losses;
    bool retired_known = false; ///< else `losses.retired` counts for nothing
    std::vector<std::string> owners;
};

struct TrayPlan {
    Sharing policy = Sharing::kWholeTray;
    std::uint64_t page_size = 0; ///< the host's, in bytes
    std::vector<PlannedVm> vms;
    std::vector<PlannedCarveout> carveouts;
    std::vector<std::string> idle_gpus; ///< of carveouts, in no VM
};

/// Checks the request against the machine, and plans it. Touches no device. All faults are found in one go; they have
/// the errors of `plan_vm`, and EINVAL from "plan tray" for what breaks the policy, EBUSY for a GPU in two VMs.
tl::expected<TrayPlan, std::vector<PlanFault>> plan_tray(const TrayRequest& request, const MachineSurvey& machine);

} // namespace egm
