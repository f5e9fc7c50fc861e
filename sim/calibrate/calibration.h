#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sim/calibrate/fit.h"
#include "sim/calibrate/measurements.h"
#include "sim/calibrate/parameters.h"

namespace sim::calibrate {

/// A fit of a machine's parameters to measurements.
struct Calibration {
    std::vector<Parameter> parameters;
    std::vector<std::size_t> used;     ///< numbers of the measurements that were fitted, in their order
    std::vector<std::string> unusable; ///< by measurement: why it was not; empty for those that were
    FitResult fit;                     ///< its rows are `used`

    /// What a machine file has to replace: figures that the rows say something about.
    bool is_fitted(std::size_t parameter) const {
        return fit.states[parameter] == FitResult::State::kDetermined ||
               fit.states[parameter] == FitResult::State::kWeak;
    }
    double mean_abs_error_before(const Measurements& measurements) const { return mean(measurements, fit.before); }
    double mean_abs_error_after(const Measurements& measurements) const { return mean(measurements, fit.after); }

private:
    double mean(const Measurements& measurements, const std::vector<double>& predictions) const;
};

struct CalibrationOptions {
    double noise = 0.02;   ///< standard deviation of a measurement, as a share
    unsigned parallel = 0; ///< processes at a time; 0 = as many as cores
    /// What is going on, and how many simulations of it are done.
    std::function<void(const std::string& stage, std::size_t done, std::size_t of)> progress;
};

/// Fits `parameters`, simulating in child processes. Call it before the process has built any SystemC object.
Calibration calibrate(const Measurements& measurements, std::vector<Parameter> parameters,
                      const CalibrationOptions& options);

} // namespace sim::calibrate
