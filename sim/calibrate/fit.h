#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace sim::calibrate {

/// A positive figure to be found. All arithmetic is in its logarithm: what counts is by what factor it is off.
struct FitParameter {
    double start = 1;         ///< what is believed before any measurement
    double low = 0, high = 0; ///< it lies between these, both included
    double uncertainty = 0.3; ///< standard deviation of its logarithm before any measurement: the prior
    double unit = 0;          ///< it is a whole number of these; 0 = any number of five digits

    /// The nearest value that it can have: what a file would say.
    double nearest(double value) const;
};

/// One measurement to be met.
struct FitRow {
    double measured = 1; ///< positive
    double noise = 0.02; ///< standard deviation of its logarithm
};

/// Which rows to predict with which parameters.
struct FitQuery {
    std::vector<double> parameters;
    std::vector<std::size_t> rows;
};

/// The model: for each query, a prediction for each of its rows (0 = not possible). A fit asks for several at once so
/// that they can be worked out side by side. Returns fewer answers than queries when interrupted.
using FitModel = std::function<std::vector<std::vector<double>>(const std::vector<FitQuery>& queries)>;

/// A direction in which parameters may move together without the rows noticing.
struct FitCombination {
    std::vector<std::pair<std::size_t, double>> parts; ///< parameter, and its share of the direction; largest first
};

struct FitResult {
    enum class State {
        kDetermined, ///< `deviation` is at most `kDeterminedWithin`
        kWeak,       ///< fitted, but known less well, by itself or because of what was left at its start
        kKept,       ///< the rows do not tell it from others: left at its start
        kSilent,     ///< no row depends on it: left at its start
    };
    std::vector<State> states;
    std::vector<double> values; ///< by parameter
    /// Standard deviation of the logarithm, with all that the others may be; of what was left as it is the prior's.
    std::vector<double> deviations;
    std::vector<std::vector<std::size_t>> rows_of; ///< by parameter: those that fix it, most first
    std::vector<FitCombination> combinations;      ///< that were not determined
    std::vector<double> before, after;             ///< predictions by row
    std::vector<double> weights;                   ///< by row, 1 = in full; an outlier has less
    double spread = 1;                             ///< of the residuals, in units of the noise
    unsigned iterations = 0;
    bool interrupted = false;
};

/// 95 % of a figure with this deviation lie within 3 % of the truth.
constexpr double kDeterminedWithin = 0.015;
/// A row that counts less than this is an outlier.
constexpr double kOutlierWeight = 0.3;

/// Fits `parameters` to `rows` by damped Gauss-Newton steps (Levenberg-Marquardt) with priors, so that what the rows do
/// not determine stays at its start, and with Cauchy weights, so that a bad row does little harm. What they do not
/// determine is then fixed at its start, one by one, the least determined first, and the rest is fitted again.
/// Deterministic. `stage` hears what is going on.
FitResult fit(const std::vector<FitParameter>& parameters, const std::vector<FitRow>& rows, const FitModel& model,
              const std::function<void(const std::string&)>& stage = {});

} // namespace sim::calibrate
