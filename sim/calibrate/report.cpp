#include "sim/calibrate/report.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/report_text.h"

namespace sim::calibrate {
namespace {

using Json = nlohmann::ordered_json;
using State = FitResult::State;

/// Half of a 95 % interval, in per cent.
double within(double deviation) { return std::expm1(1.96 * deviation) * 100; }

std::string rows_of(const Measurements& measurements, const Calibration& result, std::size_t parameter) {
    std::string names;
    for (const std::size_t row : result.fit.rows_of[parameter]) {
        names += (names.empty() ? "" : ", ") + measurements.all()[result.used[row]].id;
    }
    return names;
}

std::string in_figure(const Measurement& row, double value) { return row.is_latency ? in_time(value) : in_rate(value); }

std::string combination_text(const Calibration& result, const FitCombination& combination) {
    std::string text;
    for (const auto& [parameter, share] : combination.parts) {
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", result.parameters[parameter].name(),
                            share > 0 ? "up" : "down");
    }
    return text;
}

void fitted(const Measurements& measurements, const Calibration& result, State state, const std::string& head,
            std::string& out) {
    bool any = false;
    for (std::size_t j = 0; j < result.parameters.size(); ++j) {
        if (result.fit.states[j] != state) {
            continue;
        }
        if (!any) {
            out += fmt::format("\n{:<52} {:>12} {:>12} {:>8} {:>9}  {}\n", head, "before", "after", "change", "95 %",
                               "fixed by");
            any = true;
        }
        const Parameter& parameter = result.parameters[j];
        out +=
            fmt::format("  {:<50} {:>12} {:>12} {:>+6.1f} % {:>7} %  {}\n", parameter.name(), parameter.text,
                        parameter.spelt(result.fit.values[j]), (result.fit.values[j] / parameter.fit.start - 1) * 100,
                        fmt::format("±{:.1f}", within(result.fit.deviations[j])), rows_of(measurements, result, j));
    }
}

void left(const Calibration& result, State state, const std::string& head, std::string& out) {
    std::string line;
    for (std::size_t j = 0; j < result.parameters.size(); ++j) {
        if (result.fit.states[j] == state) {
            const std::string word = result.parameters[j].name();
            if (line.empty()) {
                out += "\n" + head + "\n";
                line = "  " + word;
            } else if (line.size() + word.size() + 2 > 120) {
                out += line + ",\n";
                line = "  " + word;
            } else {
                line += ", " + word;
            }
        }
    }
    out += line.empty() ? "" : line + "\n";
}

std::string error(double predicted, double measured) {
    return fmt::format("{:+.1f} %", (predicted / measured - 1) * 100);
}

void rows(const Measurements& measurements, const Calibration& result, std::string& out) {
    out += fmt::format("\n{:<52} {:>12} {:>12} {:>9} {:>12} {:>9}\n", "Rows", "measured", "before", "", "after", "");
    for (std::size_t i = 0; i < result.used.size(); ++i) {
        const Measurement& row = measurements.all()[result.used[i]];
        out += fmt::format("  {:<50} {:>12} {:>12} {:>9} {:>12} {:>9}{}\n", (row.id + " " + row.what).substr(0, 50),
                           in_figure(row, row.value), in_figure(row, result.fit.before[i]),
                           error(result.fit.before[i], row.value), in_figure(row, result.fit.after[i]),
                           error(result.fit.after[i], row.value),
                           result.fit.weights[i] < kOutlierWeight ? "  outlier: hardly counted" : "");
    }
    for (std::size_t i = 0; i < measurements.all().size(); ++i) {
        if (std::find(result.used.begin(), result.used.end(), i) == result.used.end()) {
            out += fmt::format("  {:<50} not used: {}\n", measurements.all()[i].id, result.unusable[i]);
        }
    }
}

const char* state_word(State state) {
    switch (state) {
    case State::kDetermined:
        return "determined";
    case State::kWeak:
        return "weak";
    case State::kKept:
        return "kept";
    case State::kSilent:
        return "silent";
    }
    return "";
}

} // namespace

