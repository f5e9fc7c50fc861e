#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/result.h"

namespace sim {

/// How far a figure of some class was off where it could be compared with measurements (validation/recorded.yaml, which
/// `egmsim validate --record` makes): nine of ten rows lie within.
struct ErrorBand {
    double within = 0; ///< fraction of the measured value
    std::size_t rows = 0;
    std::string of; ///< the class: "bandwidth sm read calibrated"
};

/// The classes of a figure, the narrowest first. `kind`: engine and kind of operation, "sm read"; `grade`:
/// "calibrated" ...
std::vector<std::string> band_names(bool is_latency, const std::string& kind, const std::string& grade);

/// "sm read": the engine, and what it does: read, write, copy, stream (the STREAM kernels), random, chase, ping-pong.
std::string band_kind(Engine engine, Operation operation);

/// The band of the narrowest class that was compared with measurements; none if not even its grade was, or the file is
/// not there. The file is read once.
std::optional<ErrorBand> error_band(const StreamResult& line);

} // namespace sim
