#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/input_files.h"
#include "sim/validate/summary.h"

namespace sim::validate {

/// Rows whose source is doubtful, and why (validation/doubtful.yaml).
std::map<std::string, std::string> read_doubtful(const std::string& path, const InputFiles& files,
                                                 Diagnostics& diagnostics);

/// The figures of an earlier validation (validation/recorded.yaml), to be compared with later ones.
struct Recorded {
    struct Summary {
        std::size_t rows = 0;
        double mean_abs_error = 0, median_abs_error = 0; ///< fractions
    };
    std::map<std::string, Summary> summaries; ///< by class of metric: "bandwidth" ...

    /// The error that nine of ten rows of a class stay within. See `sim/error_bands.h` for who reads it.
    struct Band {
        std::string of; ///< "bandwidth sm read calibrated", or "bandwidth calibrated" for all of a grade
        std::size_t rows = 0;
        double within = 0; ///< fraction
    };
    std::vector<Band> bands;
    std::vector<std::string> large; ///< rows off by more than `kWorstAllowed`, doubtful ones left out
};

/// What a run of the whole file says. A band of fewer than `kBandRows` rows is left out: its grade's serves for it.
Recorded record(const RowRun& run, const std::map<std::string, std::string>& doubtful);
inline constexpr std::size_t kBandRows = 5;

std::string to_yaml(const Recorded& recorded, const std::string& file);
std::optional<Recorded> read_recorded(const std::string& path, const InputFiles& files, Diagnostics& diagnostics);

/// By how much a mean error may rise over the recorded one: 0.3 percentage points.
inline constexpr double kGate = 0.003;
/// The error from which on a row must be listed as doubtful.
inline constexpr double kWorstAllowed = 0.15;

/// What is worse than recorded, a sentence each: a mean error that rose by more than `kGate`, fewer rows compared, a
/// row off by more than `kWorstAllowed` that was not so before and is not doubtful. Empty = the gate is open.
std::vector<std::string> check_gate(const RowRun& run, const Recorded& recorded,
                                    const std::map<std::string, std::string>& doubtful);

} // namespace sim::validate
