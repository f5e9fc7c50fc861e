#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "egm/guest_layout.h"
#include "egm/machine_survey.h"
#include "egm/result.h"

namespace egm {

/// A root of the guest's PCI hierarchy: an expander bus with a root port for each of its GPUs.
///
/// The GPUs of one SMMU of the host share one, since one virtual SMMU of the guest (`arm-smmuv3`, nested translation)
/// stands for one SMMU of the host. Source: kata-containers, src/runtime-rs/crates/hypervisor/src/qemu/ARCHITECTURE.md.
struct GuestExpanderBus {
    int bus_number = 0;            ///< of the expander bus; its ports take the numbers behind it
    int node = 0;                  ///< the guest's NUMA node nearest to it
    std::string smmu;              ///< on the host
    std::vector<std::size_t> gpus; ///< indices into `GuestLayout::gpus`
};

/// Expander buses in the order of their first GPUs, bus numbers evenly spaced. Errors: EINVAL when the guest's 256 bus
/// numbers do not suffice. `object` is what the error calls the VM.
Result<std::vector<GuestExpanderBus>> arrange_gpus(const GuestLayout& layout, const MachineSurvey& machine,
                                                   const std::string& object);

} // namespace egm
