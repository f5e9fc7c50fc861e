#pragma once

#include <string>

namespace sim {

/// What limits a stream, and for what share of the measured time it did.
struct Binding {
    std::string resource;
    double share_of_time = 0;
    double widening_worth = 0; ///< how much more the stream could get, by the static bound, if this were twice as wide
    std::string next;          ///< what would bind then
};

/// How far to trust a figure.
enum class Grade {
    kCalibrated,   ///< the parts and the regime were fitted to published measurements
    kComposed,     ///< composed of calibrated parts
    kExtrapolated, ///< rests on a parameter without a published figure, or on a machine never measured
};
const char* to_string(Grade grade);

} // namespace sim
