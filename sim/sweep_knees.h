#pragma once

#include <string>
#include <vector>

#include "sim/sweep.h"

namespace sim {

/// Points that differ on the first axis only, in its order: one line of a plot.
struct SweepLine {
    std::string name; ///< the values on the other axes; empty if there are none
    std::vector<std::size_t> points;
};
std::vector<SweepLine> sweep_lines(const SweepPlan& plan);

/// What the axis is called in a table: its name, or the last steps of its path.
std::string short_name(const SweepAxis& axis);

/// Where a value of the first axis stands on a line: at its number, or, if `SweepAxis::is_line` says that it is none,
/// at its place in the list.
double place_on_line(const SweepAxis& axis, std::size_t value);

/// The knee of each line, for the plan's question; empty without one.
std::vector<SweepKnee> find_knees(const SweepResult& result);

} // namespace sim
