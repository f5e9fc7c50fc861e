#pragma once

#include "egm/result.h"
#include "egm/syscalls.h"
#include "egm/virtual_machine.h"
#include "egm/vm_request.h"

namespace egm {

/// Makes a VM ready for its guest: finds, opens and maps its carveouts, opens its GPUs, creates the KVM VM and its
/// memory slots, and maps its memory for DMA at IOVA = IPA.
///
/// The request is checked in full before any call changes the machine's state (see `plan_vm`); only carveouts of the
/// experimental form are seen no earlier than their GPUs are open. The first call that the
/// kernel refuses ends it: what was acquired until then is released in reverse, and its error is returned. A GPU that
/// another VM holds shows as EBUSY when it is opened, a carveout likewise.
Result<VirtualMachine> bring_up(Syscalls& syscalls, const VmRequest& request, StepListener& listener);

} // namespace egm
