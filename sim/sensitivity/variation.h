#pragma once

#include <string>
#include <vector>

#include "sim/assumed_ranges.h"
#include "sim/scenario.h"

namespace sim {

/// One assumed figure of a scenario's machine or kernel, and how to put it to either end of its range.
struct Variation {
    AssumedRange range;
    /// For `load_scenario`, without the value: "machine.grace[0..3].smmu.walkers=".
    std::vector<std::string> paths;
    bool of_kernel = false; ///< changes the bring-up only

    /// "grace smmu.walkers", "kernel scrub_bandwidth".
    std::string name() const { return range.preset + " " + range.figure; }
    std::vector<std::string> overrides(const std::string& end) const;
};

struct VariationPlan {
    std::vector<Variation> varied;
    std::vector<std::string> replaced; ///< names of those that the machine or the scenario sets itself: not varied
};

/// Which of `ranges` the scenario's results could rest on: those of presets that its machine has and leaves as they
/// are, and, if it starts VMs, the costs of calls. Those of parts without traffic are left out.
VariationPlan plan_variations(const Scenario& scenario, const std::vector<AssumedRange>& ranges);

} // namespace sim
