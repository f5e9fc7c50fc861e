#include "sim/validate/report.h"

#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/validate/csv.h"

namespace sim::validate {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchemaVersion = 1;
constexpr std::size_t kWorst = 10;

const std::vector<MetricClass>& classes() {
    static const std::vector<MetricClass> all = {MetricClass::kBandwidth, MetricClass::kLatency, MetricClass::kOther};
    return all;
}

std::string cut(const std::string& text, std::size_t width) {
    return text.size() <= width ? text : text.substr(0, width - 3) + "...";
}

std::string trust_word(const std::string& trust) {
    return trust == "calibrated" ? "cal" : trust == "composed" ? "comp" : trust == "extrapolated" ? "extra" : "";
}

std::string summary_line(const std::string& name, const Accuracy& all) {
    if (all.rows == 0) {
        return fmt::format("{:<12} {:>4} {:>5}\n", name, 0, all.unsupported);
    }
    return fmt::format("{:<12} {:>4} {:>5} {:>8.2f} % {:>8.2f} % {:>8.2f} % {:>7.1f} % {:>+8.2f} % {:>8.4f}\n", name,
                       all.rows, all.unsupported, all.mean_abs_error * 100, all.median_abs_error * 100,
                       all.log_deviation * 100, all.max_abs_error * 100, all.mean_error * 100, all.rank_correlation);
}

Json summary_json(const Accuracy& all) {
    return {{"rows", all.rows},
            {"unsupported", all.unsupported},
            {"mean_abs_error", all.mean_abs_error},
            {"median_abs_error", all.median_abs_error},
            {"max_abs_error", all.max_abs_error},
            {"mean_error", all.mean_error},
            {"log_deviation", all.log_deviation},
            {"rank_correlation", all.rank_correlation}};
}

std::string rows_table(const RowRun& run) {
    std::string out = fmt::format("{:<9} {:<44} {:>13} {:>13} {:>8}  {:<5} {}\n", "row", "what", "measured",
                                  "predicted", "error", "trust", "limited by");
    for (const RowResult& row : run.rows) {
        const std::string what = row.row.text(kOperation) + ": " + path_of(row.row) +
                                 (row.row.text(kThreads).empty() ? "" : ", " + row.row.text(kThreads));
        if (row.status != RowResult::Status::kCompared) {
            out += fmt::format("{:<9} {:<44} {:>13}  {}: {}\n", cut(row.row.id(), 9), cut(what, 44),
                               row.row.faulty ? "" : in_row_unit(row.row, row.row.value), to_string(row.status),
                               row.reason);
            continue;
        }
        out += fmt::format("{:<9} {:<44} {:>13} {:>13} {:>8}  {:<5} {}\n", cut(row.row.id(), 9), cut(what, 44),
                           in_row_unit(row.row, row.row.value), in_row_unit(row.row, row.predicted),
                           in_percent(row.error()), trust_word(row.trust), row.binding);
    }
    return out;
}

} // namespace

std::string in_row_unit(const MeasuredRow& row, double value) {
    return fmt::format("{:.4g} {}", value / row.unit.worth, row.unit.name);
}

std::string in_percent(double fraction) { return fmt::format("{:+.1f} %", fraction * 100); }

std::string text_report(const RowRun& run, bool every_row) {
    std::string out = every_row ? rows_table(run) + "\n" : "";
    out += fmt::format("{:<70} {:>4} {:>5} {:>9} {:>9}\n", "group", "rows", "not", "mean |e|", "median");
    std::string system;
    for (const RowGrouping& group : group_rows(run.rows)) {
        if (group.system != system) {
            system = group.system;
            out += cut(system, 100) + "\n";
        }
        const Accuracy all = accuracy(group.rows);
        const std::string name = cut(fmt::format("  {}: {}", group.operation, group.path), 70);
        out += all.rows == 0 ? fmt::format("{:<70} {:>4} {:>5}\n", name, 0, all.unsupported)
                             : fmt::format("{:<70} {:>4} {:>5} {:>7.2f} % {:>7.2f} %\n", name, all.rows,
                                           all.unsupported, all.mean_abs_error * 100, all.median_abs_error * 100);
    }
    out += "\nLargest errors\n";
    for (const RowResult* row : worst_rows(run.rows, kWorst)) {
        out += fmt::format("  {:<9} {:<60} {:>13} {:>13} {:>8}\n", cut(row->row.id(), 9),
                           cut(row->row.text(kOperation) + ": " + path_of(row->row), 60),
                           in_row_unit(row->row, row->row.value), in_row_unit(row->row, row->predicted),
                           in_percent(row->error()));
    }
    std::string left_out;
    for (const RowResult& row : run.rows) {
        if (row.status != RowResult::Status::kCompared) {
            left_out += fmt::format("  {:<9} {}: {}\n", cut(row.row.id(), 9), to_string(row.status), row.reason);
        }
    }
    if (!left_out.empty()) {
        out += "\nNot compared\n" + left_out;
    }
    std::map<std::string, std::vector<std::string>> warnings; // rows by what they have in common
    for (const RowResult& row : run.rows) {
        for (const std::string& warning : row.plan.warnings) {
            warnings[warning].push_back(row.row.id());
        }
    }
    if (!warnings.empty()) {
        out += "\nTaken for granted\n";
        for (const auto& [warning, rows] : warnings) {
            out += fmt::format("  {} ({}{})\n", warning, rows.front(),
                               rows.size() > 1 ? fmt::format(" and {} more", rows.size() - 1) : "");
        }
    }
    out += fmt::format("\n{:<12} {:>4} {:>5} {:>10} {:>10} {:>10} {:>9} {:>10} {:>8}\n", "metric", "rows", "not",
                       "mean |e|", "median", "|ln| mean", "largest", "bias", "Spearman");
    for (const MetricClass each : classes()) {
        out += summary_line(to_string(each), accuracy(rows_of(run.rows, each)));
    }
    return out;
}

