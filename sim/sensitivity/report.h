#pragma once

#include <string>

#include "sim/scenario.h"
#include "sim/sensitivity/sensitivity.h"

namespace sim {

/// Tables for people, at most `moves_max` figures a result.
std::string sensitivity_text(const Scenario& scenario, Fidelity fidelity, const SensitivityResult& result,
                             std::size_t moves_max = 12);

/// docs/sensitivity.md lists the fields.
std::string sensitivity_json(const Scenario& scenario, Fidelity fidelity, const SensitivityResult& result);

} // namespace sim
