#pragma once

#include <string>

#include "sim/validate/run_rows.h"

namespace sim::validate {

/// Predicted against measured, both logarithmic, as SVG: bandwidths left, latencies right, a colour and a mark for each
/// system, a band of 10 % around the line on which the two are equal. A mark tells its row to a mouse.
std::string plot_svg(const RowRun& run, const std::string& title);

} // namespace sim::validate
