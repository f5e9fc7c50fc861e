#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sim/fidelity.h"
#include "sim/input_files.h"
#include "sim/sensitivity/variation.h"

namespace sim {

/// A result of a run that assumed figures may move.
struct VariedResult {
    enum class Unit { kRate, kLatency, kTime } unit = Unit::kRate; ///< bytes a second; picoseconds
    std::string setting;                                           ///< "native", "vm" or "bring-up"
    std::string group;
    std::string name; ///< of the stream; "vm0 ready", "vm0 first touch of grace0"
    double value = 0;
    double half_width = 0; ///< of the 95 % confidence interval
    std::string fault;     ///< why there is no value
};

/// What one figure does to one result.
struct Move {
    std::size_t variation = 0;
    std::optional<double> at_low, at_high; ///< of the result; nothing if that run was not possible

    double largest(double nominal) const; ///< of the two relative changes, by magnitude
};

/// One result, and how far it moves over the ranges.
struct Sensitive {
    VariedResult nominal;
    std::vector<Move> moves; ///< of at least `kNoEffect`, and beyond both intervals of confidence; largest first
    double down = 0;         ///< relative: the square root of the sum of the squares of each figure's fall,
    double up = 0;           ///< and of each figure's rise
};

/// Changes below this share of a value are no effect: what a run is rounded to in reports.
constexpr double kNoEffect = 0.0005;

struct SensitivityResult {
    VariationPlan plan;
    std::vector<Sensitive> results;    ///< in the order of the scenario
    std::vector<std::string> failures; ///< ends at which the run was not possible, with the reason
    std::string nominal_failure;       ///< why there are no results at all; else empty
    std::size_t runs = 0, done = 0;
    bool interrupted = false;
};

/// What to run: a scenario file with its overrides.
struct VariedRun {
    std::string file;
    std::vector<std::string> sets;
    std::optional<std::uint64_t> seed;
    Fidelity fidelity = Fidelity::kTransaction;
    unsigned parallel = 0; ///< 0 = as many as there are cores
};

/// Runs the scenario as it is and at both ends of each range, each run in a child process. Call it before the process
/// has built any SystemC object. `progress` hears of each finished run.
///
/// The quadrature sums take the figures for independent of each other and the results for monotonous over each range.
SensitivityResult vary(const VariedRun& run, VariationPlan plan, const SearchPath& search,
                       const std::function<void(std::size_t done, std::size_t of)>& progress);

} // namespace sim
