#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/scenario.h"

namespace sim {

/// Who may compete for the resources of a machine: the VMs in file order, then other tenants that streams name. A
/// tenant's number (`models::Transit::tenant`) is its place here, from 1.
std::vector<std::string> tenant_names(const Scenario& scenario);

/// The VM that a stream runs in when there are VMs: the one that it names, or the first that has its initiator.
std::optional<std::size_t> vm_of(const Scenario& scenario, const Stream& stream);

/// The tenant as whom a stream competes, on bare metal too: the one that it names, else its VM; empty if it has
/// neither.
std::string tenant_of(const Scenario& scenario, const Stream& stream);

/// What `setup` says, by tenant number.
models::SharingSpec sharing_spec(const Scenario& scenario, const SharingSetup& setup);

} // namespace sim
