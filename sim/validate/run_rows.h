#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sim/fidelity.h"
#include "sim/validate/row_plan.h"

namespace sim::validate {

/// A row beside what the model says of it.
struct RowResult {
    enum class Status {
        kCompared,
        kUnsupported, ///< understood, but the models or the machines that we have cannot express it
        kFaulty,      ///< not understood
    };
    MeasuredRow row;
    RowPlan plan;
    Status status = Status::kCompared;
    std::string reason;    ///< why it was not compared
    double predicted = 0;  ///< unit of `row.value`
    double half_width = 0; ///< of the 95 % confidence interval, same unit
    std::string binding;   ///< what limits the row's first stream
    double binding_share = 0;
    std::string trust; ///< the lowest grade of its streams
    std::vector<std::string> trust_reasons;

    double error() const { return predicted / row.value - 1; }
};
const char* to_string(RowResult::Status status); ///< "compared" "unsupported" "faulty"

struct RowRun {
    std::vector<RowResult> rows; ///< in file order
    bool interrupted = false;
};

/// What `run_rows` is given beside the rows.
struct RowRunOptions {
    Fidelity fidelity = Fidelity::kTransaction;
    unsigned parallel = 0;         ///< processes at a time; 0 = as many as cores
    std::vector<std::string> sets; ///< overrides of every scenario, as `--set` of `egmsim run`
    std::function<void(std::size_t done, std::size_t all)> progress; ///< in rows; may be empty
};

/// Plans every row, runs those that have a scenario (rows of one machine in one process, several processes at a time),
/// and works out their figures. Rows that cannot be run say why.
RowRun run_rows(std::vector<MeasuredRow> rows, RowPlanner& planner, const SearchPath& search,
                const RowRunOptions& options, Diagnostics& diagnostics);

} // namespace sim::validate
