#include "sim/validate/summary.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

namespace sim::validate {
namespace {

/// Ranks from 1; equal values share their mean rank.
std::vector<double> ranks(const std::vector<double>& values) {
    std::vector<std::size_t> order(values.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
    std::vector<double> rank(values.size());
    for (std::size_t i = 0; i < order.size();) {
        std::size_t end = i;
        while (end < order.size() && values[order[end]] == values[order[i]]) {
            ++end;
        }
        for (std::size_t k = i; k < end; ++k) {
            rank[order[k]] = static_cast<double>(i + end + 1) / 2; // mean of i + 1 ... end
        }
        i = end;
    }
    return rank;
}

/// Pearson's correlation of ranks.
double spearman(const std::vector<double>& a, const std::vector<double>& b) {
    if (a.size() < 3) {
        return 0;
    }
    const auto ra = ranks(a), rb = ranks(b);
    const double mean = (static_cast<double>(a.size()) + 1) / 2;
    double ab = 0, aa = 0, bb = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        ab += (ra[i] - mean) * (rb[i] - mean);
        aa += (ra[i] - mean) * (ra[i] - mean);
        bb += (rb[i] - mean) * (rb[i] - mean);
    }
    return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : 0;
}

} // namespace

Accuracy accuracy(const std::vector<const RowResult*>& rows) {
    Accuracy found;
    std::vector<double> errors, measured, predicted;
    double logs = 0;
    for (const RowResult* row : rows) {
        if (row->status != RowResult::Status::kCompared) {
            ++found.unsupported;
            continue;
        }
        errors.push_back(std::abs(row->error()));
        measured.push_back(row->row.value);
        predicted.push_back(row->predicted);
        found.mean_error += row->error();
        logs += std::abs(std::log(row->predicted / row->row.value));
    }
    found.rows = errors.size();
    if (errors.empty()) {
        return found;
    }
    const double n = static_cast<double>(errors.size());
    found.mean_abs_error = std::accumulate(errors.begin(), errors.end(), 0.0) / n;
    found.mean_error /= n;
    found.log_deviation = std::exp(logs / n) - 1;
    found.rank_correlation = spearman(measured, predicted);
    std::sort(errors.begin(), errors.end());
    found.max_abs_error = errors.back();
    const std::size_t half = errors.size() / 2;
    found.median_abs_error = errors.size() % 2 == 1 ? errors[half] : (errors[half - 1] + errors[half]) / 2;
    return found;
}

std::string path_of(const MeasuredRow& row) {
    std::string path = row.text(kInitiator);
    if (!row.text(kEngine).empty() && row.text(kEngine) != row.text(kInitiator)) {
        path += " " + row.text(kEngine);
    }
    const std::string &from = row.text(kSourceMemory), &to = row.text(kTargetMemory);
    if (!from.empty() || !to.empty()) {
        path += fmt::format(", {} to {}", from.empty() ? "reg" : from, to.empty() ? "reg" : to);
    }
    return path;
}

std::vector<RowGrouping> group_rows(const std::vector<RowResult>& rows) {
    std::vector<RowGrouping> groups;
    for (const RowResult& row : rows) {
        const std::string system = row.row.text(kSystem), operation = row.row.text(kOperation), path = path_of(row.row);
        const auto found = std::find_if(groups.begin(), groups.end(), [&](const RowGrouping& group) {
            return group.system == system && group.operation == operation && group.path == path;
        });
        RowGrouping& group =
            found != groups.end() ? *found : groups.emplace_back(RowGrouping{system, operation, path, {}});
        group.rows.push_back(&row);
    }
    return groups;
}

std::vector<const RowResult*> rows_of(const std::vector<RowResult>& rows, MetricClass metric_class) {
    std::vector<const RowResult*> found;
    for (const RowResult& row : rows) {
        if ((row.row.metric ? class_of(*row.row.metric) : MetricClass::kOther) == metric_class) {
            found.push_back(&row);
        }
    }
    return found;
}

std::vector<const RowResult*> worst_rows(const std::vector<RowResult>& rows, std::size_t count) {
    std::vector<const RowResult*> found;
    for (const RowResult& row : rows) {
        if (row.status == RowResult::Status::kCompared) {
            found.push_back(&row);
        }
    }
    std::stable_sort(found.begin(), found.end(), [](const RowResult* a, const RowResult* b) {
        return std::abs(a->error()) > std::abs(b->error());
    });
    found.resize(std::min(found.size(), count));
    return found;
}

} // namespace sim::validate