std::string calibration_text(const std::string& title, const Measurements& measurements, const Calibration& result) {
    std::string out = title + "\n";
    fitted(measurements, result, State::kDetermined, "Determined: to 3 % or better", out);
    fitted(measurements, result, State::kWeak, "Determined less well", out);
    left(result, State::kKept, "Not determined, left as they are: the rows do not tell them from others", out);
    if (!result.fit.combinations.empty()) {
        out += "\nWhat the rows do not notice:\n";
        for (const FitCombination& combination : result.fit.combinations) {
            out += "  " + combination_text(result, combination) + "\n";
        }
    }
    left(result, State::kSilent, "Not determined, left as they are: no row depends on them", out);
    rows(measurements, result, out);
    out +=
        fmt::format("\nMean absolute error of {} rows: {:.1f} % before, {:.1f} % after; the residuals are {:.1f} times "
                    "the noise.\n",
                    result.used.size(), result.mean_abs_error_before(measurements) * 100,
                    result.mean_abs_error_after(measurements) * 100, result.fit.spread);
    if (result.fit.spread > 2) {
        out +=
            "They are larger than the noise explains: the model has no figures with which it meets all rows, or some "
            "row is not what it says.\n";
    }
    return out;
}

std::string calibration_json(const std::string& machine, const std::string& file, double noise,
                             const Measurements& measurements, const Calibration& result) {
    Json json;
    json["schema_version"] = 1;
    json["program"] = "egmsim";
    json["kind"] = "calibration";
    json["machine"] = machine;
    json["file"] = file;
    json["noise"] = noise;
    json["iterations"] = result.fit.iterations;
    json["spread"] = result.fit.spread;
    json["mean_abs_error"] = {{"before", result.mean_abs_error_before(measurements)},
                              {"after", result.mean_abs_error_after(measurements)}};
    json["parameters"] = Json::array();
    for (std::size_t j = 0; j < result.parameters.size(); ++j) {
        const Parameter& parameter = result.parameters[j];
        Json rows = Json::array();
        for (const std::size_t row : result.fit.rows_of[j]) {
            rows.push_back(measurements.all()[result.used[row]].id);
        }
        json["parameters"].push_back({{"name", parameter.name()},
                                      {"owner", parameter.owner},
                                      {"figure", parameter.kind.figure},
                                      {"state", state_word(result.fit.states[j])},
                                      {"before", parameter.text},
                                      {"after", parameter.spelt(result.fit.values[j])},
                                      {"factor", result.fit.values[j] / parameter.fit.start},
                                      {"deviation", result.fit.deviations[j]},
                                      {"rows", std::move(rows)}});
    }
    json["undetermined_combinations"] = Json::array();
    for (const FitCombination& combination : result.fit.combinations) {
        Json parts = Json::array();
        for (const auto& [parameter, share] : combination.parts) {
            parts.push_back({{"name", result.parameters[parameter].name()}, {"share", share}});
        }
        json["undetermined_combinations"].push_back(std::move(parts));
    }
    json["rows"] = Json::array();
    std::size_t next = 0;
    for (std::size_t i = 0; i < measurements.all().size(); ++i) {
        const Measurement& row = measurements.all()[i];
        const double scale = row.is_latency ? 1e3 : 1e9;
        Json entry{{"id", row.id}, {"unit", row.is_latency ? "ns" : "GB/s"}, {"measured", row.value / scale}};
        if (next < result.used.size() && result.used[next] == i) {
            entry["before"] = result.fit.before[next] / scale;
            entry["after"] = result.fit.after[next] / scale;
            entry["weight"] = result.fit.weights[next];
            ++next;
        } else {
            entry["not_used"] = result.unusable[i];
        }
        json["rows"].push_back(std::move(entry));
    }
    return json.dump(2) + "\n";
}

std::vector<ReplacedFigure> replaced_figures(const Measurements& measurements, const Calibration& result) {
    std::vector<ReplacedFigure> figures;
    for (std::size_t j = 0; j < result.parameters.size(); ++j) {
        if (result.is_fitted(j)) {
            const Parameter& parameter = result.parameters[j];
            figures.push_back({parameter.entries, parameter.kind.figure, parameter.spelt(result.fit.values[j]),
                               fmt::format("±{:.1f} %, was {}: {}", within(result.fit.deviations[j]), parameter.text,
                                           rows_of(measurements, result, j))});
        }
    }
    return figures;
}

std::vector<std::string> head_of(const std::string& machine, const std::string& file, const Measurements& measurements,
                                 const Calibration& result) {
    return {
        fmt::format("{} fitted to {} rows of {} by \"egmsim calibrate\".", machine, result.used.size(), file),
        fmt::format("Mean absolute error of these rows: {:.1f} % before, {:.1f} % after. Beside each figure that was "
                    "fitted: its 95 %",
                    result.mean_abs_error_before(measurements) * 100, result.mean_abs_error_after(measurements) * 100),
        "interval, what it was, and the rows that fix it. All else is as in the machine and its presets."};
}

} // namespace sim::calibrate
