#pragma once

#include <string>

#include "sim/result.h"

namespace sim {

/// The result for programs: one JSON object with `schema_version`, described in docs/json.md. The same scenario and
/// seed give the same bytes: there is no wall-clock time and no host name in it.
std::string json_report(const RunResult& result);

} // namespace sim
