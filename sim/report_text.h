#pragma once

#include <string>

#include "sim/result.h"

namespace sim {

/// The result as tables for a terminal, at most 110 columns. Every figure has its unit.
std::string text_report(const RunResult& result);

/// "447 GiB", "1.5 MiB": binary units; "420.1 GB/s": decimal; "5.58 s", "170 ns": the unit that fits.
std::string in_size(std::uint64_t bytes);
std::string in_rate(double bytes_per_second);
std::string in_time(double picoseconds);

} // namespace sim
