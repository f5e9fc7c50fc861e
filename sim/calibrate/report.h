#pragma once

#include <string>
#include <vector>

#include "sim/calibrate/calibration.h"
#include "sim/calibrate/machine_file.h"

namespace sim::calibrate {

/// Tables for people.
std::string calibration_text(const std::string& title, const Measurements& measurements, const Calibration& result);

/// docs/calibrate.md lists the fields.
std::string calibration_json(const std::string& machine, const std::string& file, double noise,
                             const Measurements& measurements, const Calibration& result);

/// What the machine file replaces, each figure with its uncertainty and the rows that fix it.
std::vector<ReplacedFigure> replaced_figures(const Measurements& measurements, const Calibration& result);

/// The lines above the machine file: what it is based on, and how well it fits.
std::vector<std::string> head_of(const std::string& machine, const std::string& file, const Measurements& measurements,
                                 const Calibration& result);

} // namespace sim::calibrate
