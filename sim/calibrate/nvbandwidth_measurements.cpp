#include "sim/calibrate/measurements.h"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/fields.h"
#include "sim/nvbandwidth_report.h"
#include "sim/reach_check.h"
#include "sim/runner.h"
#include "sim/scenario_loader.h"
#include "sim/suggest.h"

namespace sim::calibrate {
namespace {

using Json = nlohmann::json;

/// The file system with one more text in it.
class WithScenario final : public InputFiles {
public:
    WithScenario(const InputFiles& others, std::string text) : others_(others), text_(std::move(text)) {}

    bool exists(const std::string& path) const override { return path == kName || others_.exists(path); }
    std::optional<std::string> read(const std::string& path, Diagnostics& diagnostics) const override {
        return path == kName ? text_ : others_.read(path, diagnostics);
    }
    std::vector<std::string> list(const std::string& directory) const override { return others_.list(directory); }

    static constexpr const char* kName = "nvbandwidth.yaml";

private:
    const InputFiles& others_;
    std::string text_;
};

class NvbandwidthMeasurements final : public Measurements {
public:
    NvbandwidthMeasurements(const SearchPath& search, std::string machine)
        : search_(search), machine_(std::move(machine)) {}

    /// `gpus`: the machine's that the tool saw.
    void add(Measurement measurement, std::string test, const std::vector<std::string>& gpus) {
        measurement.twin = static_cast<std::size_t>(std::find(tests_.begin(), tests_.end(), test) - tests_.begin());
        all_.push_back(std::move(measurement));
        entries_.push_back(fmt::format("  - nvbandwidth: {}\n    gpus: [{}]\n", test, fmt::join(gpus, ", ")));
        tests_.push_back(std::move(test));
    }

    std::vector<double> predict(const std::vector<std::size_t>& rows, const std::vector<std::string>& overrides,
                                std::vector<std::string>* why) const override {
        std::string text = fmt::format("scenario: calibration\nmachine: {}\ntraffic:\n", machine_);
        for (const std::size_t row : rows) {
            text += entries_[row];
        }
        const WithScenario files(search_.input(), text);
        SearchPath search = search_;
        search.files = &files;
        Diagnostics diagnostics;
        const auto scenario = load_scenario(WithScenario::kName, overrides, search, diagnostics);
        if (scenario) {
            check_reach(*scenario, diagnostics);
        }
        if (!scenario || diagnostics.has_errors()) {
            const auto all = diagnostics.all();
            throw std::runtime_error(all.empty() ? "the tests cannot be run" : all.front().message);
        }
        const RunResult run = run_scenario(*scenario, Fidelity::kTransaction, {});
        const auto results = nvbandwidth_results(run);
        std::vector<double> figures;
        for (const std::size_t row : rows) {
            const auto found = std::find_if(results.begin(), results.end(), [&](const NvbandwidthResult& result) {
                return result.test_case->test->name == tests_[row];
            });
            double sum = 0;
            std::size_t cells = 0;
            std::string reason = found == results.end() ? "no result" : found->fault + found->test_case->waived;
            if (reason.empty()) {
                for (const NvbandwidthResult::Matrix& matrix : found->matrices) {
                    for (const auto& value : matrix.values) {
                        sum += value.value_or(0);
                        cells += value.has_value();
                    }
                }
            }
            const double scale = all_[row].is_latency ? 1e3 : 1e9;
            figures.push_back(cells > 0 ? sum / static_cast<double>(cells) * scale : 0);
            if (why != nullptr) {
                why->push_back(reason);
            }
        }
        return figures;
    }

    std::size_t chunk() const override { return 4; }

private:
    const SearchPath& search_;
    std::string machine_;
    std::vector<std::string> tests_, entries_; ///< by measurement; entries of a scenario's traffic
};

/// A cell as the tool prints it: "N/A", or a number in quotes or not.
std::optional<double> cell(const Json& json) {
    if (json.is_number()) {
        return json.get<double>();
    }
    if (!json.is_string() || json.get<std::string>() == "N/A") {
        return std::nullopt;
    }
    const std::string text = json.get<std::string>();
    std::size_t used = 0;
    try {
        const double value = std::stod(text, &used);
        return used == text.size() ? std::optional(value) : std::nullopt;
    } catch (const std::exception&) {
        return std::nullopt;
    }
}

class Reader {
public:
    Reader(const MeasurementSource& source, Diagnostics& diagnostics)
        : where_{source.file, 0, 0}, machine_(source.machine), diagnostics_(diagnostics) {
        for (const Part& part : source.topology->parts) {
            if (std::holds_alternative<models::GpuSpec>(part.spec)) {
                gpus_.push_back(part.name);
            }
        }
    }

