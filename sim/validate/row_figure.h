#pragma once

#include <map>
#include <string>

#include <nlohmann/json.hpp>

#include "sim/validate/run_rows.h"

namespace sim::validate {

/// Works out a row's figure, what limits it and how far to trust it from the results of its groups, by name, as
/// `egmsim run --json` writes them. A row whose groups are not all there, or have a fault, is refused.
void work_out(RowResult& row, const std::map<std::string, nlohmann::json>& groups);

void refuse(RowResult& row, RowResult::Status status, const std::string& reason);

} // namespace sim::validate
