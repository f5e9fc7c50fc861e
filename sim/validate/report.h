#pragma once

#include <string>

#include "sim/validate/summary.h"

namespace sim::validate {

/// The rows, their groups and the whole, for a terminal. `every_row`: also the rows; else the groups only.
std::string text_report(const RowRun& run, bool every_row);

/// For programs: `summary.bandwidth`, `.latency` and `.other`, `groups[]` and `rows[]`; docs/validation.md has the
/// keys.
std::string json_report(const RowRun& run, const std::string& file);

/// One line a row: id, group, metric, measured, predicted, unit, error, status, binding, trust, reason.
std::string csv_report(const RowRun& run);

/// "403.6 GB/s": four digits in the row's own unit.
std::string in_row_unit(const MeasuredRow& row, double value);
std::string in_percent(double fraction); ///< "+1.3 %"

} // namespace sim::validate
