#include "sim/sensitivity/sensitivity.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/forked.h"
#include "sim/host_kernel.h"
#include "sim/reach_check.h"
#include "sim/runner.h"
#include "sim/scenario_loader.h"

namespace sim {
namespace {

using Json = nlohmann::json;

Json to_json(const VariedResult& result) {
    return {static_cast<int>(result.unit),
            result.setting,
            result.group,
            result.name,
            result.value,
            result.half_width,
            result.fault};
}

VariedResult from_json(const Json& json) {
    return {static_cast<VariedResult::Unit>(json[0].get<int>()),
            json[1].get<std::string>(),
            json[2].get<std::string>(),
            json[3].get<std::string>(),
            json[4].get<double>(),
            json[5].get<double>(),
            json[6].get<std::string>()};
}

/// The results of a run, in an order that depends on the scenario only.
std::vector<VariedResult> results_of(const RunResult& run) {
    using Unit = VariedResult::Unit;
    std::vector<VariedResult> results;
    for (const VmReport& vm : run.vms) {
        results.push_back(
            {Unit::kTime, "bring-up", "", vm.name + " ready", static_cast<double>(vm.bring_up_time), 0, ""});
        for (const RegionReport& region : vm.regions) {
            results.push_back({Unit::kTime, "bring-up", "", fmt::format("{} first touch of {}", vm.name, region.cpu),
                               static_cast<double>(region.first_touch), 0, ""});
        }
    }
    for (const SettingResult& setting : run.settings) {
        for (const GroupResult& group : setting.groups) {
            if (group.work) {
                results.push_back({Unit::kTime, setting.virtualized ? "vm" : "native", "", group.group->name,
                                   static_cast<double>(group.work->times.finish), 0, group.work->times.fault});
            }
            for (const StreamResult& stream : group.streams) {
                results.push_back({stream.is_latency ? Unit::kLatency : Unit::kRate,
                                   setting.virtualized ? "vm" : "native", group.group->name, stream.stream->name,
                                   stream.value, stream.half_width, stream.fault});
            }
        }
    }
    return results;
}

/// What a child does: loads, checks and runs the scenario with some figures replaced.
std::string run_once(const VariedRun& run, const std::vector<std::string>& replaced, bool traffic,
                     const SearchPath& search) {
    std::vector<std::string> sets = run.sets;
    sets.insert(sets.end(), replaced.begin(), replaced.end());
    Diagnostics diagnostics;
    auto scenario = load_scenario(run.file, sets, search, diagnostics);
    if (scenario) {
        check_reach(*scenario, diagnostics);
        check_host(*scenario, diagnostics);
    }
    if (!scenario || diagnostics.has_errors()) {
        for (const Diagnostic& fault : diagnostics.all()) {
            if (fault.severity == Diagnostic::Severity::kError) {
                throw std::runtime_error(fault.message);
            }
        }
        throw std::runtime_error("the scenario cannot be loaded");
    }
    scenario->seed = run.seed.value_or(scenario->seed);
    if (!traffic) {
        scenario->groups.clear();
    }
    const RunResult result = run_scenario(*scenario, run.fidelity, {});
    if (result.bring_up_error) {
        throw std::runtime_error("bring-up failed: " + result.bring_up_error->message());
    }
    for (const ViewCheck& check : result.views) {
        if (!check.agree) {
            throw std::runtime_error(fmt::format("region {} is corrupted: {}", check.region, check.detail));
        }
    }
    Json json = Json::array();
    for (const VariedResult& each : results_of(result)) {
        json.push_back(to_json(each));
    }
    return json.dump();
}

/// Puts the answers together.
class Collector {
public:
    Collector(SensitivityResult& result, const std::vector<ForkedAnswer>& answers)
        : result_(result), answers_(answers) {}

