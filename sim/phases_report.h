#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "sim/result.h"

namespace sim {

/// The throughput of a group before, during and after its faults, as a table; empty if nothing broke.
std::string phases_text(const GroupResult& group);
/// The same as JSON, an array.
nlohmann::ordered_json phases_json(const GroupResult& group);

} // namespace sim
