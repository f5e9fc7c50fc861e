#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/diagnostics.h"
#include "sim/input_files.h"
#include "sim/overrides.h"
#include "sim/scenario.h"

namespace sim {

/// Reads a scenario and its machine, applies `overrides` (see `apply_overrides`) and checks everything against the
/// machine. `point` is applied last: a point of a sweep. Nothing is returned if there is any error; warnings may stand
/// in `diagnostics` either way. docs/scenarios.md is the reference of the format.
std::optional<Scenario> load_scenario(const std::string& path, const std::vector<std::string>& overrides,
                                      const SearchPath& search, Diagnostics& diagnostics,
                                      const std::vector<Override>& point = {});

} // namespace sim
