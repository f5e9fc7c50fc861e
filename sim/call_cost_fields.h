#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "models/linux/call_costs.h"
#include "sim/fields.h"

namespace sim {

/// A key of `software.kernel.costs`: a field's name without its unit, `scrub_bandwidth` for `scrub_bytes_per_second`.
struct CallCostKey {
    std::string_view key;
    std::uint64_t models::linux::CallCosts::*member;
    enum class Kind { kTime, kPause, kRate } kind = Kind::kTime; ///< a pause is never 0
};

const std::vector<CallCostKey>& call_cost_keys();
const CallCostKey* find_call_cost(std::string_view key); ///< nullptr if there is none

/// The cost as a scenario would spell it.
std::string to_text(const CallCostKey& key, const models::linux::CallCosts& costs);

/// Reads what is there into `costs`.
void read_call_costs(Fields& fields, models::linux::CallCosts& costs);

} // namespace sim
