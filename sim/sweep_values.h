#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/diagnostics.h"

namespace sim {

/// The values that a text lists: `10 GB/s, 20 GB/s`, `10..100 step 10 GB/s`, `1..64 times 2`, or several of these.
///
/// Commas inside brackets, braces and quotes separate nothing. A range goes from its first number by equal steps, or by
/// a whole factor, and ends with the last value that is not above its second. A unit that stands last holds for the
/// numbers before it that have none. All values are exact, and spelt with their unit. Faults are reported at `where`,
/// and then nothing is returned.
std::optional<std::vector<std::string>> expand_values(const std::string& text, const Location& where,
                                                      Diagnostics& diagnostics);

/// The value as a number for a plot: bytes, bytes a second, picoseconds, or the bare number (per cent as such); none if
/// it is no quantity.
std::optional<double> as_number(const std::string& text);

} // namespace sim
