#include "sim/nvbandwidth_report.h"

#include <algorithm>
#include <fmt/format.h>

#include "sim/report_text.h"

namespace sim {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLimitsShown = 2;

const char* status(const NvbandwidthResult& result) {
    return !result.test_case->waived.empty() ? "Waived" : result.fault.empty() ? "Passed" : "Error";
}

void print_matrix(const NvbandwidthResult::Matrix& matrix, std::string& out) {
    const int label = matrix.of->rows > 100 ? 3 : 2;
    out += matrix.of->description + "\n" + std::string(static_cast<std::size_t>(label), ' ');
    for (std::size_t column = 0; column < matrix.of->columns; ++column) {
        out += fmt::format("{:>10}", column);
    }
    out += "\n";
    for (std::size_t row = 0; row < matrix.of->rows; ++row) {
        out += fmt::format("{:>{}}", row, label);
        for (std::size_t column = 0; column < matrix.of->columns; ++column) {
            const auto& value = matrix.values[row * matrix.of->columns + column];
            out += value ? fmt::format("{:>10.2f}", *value) : fmt::format("{:>10}", "N/A");
        }
        out += "\n";
    }
    out += fmt::format("\nSUM {} {:.2f}\n", matrix.of->name, matrix.sum);
}

/// What limits it, against its bound, how far to trust it, and how many of its cells were run.
std::string judgement(const NvbandwidthResult& result) {
    std::string text = "  limited by ";
    std::size_t shown = 0;
    for (const auto& [resource, cells] : result.limits) {
        if (shown++ < kLimitsShown) {
            text += fmt::format("{}{}", shown == 1 ? "" : ", ", resource);
        }
    }
    if (result.limits.size() > kLimitsShown) {
        text += fmt::format(" and {} more", result.limits.size() - kLimitsShown);
    }
    const double low = result.share_of_bound_min * 100, high = result.share_of_bound_max * 100;
    text += high - low < 0.5 ? fmt::format("; {:.0f} % of the bound", high)
                             : fmt::format("; {:.0f} to {:.0f} % of the bound", low, high);
    text += fmt::format("; {}{}\n", to_string(result.grade), result.steady ? "" : "; not steady (!)");
    if (const NvbandwidthCase& one = *result.test_case; one.shared) {
        text += fmt::format("  {} cells from {} run{}: the others are alike (\"pairs: all\" runs them too)\n",
                            one.cells, one.groups, one.groups == 1 ? "" : "s");
    }
    return text;
}

void print_devices(const std::vector<std::string>& gpus, std::string& out) {
    for (std::size_t i = 0; i < gpus.size(); ++i) {
        out += fmt::format("Device {}: {}\n", i, gpus[i]);
    }
}

} // namespace

std::string nvbandwidth_text(const RunResult& result) {
    std::string out;
    const std::vector<std::string>* devices = nullptr;
    std::optional<bool> setting;
    std::vector<std::string> reasons;
    for (const NvbandwidthResult& one : nvbandwidth_results(result)) {
        if (setting != one.virtualized) {
            out += fmt::format("\nnvbandwidth, {}\n", one.virtualized ? "in VM" : "native");
            setting = one.virtualized;
            devices = nullptr;
        }
        if (devices == nullptr || *devices != one.test_case->gpus) {
            devices = &one.test_case->gpus;
            print_devices(*devices, out);
        }
        out += fmt::format("\nRunning {}.\n", one.test_case->test->name);
        if (!one.test_case->waived.empty()) {
            out += fmt::format("Waived: {}\n", one.test_case->waived);
            continue;
        }
        for (const NvbandwidthResult::Matrix& matrix : one.matrices) {
            print_matrix(matrix, out);
        }
        out += one.fault.empty() ? judgement(one) : fmt::format("Error: {}\n", one.fault);
        if (one.grade == Grade::kExtrapolated) {
            reasons.insert(reasons.end(), one.reasons.begin(), one.reasons.end());
        }
    }
    std::sort(reasons.begin(), reasons.end());
    reasons.erase(std::unique(reasons.begin(), reasons.end()), reasons.end());
    if (setting && !result.measured()) {
        out += fmt::format("\nfidelity {}: nothing was measured (docs/fidelity.md)\n", to_string(result.fidelity));
    }
    if (!reasons.empty()) {
        out += "\nextrapolated: rests on figures that nobody has published:\n";
        for (const std::string& reason : reasons) {
            out += "  - " + reason + "\n";
        }
    }
    return out;
}

