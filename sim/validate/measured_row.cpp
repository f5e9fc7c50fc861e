#include "sim/validate/measured_row.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "sim/fields.h"
#include "sim/suggest.h"

namespace sim::validate {
namespace {

const std::vector<Column>& required() {
    static const std::vector<Column> columns = {kId, kSystem, kInitiator, kEngine, kOperation, kMetric, kValue, kUnit};
    return columns;
}

std::string trimmed(const std::string& text) {
    const auto first = text.find_first_not_of(" \t");
    return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// A whole cell as a number; nothing if it is none, is not finite, or has anything behind it.
std::optional<double> number(const std::string& text) {
    double value = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (fault != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
        return std::nullopt;
    }
    return value;
}

class Reader {
public:
    Reader(const std::string& file, Diagnostics& diagnostics) : file_(file), diagnostics_(diagnostics) {}

    bool read_head(const CsvRow& head) {
        const auto& names = column_names();
        const std::vector<std::string> known(names.begin(), names.end());
        const std::size_t errors = diagnostics_.errors();
        for (std::size_t i = 0; i < head.size(); ++i) {
            const std::string name = trimmed(head[i].text);
            const auto found = std::find(names.begin(), names.end(), name);
            if (found == names.end()) {
                diagnostics_.error(head[i].where, fmt::format("there is no column {}", in_quotes(name)),
                                   suggest(name, known));
            } else if (!places_.emplace(static_cast<Column>(found - names.begin()), i).second) {
                diagnostics_.error(head[i].where, fmt::format("column {} twice", in_quotes(name)));
            }
        }
        std::string missing;
        for (const Column column : required()) {
            if (places_.count(column) == 0) {
                missing += (missing.empty() ? "" : ", ") + names[column];
            }
        }
        if (!missing.empty()) {
            diagnostics_.error(head.empty() ? Location{file_, 1, 1} : head[0].where,
                               fmt::format("missing columns: {}", missing),
                               "the first line names them, as that of validation/calibration.csv does");
        }
        cells_ = head.size();
        return diagnostics_.errors() == errors;
    }

    MeasuredRow read_row(const CsvRow& cells, std::size_t number) {
        MeasuredRow row;
        row.number = number;
        for (CsvCell& cell : row.cells) {
            cell.where = cells.front().where;
        }
        for (const auto& [column, place] : places_) {
            if (place < cells.size()) {
                row.cells[column] = {trimmed(cells[place].text), cells[place].where};
            }
        }
        if (cells.size() != cells_) {
            row.reject(kId, fmt::format("{} cells where the head has {}", cells.size(), cells_),
                       "put cells with a comma in quotes", diagnostics_);
        }
        for (const Column column : required()) {
            if (row.text(column).empty() && column != kEngine) {
                row.reject(column, fmt::format("{} is empty", column_names()[column]), "", diagnostics_);
            }
        }
        if (!row.id().empty()) {
            const auto [before, fresh] = ids_.emplace(row.id(), row.cells[kId].where.line);
            if (!fresh) {
                row.reject(kId, fmt::format("id {} was used in line {}", in_quotes(row.id()), before->second),
                           "give each row an id of its own", diagnostics_);
            }
        }
        read_metric(row);
        row.size_bytes = count(row, kSizeBytes, "bytes, such as 8589934592");
        row.page_bytes = count(row, kPageSize, "bytes, such as 65536");
        row.hops = static_cast<unsigned>(count(row, kHops, "links on the way, such as 1"));
        return row;
    }

private:
    void read_metric(MeasuredRow& row) {
        std::vector<std::string> names;
        for (const auto& [name, metric] : metric_words()) {
            names.push_back(name);
            if (row.text(kMetric) == name) {
                row.metric = metric;
            }
        }
        if (!row.metric && !row.text(kMetric).empty()) {
            row.reject(kMetric, fmt::format("there is no metric {}", in_quotes(row.text(kMetric))),
                       suggest(row.text(kMetric), names), diagnostics_);
        }
        if (row.metric && !row.text(kUnit).empty()) {
            if (const MeasuredUnit* unit = find_unit(*row.metric, row.text(kUnit))) {
                row.unit = *unit;
            } else {
                std::vector<std::string> units;
                for (const MeasuredUnit& each : units_of(*row.metric)) {
                    units.push_back(each.name);
                }
                row.reject(kUnit, fmt::format("{} is no unit of {}", in_quotes(row.text(kUnit)), row.text(kMetric)),
                           suggest(row.text(kUnit), units), diagnostics_);
            }
        }
        if (row.text(kValue).empty()) {
            return;
        }
        const auto value = number(row.text(kValue));
        if (!value || *value <= 0) {
            row.reject(kValue, fmt::format("value {} is no number above 0", in_quotes(row.text(kValue))),
                       "write it with a decimal point and without its unit", diagnostics_);
        } else {
            row.value = *value * row.unit.worth;
        }
    }

    std::uint64_t count(MeasuredRow& row, Column column, const char* what) {
        const std::string& text = row.text(column);
        if (text.empty()) {
            return 0;
        }
        std::uint64_t value = 0;
        const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (fault != std::errc() || end != text.data() + text.size()) {
            row.reject(column, fmt::format("{} {} is no whole number", column_names()[column], in_quotes(text)),
                       fmt::format("write {}", what), diagnostics_);
            return 0;
        }
        return value;
    }

    std::string file_;
    Diagnostics& diagnostics_;
    std::map<Column, std::size_t> places_;
    std::size_t cells_ = 0;
    std::map<std::string, int> ids_;
};

} // namespace

const std::array<std::string, kColumns>& column_names() {
    static const std::array<std::string, kColumns> names = {
        "id",   "system",     "variant",   "initiator", "engine", "operation", "source_memory", "target_memory",
        "hops", "size_bytes", "page_size", "threads",   "metric", "value",     "unit",          "source",
        "note"};
    return names;
}

void MeasuredRow::reject(Column column, const std::string& message, const std::string& suggestion,
                         Diagnostics& diagnostics) {
    const std::string whole = fmt::format("row {}: {}", id().empty() ? "without id" : id(), message);
    diagnostics.error(cells[column].where, whole, suggestion);
    if (!faulty) {
        fault = suggestion.empty() ? message : message + "; " + suggestion;
    }
    faulty = true;
}

std::vector<MeasuredRow> read_measured_rows(const std::string& text, const std::string& file,
                                            Diagnostics& diagnostics) {
    const std::vector<CsvRow> csv = parse_csv(text, file, diagnostics);
    Reader reader(file, diagnostics);
    if (csv.empty()) {
        diagnostics.error({file, 1, 1}, "the file is empty", "its first line names the columns");
        return {};
    }
    std::vector<MeasuredRow> rows;
    if (!reader.read_head(csv.front())) {
        return rows;
    }
    for (std::size_t i = 1; i < csv.size(); ++i) {
        rows.push_back(reader.read_row(csv[i], i - 1));
    }
    if (rows.empty()) {
        diagnostics.error({file, 1, 1}, "the file has a head and no rows");
    }
    return rows;
}

} // namespace sim::validate
