#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sim {

/// The candidate that `word` most likely meant: the fewest letters to change, case ignored; empty if none is close.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

/// `did you mean "latency"?`, or, when nothing is close, `one of: a, b, c` (cut after twelve), or nothing.
std::string suggest(std::string_view word, const std::vector<std::string>& candidates);

} // namespace sim