Json nvbandwidth_json(const RunResult& result) {
    Json list = Json::array();
    for (const NvbandwidthResult& one : nvbandwidth_results(result)) {
        const NvbandwidthCase& test_case = *one.test_case;
        Json entry;
        entry["setting"] = one.virtualized ? "vm" : "native";
        entry["name"] = test_case.test->name;
        entry["status"] = status(one);
        entry["reason"] = !test_case.waived.empty() ? test_case.waived : one.fault;
        entry["gpus"] = test_case.gpus;
        entry["unit"] = test_case.is_latency() ? "ns" : "GB/s";
        entry["matrices"] = Json::array();
        for (const NvbandwidthResult::Matrix& matrix : one.matrices) {
            Json values = Json::array();
            for (std::size_t row = 0; row < matrix.of->rows; ++row) {
                Json line = Json::array();
                for (std::size_t column = 0; column < matrix.of->columns; ++column) {
                    const auto& value = matrix.values[row * matrix.of->columns + column];
                    line.push_back(value ? Json(*value) : Json());
                }
                values.push_back(std::move(line));
            }
            entry["matrices"].push_back({{"name", matrix.of->name},
                                         {"description", matrix.of->description},
                                         {"values", std::move(values)},
                                         {"sum", matrix.sum}});
        }
        if (test_case.waived.empty() && one.fault.empty()) {
            entry["cells"] = test_case.cells;
            entry["runs"] = test_case.groups;
            entry["limited_by"] = Json::array();
            for (const auto& [resource, cells] : one.limits) {
                entry["limited_by"].push_back({{"resource", resource}, {"cells", cells}});
            }
            entry["share_of_bound"] = {{"min", one.share_of_bound_min}, {"max", one.share_of_bound_max}};
            entry["steady"] = one.steady;
            entry["trust"] = to_string(one.grade);
            entry["trust_reasons"] = one.reasons;
        }
        list.push_back(std::move(entry));
    }
    return list;
}

std::string nvbandwidth_tool_json(const RunResult& result) {
    const std::vector<NvbandwidthResult> results = nvbandwidth_results(result);
    const bool in_vms =
        std::any_of(results.begin(), results.end(), [](const NvbandwidthResult& one) { return one.virtualized; });
    nlohmann::json tool; // keys in alphabetical order, as the tool has them
    tool["version"] = "0.8";
    tool["git_version"] = "egmsim";
    tool["CUDA Runtime Version"] = 0;
    tool["Driver Version"] = "simulated";
    tool["testcases"] = nlohmann::json::array();
    std::vector<std::string> devices;
    for (const NvbandwidthResult& one : results) {
        if (one.virtualized != in_vms) {
            continue;
        }
        if (one.test_case->gpus.size() > devices.size()) {
            devices = one.test_case->gpus;
        }
        nlohmann::json entry{{"name", one.test_case->test->name}, {"status", status(one)}};
        if (!one.fault.empty()) {
            entry["error"] = one.fault;
        }
        for (const NvbandwidthResult::Matrix& matrix : one.matrices) {
            // Of a test with several matrices the tool appends the rows of all, and keeps the last one's sum.
            for (std::size_t row = 0; row < matrix.of->rows; ++row) {
                nlohmann::json line = nlohmann::json::array();
                for (std::size_t column = 0; column < matrix.of->columns; ++column) {
                    const auto& value = matrix.values[row * matrix.of->columns + column];
                    line.push_back(value ? fmt::format("{:g}", *value) : "N/A");
                }
                entry["bandwidth_matrix"].push_back(std::move(line));
            }
            entry["bandwidth_description"] = matrix.of->description;
            entry["sum"] = matrix.sum;
        }
        tool["testcases"].push_back(std::move(entry));
    }
    tool["GPU Device list"] = nlohmann::json::array();
    for (std::size_t i = 0; i < devices.size(); ++i) {
        tool["GPU Device list"].push_back(fmt::format("{}: {}: ({})", i, devices[i], result.scenario->topology.name));
    }
    return nlohmann::json{{"nvbandwidth", std::move(tool)}}.dump(2) + "\n";
}

} // namespace sim
