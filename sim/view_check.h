#pragma once

#include <vector>

#include "sim/machine.h"
#include "sim/result.h"

namespace sim {

/// Compares the views of every region of every VM, byte by byte at its ends, its middle and beside its retired blocks:
/// a vCPU writes a pattern through KVM's stage 2, and each GPU of the VM reads it at the same guest address, through
/// the EGM aperture (its own socket's region) and through its DMA map. Nothing on a real machine would notice a
/// difference.
std::vector<ViewCheck> check_views(const Scenario& scenario, Machine& machine, HostOs& host);

} // namespace sim
