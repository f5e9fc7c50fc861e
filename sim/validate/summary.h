#pragma once

#include <string>
#include <vector>

#include "sim/validate/run_rows.h"

namespace sim::validate {

/// How well the rows of a group were met. All errors are fractions of the measured value.
struct Accuracy {
    std::size_t rows = 0;        ///< compared
    std::size_t unsupported = 0; ///< understood or not, but not compared
    double mean_abs_error = 0;
    double median_abs_error = 0;
    double max_abs_error = 0;
    double mean_error = 0;       ///< signed: above 0 the model is too fast, or too slow of a latency
    double log_deviation = 0;    ///< exp of the mean of |ln(predicted / measured)|, less 1
    double rank_correlation = 0; ///< Spearman's, ties by their mean rank; 0 below three rows
};
Accuracy accuracy(const std::vector<const RowResult*>& rows);

struct RowGrouping {
    std::string system, operation, path;
    std::vector<const RowResult*> rows;
};
/// By system, operation and path (engine, memories, and of several initiators their number), in the order of the file.
std::vector<RowGrouping> group_rows(const std::vector<RowResult>& rows);

/// The rows of one class of metrics.
std::vector<const RowResult*> rows_of(const std::vector<RowResult>& rows, MetricClass metric_class);

/// The compared rows with the largest absolute error, at most `count`.
std::vector<const RowResult*> worst_rows(const std::vector<RowResult>& rows, std::size_t count);

/// "Hopper SM, LPDDR.local to reg".
std::string path_of(const MeasuredRow& row);

} // namespace sim::validate