    void read(const std::string& text, NvbandwidthMeasurements& into) {
        const Json json = Json::parse(text, nullptr, false);
        if (json.is_discarded() || !json.is_object() || !json.contains("nvbandwidth") ||
            !json["nvbandwidth"].is_object()) {
            error("is no output of \"nvbandwidth -j\"", "it has one object \"nvbandwidth\"");
            return;
        }
        const Json tests = json["nvbandwidth"].value("testcases", Json());
        if (!tests.is_array() || tests.empty()) {
            error("has no \"testcases\"", "");
            return;
        }
        for (std::size_t i = 0; i < tests.size(); ++i) {
            read_test(tests[i], fmt::format("testcase {}", i), into);
        }
        if (into.all().empty() && !diagnostics_.has_errors()) {
            error("has no test case that passed", "");
        }
    }

private:
    void error(const std::string& message, const std::string& suggestion) {
        diagnostics_.error(where_, message, suggestion);
    }

    void read_test(const Json& json, const std::string& number, NvbandwidthMeasurements& into) {
        if (!json.is_object() || !json.contains("name") || !json["name"].is_string()) {
            error(number + " has no name", "");
            return;
        }
        const std::string name = json["name"];
        const NvbandwidthTest* const test = find_nvbandwidth_test(name);
        if (test == nullptr) {
            std::vector<std::string> known;
            for (const NvbandwidthTest& each : nvbandwidth_tests()) {
                known.emplace_back(each.name);
            }
            error(fmt::format("{}: there is no test {}", number, in_quotes(name)), suggest(name, known));
            return;
        }
        if (json.value("status", Json("Passed")) != "Passed") {
            diagnostics_.warning(where_, fmt::format("{} {} did not pass: left out", number, name));
            return;
        }
        const Json matrix = json.value("bandwidth_matrix", Json());
        if (!matrix.is_array() || matrix.empty()) {
            error(fmt::format("{} {} has no \"bandwidth_matrix\"", number, name), "");
            return;
        }
        const std::size_t columns = matrix[0].is_array() ? matrix[0].size() : 0;
        if (columns == 0 || columns > gpus_.size()) {
            error(fmt::format("{} {}: its matrix has {} columns, and {} has {} GPUs", number, name, columns, machine_,
                              gpus_.size()),
                  "calibrate the machine that was measured");
            return;
        }
        double sum = 0;
        std::size_t cells = 0;
        for (const Json& row : matrix) {
            for (const Json& one : row.is_array() ? row : Json::array({row})) {
                const auto value = cell(one);
                if (!value && one != "N/A") {
                    error(fmt::format("{} {}: {} is no number", number, name, one.dump()), "a number, or \"N/A\"");
                    return;
                }
                if (value && *value <= 0) {
                    error(fmt::format("{} {}: {} is not positive", number, name, *value), "");
                    return;
                }
                sum += value.value_or(0);
                cells += value.has_value();
            }
        }
        if (cells == 0) {
            diagnostics_.warning(where_, fmt::format("{} {} has no figures: left out", number, name));
            return;
        }
        const bool latency =
            test->shape == NvbandwidthTest::Shape::kHostLatency || test->shape == NvbandwidthTest::Shape::kPairLatency;
        into.add({name, fmt::format("mean of {} cells", cells),
                  sum / static_cast<double>(cells) * (latency ? 1e3 : 1e9), latency, "", 0},
                 name, {gpus_.begin(), gpus_.begin() + static_cast<std::ptrdiff_t>(columns)});
    }

    const Location where_;
    const std::string machine_;
    std::vector<std::string> gpus_;
    Diagnostics& diagnostics_;
};

} // namespace

std::unique_ptr<Measurements> read_nvbandwidth_measurements(const MeasurementSource& source, const SearchPath& search,
                                                            Diagnostics& diagnostics) {
    const auto text = search.input().read(source.file, diagnostics);
    if (!text) {
        return nullptr;
    }
    auto measurements = std::make_unique<NvbandwidthMeasurements>(search, source.machine);
    Reader(source, diagnostics).read(*text, *measurements);
    return diagnostics.has_errors() ? nullptr : std::move(measurements);
}

} // namespace sim::calibrate
