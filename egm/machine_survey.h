#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "egm/discovery.h"
#include "egm/result.h"
#include "egm/retired_ranges.h"
#include "egm/syscalls.h"

namespace egm {

/// A GPU of a carveout, as sysfs describes it.
struct SurveyedGpu {
    unsigned device_id = 0; ///< of vendor 10de; 0 when sysfs does not say
    /// The SMMU in front of it, by its sysfs name ("smmu3.0x0000000011a00000"), or "segment 0008" when sysfs has no
    /// link to it: GPUs of different segments then count as behind different ones.
    std::string smmu;

    /// Its part of a guest's high MMIO window: products give four GB300 8 TiB, and four of the others 4 TiB.
    std::uint64_t mmio_bytes() const;
};

/// What a plan needs to know of a machine. A plan can as well be made for a machine that is elsewhere.
struct MachineSurvey {
    std::uint64_t page_size = 0;                      ///< the host's, in bytes
    std::vector<CarveoutInfo> carveouts;              ///< by ascending proximity domain
    std::map<std::string, SurveyedGpu> gpus;          ///< by PCI address: every GPU of a carveout
    std::map<int, std::vector<RetiredRange>> retired; ///< by proximity domain: of the carveouts that were asked
};

/// Reads sysfs. Opens nothing. Errors: those of `discover`.
Result<MachineSurvey> survey(Syscalls& syscalls);

/// Asks every carveout for its retired memory. Opens each: the kernel clears it, which takes long, and refuses while
/// someone holds it. Errors: those of `Carveout::open` and `Carveout::retired`; `machine` is unchanged then.
Result<void> survey_retired(Syscalls& syscalls, MachineSurvey& machine);

/// The carveout of that proximity domain, or nullptr.
const CarveoutInfo* find_carveout(const std::vector<CarveoutInfo>& carveouts, int pxm);

/// The carveout that this GPU reaches, or nullptr.
const CarveoutInfo* carveout_of(const std::vector<CarveoutInfo>& carveouts, const std::string& bdf);

} // namespace egm
