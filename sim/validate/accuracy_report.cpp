#include "sim/validate/accuracy_report.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "sim/validate/recorded.h"
#include "sim/validate/report.h"

namespace sim::validate {
namespace {

constexpr double kChanged = 0.005; ///< a row is changed by a mechanism if its figure moves by more than this share
constexpr double kLarge = 0.05, kLargeLatency = 0.10; ///< errors that have a table of their own

/// A cell of a Markdown table.
std::string cell(const std::string& text) {
    std::string out;
    for (const char c : text) {
        out += c == '|' ? "\\|" : std::string(1, c);
    }
    return out;
}

std::string what(const MeasuredRow& row) {
    const std::string threads = row.text(kThreads);
    const std::string size = row.text(kSizeBytes);
    return cell(fmt::format("{}: {}{}{}", row.text(kOperation), path_of(row), threads.empty() ? "" : ", " + threads,
                            size.empty() ? "" : fmt::format(", {} B", size)));
}

std::string summary(const RowRun& run) {
    std::string out =
        "| metric | rows compared | not compared | mean error | median | nine of ten within | largest | bias "
        "| mean of \\|ln\\| | rank correlation |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | "
        "---: | ---: |\n";
    for (const MetricClass each : {MetricClass::kBandwidth, MetricClass::kLatency, MetricClass::kOther}) {
        const auto rows = rows_of(run.rows, each);
        const Accuracy all = accuracy(rows);
        std::vector<double> errors;
        for (const RowResult* row : rows) {
            if (row->status == RowResult::Status::kCompared) {
                errors.push_back(std::abs(row->error()));
            }
        }
        std::sort(errors.begin(), errors.end());
        const double most =
            errors.empty() ? 0
                           : errors[static_cast<std::size_t>(std::ceil(0.9 * static_cast<double>(errors.size()))) - 1];
        out += fmt::format(
            "| {} | {} | {} | {:.2f} % | {:.2f} % | {:.1f} % | {:.1f} % | {:+.2f} % | {:.2f} % | {:.4f} |\n",
            each == MetricClass::kOther ? "other (GEMM, generation)" : to_string(each), all.rows, all.unsupported,
            all.mean_abs_error * 100, all.median_abs_error * 100, most * 100, all.max_abs_error * 100,
            all.mean_error * 100, all.log_deviation * 100, all.rank_correlation);
    }
    return out;
}

std::string groups(const RowRun& run) {
    std::string out = "| system | operation and path | rows | mean error | median | largest |\n"
                      "| --- | --- | ---: | ---: | ---: | ---: |\n";
    for (const RowGrouping& group : group_rows(run.rows)) {
        const Accuracy all = accuracy(group.rows);
        if (all.rows > 0) {
            out += fmt::format("| {} | {}: {} | {} | {:.2f} % | {:.2f} % | {:.1f} % |\n", cell(group.system),
                               cell(group.operation), cell(group.path), all.rows, all.mean_abs_error * 100,
                               all.median_abs_error * 100, all.max_abs_error * 100);
        }
    }
    return out;
}

std::string large_errors(const RowRun& run, const std::map<std::string, std::string>& doubtful) {
    std::string out =
        "| row | what | measured | predicted | error | source doubtful |\n| --- | --- | ---: | ---: | ---: "
        "| --- |\n";
    for (const RowResult* row : worst_rows(run.rows, run.rows.size())) {
        const bool latency = class_of(*row->row.metric) == MetricClass::kLatency;
        if (std::abs(row->error()) > (latency ? kLargeLatency : kLarge)) {
            const auto why = doubtful.find(row->row.id());
            out += fmt::format("| {} | {} | {} | {} | {} | {} |\n", row->row.id(), what(row->row),
                               in_row_unit(row->row, row->row.value), in_row_unit(row->row, row->predicted),
                               in_percent(row->error()), why == doubtful.end() ? "" : cell(why->second));
        }
    }
    return out;
}

std::string rows(const RowRun& run) {
    std::string out = "| row | what | measured | predicted | error | trust | limited by |\n| --- | --- | ---: | ---: | "
                      "---: | --- | --- |\n";
    for (const RowResult& row : run.rows) {
        if (row.status == RowResult::Status::kCompared) {
            out += fmt::format("| {} | {} | {} | {} | {} | {} | {} |\n", row.row.id(), what(row.row),
                               in_row_unit(row.row, row.row.value), in_row_unit(row.row, row.predicted),
                               in_percent(row.error()), row.trust, cell(row.binding));
        }
    }
    return out;
}

std::string not_compared(const RowRun& run) {
    std::string out = "| row | what | measured | why not |\n| --- | --- | ---: | --- |\n";
    for (const RowResult& row : run.rows) {
        if (row.status != RowResult::Status::kCompared) {
            out += fmt::format("| {} | {} | {} {} | {} |\n", row.row.id(), what(row.row), row.row.text(kValue),
                               row.row.text(kUnit), cell(row.reason));
        }
    }
    return out;
}

/// What one mechanism earns: mean errors without it, and the rows that it moves.
std::string earns(const RowRun& with, const MechanismRun& without) {
    std::size_t moved = 0;
    double before = 0, after = 0;
    for (std::size_t i = 0; i < with.rows.size(); ++i) {
        const RowResult &a = with.rows[i], &b = without.run.rows[i];
        if (a.status != RowResult::Status::kCompared || b.status != RowResult::Status::kCompared ||
            std::abs(b.predicted / a.predicted - 1) <= kChanged) {
            continue;
        }
        ++moved;
        before += std::abs(a.error());
        after += std::abs(b.error());
    }
    const auto mean = [&](MetricClass each) { return accuracy(rows_of(without.run.rows, each)).mean_abs_error * 100; };
    const double n = static_cast<double>(std::max<std::size_t>(moved, 1));
    return fmt::format("| {} | {} | {:.2f} % | {:.2f} % | {} | {} | {} |\n", cell(without.mechanism.name),
                       cell(without.mechanism.what), mean(MetricClass::kBandwidth), mean(MetricClass::kLatency), moved,
                       moved > 0 ? fmt::format("{:.1f} %", before / n * 100) : "",
                       moved > 0 ? fmt::format("{:.1f} %", after / n * 100) : "");
}

std::string mechanisms_table(const RowRun& run, const std::vector<MechanismRun>& mechanisms) {
    std::string out =
        "| without | what it stands for | bandwidth, mean error | latency, mean error | rows that it moves | "
        "their error with it | without it |\n| --- | --- | ---: | ---: | ---: | ---: | ---: |\n";
    const auto mean = [&](MetricClass each) { return accuracy(rows_of(run.rows, each)).mean_abs_error * 100; };
    out += fmt::format("| (nothing: the model as it is) | | {:.2f} % | {:.2f} % | | | |\n",
                       mean(MetricClass::kBandwidth), mean(MetricClass::kLatency));
    for (const MechanismRun& each : mechanisms) {
        out += earns(run, each);
    }
    return out;
}

} // namespace

std::map<std::string, std::string> accuracy_sections(const RowRun& run,
                                                     const std::map<std::string, std::string>& doubtful,
                                                     const std::vector<MechanismRun>& mechanisms) {
    std::map<std::string, std::string> sections = {{"summary", summary(run)},
                                                   {"groups", groups(run)},
                                                   {"large-errors", large_errors(run, doubtful)},
                                                   {"rows", rows(run)},
                                                   {"not-compared", not_compared(run)}};
    if (!mechanisms.empty()) {
        sections["mechanisms"] = mechanisms_table(run, mechanisms);
    }
    return sections;
}

std::optional<std::string> replace_sections(const std::string& text, const std::map<std::string, std::string>& sections,
                                            std::string& fault) {
    const std::string begin = "<!-- generated: ", close = " -->\n", end = "<!-- end -->";
    std::string out;
    std::size_t at = 0;
    for (std::size_t next = text.find(begin); next != std::string::npos; next = text.find(begin, at)) {
        const std::size_t name_ends = text.find(close, next);
        const std::size_t stop = text.find(end, next);
        if (name_ends == std::string::npos || stop == std::string::npos || name_ends > stop) {
            fault = "a generated section has no end";
            return std::nullopt;
        }
        const std::string name = text.substr(next + begin.size(), name_ends - next - begin.size());
        const std::size_t body = name_ends + close.size();
        out += text.substr(at, body - at);
        const auto found = sections.find(name);
        if (found != sections.end()) {
            out += "\n" + found->second + "\n";
        } else if (name == "mechanisms") {
            out += text.substr(body, stop - body);
        } else {
            fault = fmt::format("there is no section {}", name);
            return std::nullopt;
        }
        at = stop;
    }
    return out + text.substr(at);
}

} // namespace sim::validate
