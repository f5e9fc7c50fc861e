#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "egm/discovery.h"
#include "egm/guest_layout.h"
#include "egm/region_allocator.h"
#include "egm/result.h"
#include "egm/vm_request.h"

namespace egm {

struct PlannedRegion {
    CarveoutInfo carveout;
    Region region;
    std::string name; ///< as errors and steps call it: "vm0/egm4 [0x0, 0x6fc0000000)"
};

/// Why a request does not fit the machine, and which part of it is at fault.
struct PlanFault {
    Error error;
    std::size_t vm = 0; ///< index of the VM, where there are several
    int region = -1;    ///< index of its region, or -1
    int gpu = -1;       ///< index of its GPU, or -1
};

/// What one VM gets of a machine.
struct VmShare {
    std::vector<PlannedRegion> regions;
    std::vector<GuestGpuRequest> gpus;
};

/// Takes a VM's regions from `allocator`, which may hold those of other VMs. Every fault is added to `faults`, with
/// the errors of `plan_vm`; the share is of no use then, and what it took stays taken.
VmShare take_share(const VmRequest& request, const std::vector<CarveoutInfo>& carveouts, std::uint64_t page_size,
                   RegionAllocator& allocator, std::vector<PlanFault>& faults);

/// A request that fits this machine. Nothing has been opened or mapped for it.
struct VmPlan {
    std::vector<PlannedRegion> regions;
    std::vector<GuestGpuRequest> gpus;
    RegionAllocator allocator; ///< holds the regions; tells the losses once retired memory is known
};

/// Checks `request` against the machine before any call changes state.
///
/// Errors, all with the call "plan region" or "plan VM": EINVAL for a region that does not start at offset 0, an
/// unknown carveout or GPU, a GPU or carveout named twice, a GPU of a used carveout left out, a size or alignment that
/// is no multiple of the host's page, neither or both kinds of memory; ENOSPC for a region larger than its carveout.
/// The first of them, when there are several.
Result<VmPlan> plan_vm(const VmRequest& request, const std::vector<CarveoutInfo>& carveouts, std::uint64_t page_size);

} // namespace egm
