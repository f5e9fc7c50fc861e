#include <algorithm>
#include <map>

#include "sim/nvbandwidth_report.h"

namespace sim {
namespace {

class Collector {
public:
    Collector(const SettingResult& setting, NvbandwidthResult& into) : into_(into) {
        for (const GroupResult& group : setting.groups) {
            of_[group.group] = &group;
        }
    }

    void collect(const std::vector<const StreamGroup*>& groups) {
        for (const NvbandwidthCase::Matrix& matrix : into_.test_case->matrices) {
            NvbandwidthResult::Matrix values{&matrix, {}, 0};
            for (const auto& cell : matrix.cells) {
                values.values.push_back(cell ? figure(*cell, *groups[cell->group]) : std::nullopt);
                values.sum += values.values.back().value_or(0);
            }
            into_.matrices.push_back(std::move(values));
        }
        const bool first_only = into_.test_case->matrices.size() > 1; // the same cells, in parts
        for (const NvbandwidthCase::Matrix& matrix : into_.test_case->matrices) {
            for (const auto& cell : matrix.cells) {
                if (cell) {
                    judge(*cell, *groups[cell->group]);
                }
            }
            if (first_only) {
                break;
            }
        }
        std::stable_sort(into_.limits.begin(), into_.limits.end(),
                         [](const auto& a, const auto& b) { return a.second > b.second; });
    }

private:
    std::optional<double> figure(const NvbandwidthCase::Cell& cell, const StreamGroup& group) {
        const auto found = of_.find(&group);
        if (found == of_.end()) {
            into_.fault = "interrupted";
            return std::nullopt;
        }
        if (cell.bytes != 0) {
            return figure_of_work(cell, *found->second->work);
        }
        double sum = 0;
        for (const std::size_t index : cell.streams) {
            const StreamResult& line = found->second->streams[index];
            if (!line.fault.empty()) {
                into_.fault = line.fault;
                return std::nullopt;
            }
            sum += line.is_latency ? line.value / 1e3 : line.value / 1e9;
        }
        return sum;
    }

    /// Bytes of the cell over the time of its own figure; without times of nodes, over that of the whole.
    std::optional<double> figure_of_work(const NvbandwidthCase::Cell& cell, const WorkResult& work) {
        if (!work.times.fault.empty()) {
            into_.fault = work.times.fault;
            return std::nullopt;
        }
        const double ns = cell.figure < work.values.size() ? work.values[cell.figure].value
                                                           : static_cast<double>(work.times.finish) / 1e3;
        return ns > 0 ? std::optional(static_cast<double>(cell.bytes) / ns) : std::nullopt;
    }

    void judge(const NvbandwidthCase::Cell& cell, const StreamGroup& group) {
        const auto found = of_.find(&group);
        if (found == of_.end() || !into_.fault.empty()) {
            return;
        }
        const GroupResult& result = *found->second;
        if (result.work) {
            note(result.work->binding.resource, result.work->share_of_bound());
            note(result.work->grade, result.work->reasons);
            return;
        }
        const StreamResult& line = result.streams[cell.streams.front()];
        note(line.binding.resource, result.streams.size() == 1 ? line.share_of_bound()
                                    : result.total_bound > 0   ? result.total / result.total_bound
                                                               : 0);
        for (const std::size_t index : cell.streams) {
            into_.steady = into_.steady && result.streams[index].steady;
            note(result.streams[index].grade, result.streams[index].reasons);
        }
    }

    void note(const std::string& resource, double share) {
        const auto limit = std::find_if(into_.limits.begin(), into_.limits.end(),
                                        [&](const auto& seen) { return seen.first == resource; });
        if (limit == into_.limits.end()) {
            into_.limits.emplace_back(resource, 1);
        } else {
            ++limit->second;
        }
        into_.share_of_bound_min = std::min(into_.share_of_bound_min, share);
        into_.share_of_bound_max = std::max(into_.share_of_bound_max, share);
    }

    void note(Grade grade, const std::vector<std::string>& reasons) {
        into_.grade = std::max(into_.grade, grade);
        for (const std::string& reason : reasons) {
            if (std::find(into_.reasons.begin(), into_.reasons.end(), reason) == into_.reasons.end()) {
                into_.reasons.push_back(reason);
            }
        }
    }

    NvbandwidthResult& into_;
    std::map<const StreamGroup*, const GroupResult*> of_;
};

} // namespace

std::vector<NvbandwidthResult> nvbandwidth_results(const RunResult& result) {
    std::vector<NvbandwidthResult> results;
    const std::vector<StreamGroup>& groups = result.scenario->groups;
    for (const SettingResult& setting : result.settings) {
        for (std::size_t i = 0; i < groups.size();) {
            const NvbandwidthCase* const test_case = groups[i].nvbandwidth.get();
            std::vector<const StreamGroup*> mine;
            do {
                mine.push_back(&groups[i++]);
            } while (test_case != nullptr && i < groups.size() && groups[i].nvbandwidth.get() == test_case);
            if (test_case == nullptr) {
                continue;
            }
            NvbandwidthResult one;
            one.test_case = test_case;
            one.virtualized = setting.virtualized;
            if (test_case->waived.empty()) {
                Collector(setting, one).collect(mine);
            }
            results.push_back(std::move(one));
        }
    }
    return results;
}

} // namespace sim
