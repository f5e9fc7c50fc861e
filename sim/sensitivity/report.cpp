#include "sim/sensitivity/report.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/report_text.h"

namespace sim {
namespace {

using Json = nlohmann::ordered_json;
using Unit = VariedResult::Unit;

std::string in_figure(Unit unit, double value) { return unit == Unit::kRate ? in_rate(value) : in_time(value); }

std::string title(const VariedResult& result) {
    const std::string inside = result.group.empty() || result.group == result.name ? "" : result.group + ": ";
    return fmt::format("{}{}, {}", inside, result.name, result.setting);
}

std::string at_end(const VariedResult& nominal, const std::optional<double>& value) {
    return value ? fmt::format("{} {:+.1f} %", in_figure(nominal.unit, *value), (*value / nominal.value - 1) * 100)
                 : "not possible";
}

void moved(const Sensitive& each, const VariationPlan& plan, std::size_t moves_max, std::string& out) {
    const VariedResult& nominal = each.nominal;
    out += fmt::format("\n{:<52} {:>12}   all together {:+.1f} % to {:+.1f} %: {} to {}\n", title(nominal),
                       in_figure(nominal.unit, nominal.value), each.down * 100, each.up * 100,
                       in_figure(nominal.unit, nominal.value * (1 + each.down)),
                       in_figure(nominal.unit, nominal.value * (1 + each.up)));
    for (std::size_t i = 0; i < std::min(moves_max, each.moves.size()); ++i) {
        const Variation& variation = plan.varied[each.moves[i].variation];
        out += fmt::format("  {:<40} {:>10}  {:>10} {:<20} {:>10} {}\n", variation.name(), variation.range.nominal,
                           variation.range.low, at_end(nominal, each.moves[i].at_low), variation.range.high,
                           at_end(nominal, each.moves[i].at_high));
    }
    if (each.moves.size() > moves_max) {
        out += fmt::format("  and {} figures that move it less\n", each.moves.size() - moves_max);
    }
}

/// `names` in lines of at most 120 characters, behind `head`.
void list(const std::string& head, const std::vector<std::string>& names, std::string& out) {
    if (names.empty()) {
        return;
    }
    out += "\n" + head + "\n";
    std::string line = " ";
    for (std::size_t i = 0; i < names.size(); ++i) {
        const std::string word = " " + names[i] + (i + 1 < names.size() ? "," : "");
        if (line.size() + word.size() > 120) {
            out += line + "\n";
            line = " ";
        }
        line += word;
    }
    out += line + "\n";
}

std::vector<std::string> without_effect(const SensitivityResult& result) {
    std::set<std::size_t> effective;
    for (const Sensitive& each : result.results) {
        for (const Move& move : each.moves) {
            effective.insert(move.variation);
        }
    }
    std::vector<std::string> names;
    for (std::size_t i = 0; i < result.plan.varied.size(); ++i) {
        if (effective.count(i) == 0) {
            names.push_back(result.plan.varied[i].name());
        }
    }
    return names;
}

Json value_json(Unit unit, const std::optional<double>& value) {
    return value ? Json(*value / (unit == Unit::kRate ? 1e9 : 1e3)) : Json(nullptr);
}

} // namespace

std::string sensitivity_text(const Scenario& scenario, Fidelity fidelity, const SensitivityResult& result,
                             std::size_t moves_max) {
    std::string out =
        fmt::format("{} on {} (seed {}{}): {} assumed figures, each at both ends of its range\n", scenario.name,
                    scenario.topology.name, scenario.seed,
                    fidelity == Fidelity::kTransaction ? "" : std::string("; fidelity ") + to_string(fidelity),
                    result.plan.varied.size());
    std::vector<std::string> still;
    for (const Sensitive& each : result.results) {
        if (!each.nominal.fault.empty()) {
            out += fmt::format("\n{}: no figure: {}\n", title(each.nominal), each.nominal.fault);
        } else if (each.moves.empty()) {
            still.push_back(
                fmt::format("{} ({})", title(each.nominal), in_figure(each.nominal.unit, each.nominal.value)));
        } else {
            moved(each, result.plan, moves_max, out);
        }
    }
    list(fmt::format("Moved by none of them by {} % or more:", kNoEffect * 100), still, out);
    list("Without effect on any result here:", without_effect(result), out);
    list("Not varied, since the machine or the scenario sets them itself:", result.plan.replaced, out);
    list("Not possible:", result.failures, out);
    out +=
        "\nColumns: figure, its value; low end and what the result is there; high end. All together: root of the sum "
        "of the squares\nof the falls and of the rises, as if the figures were independent of each other "
        "(docs/sensitivity.md).\n";
    if (result.interrupted) {
        out += fmt::format("\nInterrupted: {} of {} runs were done.\n", result.done, result.runs);
    }
    return out;
}

std::string sensitivity_json(const Scenario& scenario, Fidelity fidelity, const SensitivityResult& result) {
    Json json;
    json["schema_version"] = 1;
    json["program"] = "egmsim";
    json["kind"] = "sensitivity";
    json["scenario"] = scenario.name;
    json["machine"] = scenario.topology.name;
    json["seed"] = scenario.seed;
    json["fidelity"] = to_string(fidelity);
    json["interrupted"] = result.interrupted;
    json["runs"] = result.runs;
    json["runs_done"] = result.done;
    json["figures"] = Json::array();
    for (const Variation& variation : result.plan.varied) {
        json["figures"].push_back({{"preset", variation.range.preset},
                                   {"figure", variation.range.figure},
                                   {"low", variation.range.low},
                                   {"nominal", variation.range.nominal},
                                   {"high", variation.range.high},
                                   {"why", variation.range.why}});
    }
    json["results"] = Json::array();
    for (const Sensitive& each : result.results) {
        const VariedResult& nominal = each.nominal;
        Json entry{{"setting", nominal.setting}, {"group", nominal.group}, {"name", nominal.name}};
        if (!nominal.fault.empty()) {
            entry["fault"] = nominal.fault;
            json["results"].push_back(std::move(entry));
            continue;
        }
        entry["unit"] = nominal.unit == Unit::kRate ? "GB/s" : "ns";
        entry["value"] = value_json(nominal.unit, nominal.value);
        entry["down"] = each.down;
        entry["up"] = each.up;
        entry["moves"] = Json::array();
        for (const Move& move : each.moves) {
            entry["moves"].push_back({{"figure", result.plan.varied[move.variation].name()},
                                      {"at_low", value_json(nominal.unit, move.at_low)},
                                      {"at_high", value_json(nominal.unit, move.at_high)},
                                      {"change", move.largest(nominal.value)}});
        }
        json["results"].push_back(std::move(entry));
    }
    json["without_effect"] = without_effect(result);
    json["not_varied"] = result.plan.replaced;
    json["not_possible"] = result.failures;
    return json.dump(2) + "\n";
}

} // namespace sim
