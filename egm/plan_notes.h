#pragma once

#include <string>
#include <vector>

#include "egm/dma_mapper.h"
#include "egm/tray_plan.h"

namespace egm {

/// What an owner should know about a VM that fits, a sentence each: how its devices reach EGM, what keeps blocks small,
/// what of the plan needs more than a released kernel or QEMU. `vm` is one of `plan.vms`, complete but for its notes.
std::vector<std::string> plan_notes(const PlannedVm& vm, const TrayPlan& plan, const MachineSurvey& machine);

/// What a DMA mode means for a VM with EGM: one sentence.
std::string dma_note(IommuMode mode);

} // namespace egm
