#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "sim/result.h"

namespace sim {

/// The table of all fixed amounts of work; empty if there are none.
std::string work_text(const RunResult& result);

/// The fields of `work` (docs/json.md). Times of single nodes are listed of graphs of at most `kNodesListed`.
nlohmann::ordered_json work_json(const Work& work, const WorkResult& result);
inline constexpr std::size_t kNodesListed = 1024;

/// A time in picoseconds with six figures: 85.1320 us.
std::string in_exact_time(double picoseconds);

} // namespace sim
