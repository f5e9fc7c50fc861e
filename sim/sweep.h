#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sim/fidelity.h"
#include "sim/knee.h"
#include "sim/run_figures.h"
#include "sim/scenario.h"

namespace sim {

/// A sweep as it was asked for.
struct SweepRequest {
    std::string file;
    std::vector<std::string> sets; ///< overrides of all points
    SweepPlan plan;                ///< at least one axis, each with values
    std::optional<std::uint64_t> seed;
    Fidelity fidelity = Fidelity::kTransaction;
    unsigned parallel = 0;    ///< points at a time; 0 = one a core
    bool all_figures = false; ///< keep every figure of every point, not only those shown
};

struct SweepPoint {
    std::vector<std::size_t> place;              ///< on each axis
    std::string failed;                          ///< why there is no result, or none to trust; empty = good
    bool impossible = false;                     ///< failed as the machine refused it, not the program
    bool interrupted = false;                    ///< it was not run to its end
    std::vector<std::optional<RunFigure>> shown; ///< by column; none where this point has no such figure
    std::vector<RunFigure> figures;              ///< with `all_figures`
};

/// The answer to a knee question, for one set of values on all axes but the first.
struct SweepKnee {
    std::vector<std::size_t> points; ///< of the curve, those that have both figures
    std::vector<double> x, y;        ///< of these: what it is judged against, and the figure
    KneeAnswer answer;               ///< its place counts within `points`
};

struct SweepResult {
    const SweepRequest* request = nullptr;
    std::string scenario, description, machine; ///< of the scenario without an axis' value
    std::uint64_t seed = 1;
    std::vector<std::string> columns; ///< figures shown, as `find_figure` takes them
    std::vector<SweepPoint> points;   ///< in the order of `SweepPlan::place`
    std::vector<SweepKnee> knees;     ///< one for each line of the plots; empty when nobody asked
    bool interrupted = false;

    /// The unit of a column; empty if it has none or no point has it.
    std::string unit(std::size_t column) const;
    /// The column of a figure; its number is beyond the last if there is none.
    std::size_t column(const std::string& figure) const;
};

/// Reads every value of every axis, so that what is wrong with one is said before anything runs. Combinations are
/// found out when they run.
void check_sweep(const SweepRequest& request, Diagnostics& diagnostics);

/// Runs all points, each in a process of its own. The first is run alone: it tells which figures there are, and one
/// asked for that is not among them, nor belongs to a stream, group or VM of another point, is an error in
/// `diagnostics` that ends the sweep. Call it before this process builds anything of SystemC.
std::optional<SweepResult> run_sweep(const SweepRequest& request, Diagnostics& diagnostics,
                                     const std::function<void(std::size_t done, std::size_t of)>& on_done);

} // namespace sim
