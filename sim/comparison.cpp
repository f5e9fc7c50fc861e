#include "sim/comparison.h"

#include <algorithm>
#include <fmt/format.h>

#include "sim/report_text.h"

namespace sim {

namespace {

using Json = nlohmann::ordered_json;

class Table {
public:
    explicit Table(std::size_t columns) : columns_(columns) {}

    void add(std::size_t column, const std::string& group, const std::string& name, const std::string& unit,
             Comparison::Cell cell) {
        auto row = std::find_if(rows.begin(), rows.end(), [&](const Comparison::Row& one) {
            return one.group == group && one.name == name && one.unit == unit;
        });
        if (row == rows.end()) {
            rows.push_back({group, name, unit, std::vector<std::optional<Comparison::Cell>>(columns_)});
            row = rows.end() - 1;
        }
        row->cells[column] = std::move(cell);
    }

    std::vector<Comparison::Row> rows;

private:
    std::size_t columns_;
};

void add_work(Table& table, std::size_t column, const std::string& group, const Json& work) {
    if (work.contains("fault")) {
        return;
    }
    const Comparison::Cell base{0, work["binding"]["resource"], work["trust"], work["share_of_bound"]};
    Comparison::Cell finish = base;
    finish.value = work["finish_ns"];
    table.add(column, group, "finish", "ns", finish);
    for (const Json& figure : work.value("figures", Json::array())) {
        Comparison::Cell cell = base;
        cell.value = figure["value"];
        cell.limit.clear(); // that of the whole
        cell.share_of_bound = 0;
        table.add(column, group, figure["name"], figure["unit"], cell);
    }
}

std::string in_unit(double value, const std::string& unit) {
    return unit == "ns"     ? in_time(value * 1e3)
           : unit == "GB/s" ? in_rate(value * 1e9)
                            : fmt::format("{:.4g} {}", value, unit);
}

} // namespace

Comparison compare_results(const std::vector<Json>& results) {
    Comparison comparison;
    Table table(results.size());
    for (std::size_t column = 0; column < results.size(); ++column) {
        const Json& result = results[column];
        comparison.scenarios.push_back(result["scenario"]);
        comparison.machines.push_back(result["machine"]);
        for (const Json& group : result["traffic"]) {
            std::string name = group["group"];
            name += group["setting"] == "vm" ? " (in VM)" : "";
            if (group.contains("work")) {
                add_work(table, column, name, group["work"]);
            }
            for (const Json& stream : group["streams"]) {
                if (!stream.contains("fault")) {
                    table.add(
                        column, name, group["streams"].size() > 1 ? stream["name"] : Json(std::string()),
                        stream["unit"],
                        {stream["value"], stream["binding"]["resource"], stream["trust"], stream["share_of_bound"]});
                }
            }
        }
    }
    comparison.rows = std::move(table.rows);
    return comparison;
}

std::string comparison_text(const Comparison& comparison) {
    std::string out = fmt::format("{:<44}", "");
    for (std::size_t i = 0; i < comparison.scenarios.size(); ++i) {
        out += fmt::format(" {:>18}", comparison.scenarios[i].substr(0, 18));
    }
    out += fmt::format("\n{:<44}", "machine");
    for (const std::string& machine : comparison.machines) {
        out += fmt::format(" {:>18}", machine.substr(0, 18));
    }
    out += fmt::format(" {:>12}\n", "last / first");
    std::string group;
    for (const Comparison::Row& row : comparison.rows) {
        if (row.group != group) {
            group = row.group;
            out += row.name.empty() ? "" : group + "\n";
        }
        out += fmt::format("{:<44}", (row.name.empty() ? row.group : "  " + row.name).substr(0, 44));
        for (const auto& cell : row.cells) {
            out += fmt::format(" {:>18}", cell ? in_unit(cell->value, row.unit) : "-");
        }
        const auto &first = row.cells.front(), &last = row.cells.back();
        out += first && last && first->value != 0 ? fmt::format(" {:>12.3f}\n", last->value / first->value) : "\n";
        for (std::size_t i = 0; i < row.cells.size(); ++i) {
            if (row.cells[i] && !row.cells[i]->limit.empty()) {
                out += fmt::format("    {}: limited by {}; {:.0f} % of the bound; {}\n", comparison.scenarios[i],
                                   row.cells[i]->limit, row.cells[i]->share_of_bound * 100, row.cells[i]->trust);
            }
        }
    }
    return out;
}

std::string comparison_json(const Comparison& comparison, const std::vector<Json>& results) {
    Json json;
    json["schema_version"] = 1;
    json["program"] = "egmsim";
    json["scenarios"] = comparison.scenarios;
    json["machines"] = comparison.machines;
    json["rows"] = Json::array();
    for (const Comparison::Row& row : comparison.rows) {
        Json entry{{"group", row.group}, {"name", row.name}, {"unit", row.unit}, {"values", Json::array()}};
        for (const auto& cell : row.cells) {
            entry["values"].push_back(cell ? Json{{"value", cell->value},
                                                  {"limited_by", cell->limit},
                                                  {"share_of_bound", cell->share_of_bound},
                                                  {"trust", cell->trust}}
                                           : Json());
        }
        json["rows"].push_back(std::move(entry));
    }
    json["results"] = results;
    return json.dump(2) + "\n";
}

} // namespace sim
