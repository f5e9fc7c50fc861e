#pragma once

#include <string>
#include <vector>

#include "sim/diagnostics.h"
#include "sim/input_files.h"
#include "sim/preset_loader.h"

namespace sim {

/// A figure that nobody has published, and the two ends of the range in which it is believed to lie.
struct AssumedRange {
    std::string preset;  ///< whose figure it is; `kKernelCosts`: a cost of `software.kernel.costs`
    std::string figure;  ///< "smmu.walk_access"
    std::string low;     ///< as a preset would spell it: "3 ns"
    std::string high;    ///< "50 ns"
    std::string nominal; ///< what the preset has, or a kernel of which a scenario says nothing
    std::string spelt;   ///< the range as its file spells it: "3 to 50 ns"
    std::string why;
    Location where;
};

inline const std::string kKernelCosts = "kernel";

/// Reads every file in `ranges/` below each of `topology_directories`, in their order; where two directories know a
/// figure, the first counts. Errors: an unknown key, preset or figure; a missing reason; an end that the figure cannot
/// have; a range that does not hold the preset's own value, or whose ends are not in order.
std::vector<AssumedRange> load_assumed_ranges(const std::vector<std::string>& topology_directories,
                                              const Presets& presets, const InputFiles& files,
                                              Diagnostics& diagnostics);

/// Adds to `ranges` those of a preset that is like another for the figures that it has from there.
std::vector<AssumedRange> with_inherited_ranges(std::vector<AssumedRange> ranges, const Presets& presets);

} // namespace sim