    void collect() {
        for (const VariedResult& nominal : read(answers_.front())) {
            result_.results.push_back({nominal, {}, 0, 0});
        }
        for (std::size_t i = 0; i < result_.plan.varied.size(); ++i) {
            const auto low = end(i, 1 + 2 * i, result_.plan.varied[i].range.low);
            const auto high = end(i, 2 + 2 * i, result_.plan.varied[i].range.high);
            for (std::size_t k = 0; k < result_.results.size(); ++k) {
                add(result_.results[k], i, find(low, k), find(high, k));
            }
        }
        for (Sensitive& each : result_.results) {
            std::stable_sort(each.moves.begin(), each.moves.end(), [&](const Move& a, const Move& b) {
                return std::abs(a.largest(each.nominal.value)) > std::abs(b.largest(each.nominal.value));
            });
            each.down = -std::sqrt(each.down);
            each.up = std::sqrt(each.up);
        }
    }

private:
    static std::vector<VariedResult> read(const ForkedAnswer& answer) {
        std::vector<VariedResult> results;
        if (answer.error.empty()) {
            for (const Json& each : Json::parse(answer.text)) {
                results.push_back(from_json(each));
            }
        }
        return results;
    }

    std::vector<VariedResult> end(std::size_t variation, std::size_t answer, const std::string& value) {
        const ForkedAnswer& said = answers_[answer];
        if (!said.error.empty() && !said.interrupted) {
            result_.failures.push_back(
                fmt::format("{} at {}: {}", result_.plan.varied[variation].name(), value, said.error));
        }
        return read(said);
    }

    /// The same result in another run, which may have fewer: of costs of calls only the bring-up was run.
    const VariedResult* find(const std::vector<VariedResult>& results, std::size_t k) const {
        const VariedResult& nominal = result_.results[k].nominal;
        if (k >= results.size() || results[k].name != nominal.name || results[k].setting != nominal.setting ||
            results[k].group != nominal.group || !results[k].fault.empty() || !nominal.fault.empty()) {
            return nullptr;
        }
        return &results[k];
    }

    static void add(Sensitive& sensitive, std::size_t variation, const VariedResult* low, const VariedResult* high) {
        const double nominal = sensitive.nominal.value;
        Move move{variation, {}, {}};
        bool moved = false;
        double down = 0, up = 0;
        for (const auto& [end, into] : {std::pair{low, &move.at_low}, {high, &move.at_high}}) {
            if (end == nullptr || nominal <= 0) {
                continue;
            }
            *into = end->value;
            const double change = end->value / nominal - 1;
            const double noise = (end->half_width + sensitive.nominal.half_width) / nominal;
            if (std::abs(change) >= kNoEffect && std::abs(change) > noise) {
                moved = true;
                down = std::min(down, change);
                up = std::max(up, change);
            }
        }
        if (moved) {
            sensitive.moves.push_back(move);
            sensitive.down += down * down;
            sensitive.up += up * up;
        }
    }

    SensitivityResult& result_;
    const std::vector<ForkedAnswer>& answers_;
};

} // namespace

double Move::largest(double nominal) const {
    double largest = 0;
    for (const auto& end : {at_low, at_high}) {
        if (end && std::abs(*end / nominal - 1) > std::abs(largest)) {
            largest = *end / nominal - 1;
        }
    }
    return largest;
}

SensitivityResult vary(const VariedRun& run, VariationPlan plan, const SearchPath& search,
                       const std::function<void(std::size_t done, std::size_t of)>& progress) {
    SensitivityResult result;
    result.plan = std::move(plan);
    std::vector<ForkedJob> jobs{[&] { return run_once(run, {}, true, search); }};
    for (const Variation& variation : result.plan.varied) {
        for (const std::string* end : {&variation.range.low, &variation.range.high}) {
            jobs.emplace_back([&run, &search, &variation, end] {
                return run_once(run, variation.overrides(*end), !variation.of_kernel, search);
            });
        }
    }
    result.runs = jobs.size();
    const auto answers = run_forked(jobs, run.parallel, [&](std::size_t, const ForkedAnswer& answer) {
        result.done += answer.error.empty();
        result.interrupted = result.interrupted || answer.interrupted;
        progress(result.done, result.runs);
    });
    if (!answers.front().error.empty()) {
        result.nominal_failure = answers.front().error;
        return result;
    }
    Collector(result, answers).collect();
    return result;
}

} // namespace sim
