#pragma once

#include <string>
#include <vector>

#include "egm/syscalls.h"

namespace egm {

/// One thing that EGM in a VM needs, and whether this machine has it.
struct Finding {
    enum class Verdict {
        kOk,
        kWarning, ///< EGM works without it, but something else does not
        kMissing, ///< EGM does not work
    };

    Verdict verdict = Verdict::kOk;
    std::string what;   ///< what was looked at, and what was found
    std::string advice; ///< what to do about it; empty when all is well
};

/// Looks at everything that a bring-up needs, without touching it: no carveout is opened, since that would clear it,
/// and no GPU, since that would reset it.
std::vector<Finding> examine(Syscalls& syscalls);

/// Whether nothing is missing.
bool usable(const std::vector<Finding>& findings);

} // namespace egm
