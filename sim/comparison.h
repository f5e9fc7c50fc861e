#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace sim {

/// Results of several scenarios side by side, figure by figure.
struct Comparison {
    struct Cell {
        double value = 0; ///< in the row's unit
        std::string limit, trust;
        double share_of_bound = 0; ///< 0: it has no bound
    };
    struct Row {
        std::string group, name, unit;
        std::vector<std::optional<Cell>> cells; ///< by result; none: it has no such figure
    };
    std::vector<std::string> scenarios, machines, descriptions;
    std::vector<Row> rows; ///< in the order in which they come
};

/// `results` as `json_report` writes them. A stream of a group of several is named group and stream.
Comparison compare_results(const std::vector<nlohmann::ordered_json>& results);

/// As a table, with what the last differs from the first by.
std::string comparison_text(const Comparison& comparison);
/// docs/json.md, "compare".
std::string comparison_json(const Comparison& comparison, const std::vector<nlohmann::ordered_json>& results);

} // namespace sim
