#pragma once

#include <string>
#include <vector>

#include "sim/result.h"

namespace sim {

/// What a run found impossible, one line each, with its place: a failed bring-up, a corrupted region, a stream that
/// nothing maps. Empty: all went well.
std::vector<std::string> run_faults(const RunResult& result);

} // namespace sim