std::string json_report(const RowRun& run, const std::string& file) {
    Json json;
    json["schema_version"] = kSchemaVersion;
    json["program"] = "egmsim validate";
    json["file"] = file;
    json["interrupted"] = run.interrupted;
    std::size_t faulty = 0;
    for (const RowResult& row : run.rows) {
        faulty += row.status == RowResult::Status::kFaulty;
    }
    json["summary"] = Json::object();
    for (const MetricClass each : classes()) {
        json["summary"][to_string(each)] = summary_json(accuracy(rows_of(run.rows, each)));
    }
    json["summary"]["faulty_rows"] = faulty;
    json["groups"] = Json::array();
    for (const RowGrouping& group : group_rows(run.rows)) {
        Json entry = {{"system", group.system}, {"operation", group.operation}, {"path", group.path}};
        entry.update(summary_json(accuracy(group.rows)));
        json["groups"].push_back(std::move(entry));
    }
    json["rows"] = Json::array();
    for (const RowResult& row : run.rows) {
        const bool compared = row.status == RowResult::Status::kCompared;
        Json entry;
        entry["id"] = row.row.id();
        entry["line"] = row.row.cells[kId].where.line;
        entry["system"] = row.row.text(kSystem);
        entry["operation"] = row.row.text(kOperation);
        entry["path"] = path_of(row.row);
        entry["metric"] = row.row.text(kMetric);
        entry["unit"] = row.row.text(kUnit);
        entry["measured"] = row.row.value > 0 ? Json(row.row.value / row.row.unit.worth) : Json();
        entry["predicted"] = compared ? Json(row.predicted / row.row.unit.worth) : Json();
        entry["error"] = compared ? Json(row.error()) : Json();
        entry["status"] = to_string(row.status);
        if (!compared) {
            entry["reason"] = row.reason;
        } else {
            entry["confidence_half_width"] = row.half_width / row.row.unit.worth;
            entry["binding"] = {{"resource", row.binding}, {"share_of_time", row.binding_share}};
            entry["trust"] = row.trust;
            entry["trust_reasons"] = row.trust_reasons;
        }
        if (!row.plan.warnings.empty()) {
            entry["warnings"] = row.plan.warnings;
        }
        json["rows"].push_back(std::move(entry));
    }
    return json.dump(2) + "\n";
}

std::string csv_report(const RowRun& run) {
    std::string out = "id,system,operation,path,threads,size_bytes,metric,measured,predicted,unit,error,status,"
                      "limited_by,trust,reason\n";
    for (const RowResult& row : run.rows) {
        const bool compared = row.status == RowResult::Status::kCompared;
        const std::vector<std::string> cells = {row.row.id(),
                                                row.row.text(kSystem),
                                                row.row.text(kOperation),
                                                path_of(row.row),
                                                row.row.text(kThreads),
                                                row.row.text(kSizeBytes),
                                                row.row.text(kMetric),
                                                row.row.text(kValue),
                                                compared ? fmt::format("{:.6g}", row.predicted / row.row.unit.worth)
                                                         : "",
                                                row.row.text(kUnit),
                                                compared ? fmt::format("{:.5f}", row.error()) : "",
                                                to_string(row.status),
                                                row.binding,
                                                row.trust,
                                                row.reason};
        for (std::size_t i = 0; i < cells.size(); ++i) {
            out += (i > 0 ? "," : "") + csv_cell(cells[i]);
        }
        out += "\n";
    }
    return out;
}

} // namespace sim::validate
