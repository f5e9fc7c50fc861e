#pragma once

#include <string>

#include "models/linux/kernel_config.h"
#include "sim/address_plan.h"
#include "sim/diagnostics.h"
#include "sim/scenario.h"

namespace sim {

/// PCI address of a GPU, as Grace firmware numbers segments: (segment >> 4) & 15 is the socket, and a tray's GPUs begin
/// at segment 8 of it (GB200: 0008:01:00.0, 0009:01:00.0, 0018:01:00.0, 0019:01:00.0).
std::string gpu_bdf(const Topology& topology, const std::string& gpu);

/// The node that a VM lives in: that of its first memory.
std::string node_of(const Topology& topology, const VmSetup& vm);

/// The host that a node of the scenario's machine is, for the modelled kernel: each node has one of its own.
models::linux::KernelConfig host_kernel(const Scenario& scenario, const AddressPlan& plan, const std::string& node);

/// Reports what makes the scenario's host impossible, or what is not modelled yet. Without VMs nothing is asked of it.
void check_host(const Scenario& scenario, Diagnostics& diagnostics);

} // namespace sim
