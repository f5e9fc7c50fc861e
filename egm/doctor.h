#pragma once

#include <string>
#include <vector>

#include "egm/syscalls.h"

namespace egm {

/// One thing that a VM with EGM needs, or a VM with the fallback, and whether this machine has it.
struct Finding {
    enum class Verdict {
        kOk,
        kUnseen,  ///< cannot be seen without touching the machine, or the kernel does not show it
        kWarning, ///< works without it, but something else does not, or not under every VM monitor
        kMissing, ///< does not work
    };
    /// Who needs it: EGM, or the fallback of plain VFIO with hugepages over PCIe.
    enum class Scope { kBoth, kEgm, kFallback };

    Verdict verdict = Verdict::kOk;
    Scope scope = Scope::kBoth;
    std::string topic;  ///< one word of a fixed list (docs/egmctl.md), for programs and for the guide's table
    std::string what;   ///< what was looked at, and what was found
    std::string advice; ///< what to do about it; never empty for `kMissing`
};

/// Looks at everything that a bring-up needs, without touching it: no carveout is opened, since that would clear it,
/// and no GPU, since that would reset it. KVM is asked for a VM, which is given back at once; the VFIO container and
/// the iommufd are opened and closed. What the fallback needs is looked at only where EGM is not usable.
std::vector<Finding> examine(Syscalls& syscalls);

/// Whether nothing is missing for EGM.
bool usable(const std::vector<Finding>& findings);

/// Whether nothing is missing for plain VFIO with hugepages.
bool fallback_usable(const std::vector<Finding>& findings);

const char* to_string(Finding::Verdict verdict); ///< "ok", "unseen", "warning", "missing"
const char* to_string(Finding::Scope scope);     ///< "both", "egm", "fallback"

} // namespace egm
