#pragma once

#include <string>

#include "sim/sweep.h"

namespace sim {

/// A table of all points, a plot of each figure over the first axis, and the knees, for people.
std::string sweep_text(const SweepResult& result, bool plots);

/// The points as comma-separated values (RFC 4180): the axes, `failed`, then the figures with their units.
std::string sweep_csv(const SweepResult& result);

/// docs/sweep.md describes it.
std::string sweep_json(const SweepResult& result);

} // namespace sim
