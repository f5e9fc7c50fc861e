#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/sweep_knees.h"
#include "sim/sweep_report.h"

namespace sim {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchemaVersion = 1;

/// A field of RFC 4180: in quotes if it has to be.
std::string csv_field(const std::string& text) {
    if (text.find_first_of(",\"\r\n") == std::string::npos) {
        return text;
    }
    std::string quoted = "\"";
    for (const char c : text) {
        quoted += c == '"' ? "\"\"" : std::string(1, c);
    }
    return quoted + "\"";
}

Json values_at(const SweepPlan& plan, const SweepPoint& point) {
    Json values = Json::object();
    for (std::size_t axis = 0; axis < plan.axes.size(); ++axis) {
        values[plan.axes[axis].name] = plan.axes[axis].values[point.place[axis]].label;
    }
    return values;
}

Json figure_value(const RunFigure& figure) { return figure.number ? Json(*figure.number) : Json(figure.text); }

Json knee_json(const SweepResult& result, const SweepKnee& knee, const SweepLine& line) {
    const SweepPlan& plan = result.request->plan;
    Json json = {{"of", plan.knee->of}, {"against", plan.knee->against}, {"line", line.name}};
    json["found"] = knee.answer.knee.has_value();
    if (knee.answer.knee) {
        json["at"] = values_at(plan, result.points[knee.points[knee.answer.knee->at]]);
        json["distance"] = knee.answer.knee->distance;
    } else {
        json["why_none"] = knee.answer.why_none;
    }
    return json;
}

} // namespace

std::string sweep_csv(const SweepResult& result) {
    const SweepPlan& plan = result.request->plan;
    std::string out;
    for (const SweepAxis& axis : plan.axes) {
        out += csv_field(axis.name) + ",";
    }
    out += "failed";
    for (std::size_t column = 0; column < result.columns.size(); ++column) {
        const std::string unit = result.unit(column);
        out += "," + csv_field(result.columns[column] + (unit.empty() ? "" : " [" + unit + "]"));
    }
    out += "\r\n";
    for (const SweepPoint& point : result.points) {
        for (std::size_t axis = 0; axis < plan.axes.size(); ++axis) {
            out += csv_field(plan.axes[axis].values[point.place[axis]].label) + ",";
        }
        out += csv_field(point.failed);
        for (const auto& figure : point.shown) {
            out += "," + (!figure ? "" : figure->number ? Json(*figure->number).dump() : csv_field(figure->text));
        }
        out += "\r\n";
    }
    return out;
}

std::string sweep_json(const SweepResult& result) {
    const SweepPlan& plan = result.request->plan;
    Json json;
    json["schema_version"] = kSchemaVersion;
    json["program"] = "egmsim";
    json["result"] = "sweep";
    json["scenario"] = result.scenario;
    json["machine"] = result.machine;
    json["seed"] = result.seed;
    json["fidelity"] = to_string(result.request->fidelity);
    json["interrupted"] = result.interrupted;
    json["axes"] = Json::array();
    for (const SweepAxis& axis : plan.axes) {
        Json values = Json::array();
        for (const SweepValue& value : axis.values) {
            values.push_back(value.label);
        }
        json["axes"].push_back({{"name", axis.name}, {"path", axis.path}, {"values", values}});
    }
    json["figures"] = Json::array();
    for (std::size_t column = 0; column < result.columns.size(); ++column) {
        json["figures"].push_back({{"name", result.columns[column]}, {"unit", result.unit(column)}});
    }
    json["points"] = Json::array();
    for (const SweepPoint& point : result.points) {
        Json entry = {{"at", values_at(plan, point)}, {"failed", point.failed}, {"figures", Json::object()}};
        for (std::size_t column = 0; column < result.columns.size(); ++column) {
            if (point.shown[column]) {
                entry["figures"][result.columns[column]] = figure_value(*point.shown[column]);
            }
        }
        json["points"].push_back(std::move(entry));
    }
    json["knees"] = Json::array();
    const std::vector<SweepLine> lines = sweep_lines(plan);
    for (std::size_t i = 0; i < result.knees.size(); ++i) {
        json["knees"].push_back(knee_json(result, result.knees[i], lines[i]));
    }
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace sim
