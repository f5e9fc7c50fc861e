#pragma once

#include <string>
#include <vector>

#include "sim/diagnostics.h"
#include "sim/sweep_plan.h"
#include "sim/yaml_tree.h"

namespace sim {

/// Reads the `sweep` of a scenario. docs/sweep.md is the reference of its keys.
SweepPlan read_sweep(const YamlNode& node, Diagnostics& diagnostics);

/// What the command line says instead: `--over PATH=VALUES`, `--knee 'FIGURE against FIGURE'`.
SweepAxis read_axis(const std::string& argument, Diagnostics& diagnostics);
/// What no axis alone shows: names and values that occur twice, too many points.
void check_axes(const SweepPlan& plan, const Location& where, Diagnostics& diagnostics);

KneeQuestion read_knee(const std::string& text, const Location& where, Diagnostics& diagnostics);

} // namespace sim
