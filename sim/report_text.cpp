#include "sim/report_text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <set>

#include "sim/phases_report.h"

#include "sim/error_bands.h"
#include "sim/nvbandwidth_report.h"
#include "sim/work_report.h"

namespace sim {

std::string in_size(std::uint64_t bytes) {
    constexpr std::array kUnits{"B", "KiB", "MiB", "GiB", "TiB"};
    double value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 1024 && unit + 1 < kUnits.size()) {
        value /= 1024;
        ++unit;
    }
    return fmt::format("{:.4g} {}", value, kUnits[unit]);
}

std::string in_rate(double bytes_per_second) {
    return bytes_per_second >= 1e12  ? fmt::format("{:.3f} TB/s", bytes_per_second / 1e12)
           : bytes_per_second >= 1e8 ? fmt::format("{:.1f} GB/s", bytes_per_second / 1e9)
                                     : fmt::format("{:.4f} GB/s", bytes_per_second / 1e9);
}

std::string in_time(double picoseconds) {
    constexpr std::array kUnits{"ps", "ns", "us", "ms", "s"};
    std::size_t unit = 0;
    while (picoseconds >= 1000 && unit + 1 < kUnits.size()) {
        picoseconds /= 1000;
        ++unit;
    }
    return fmt::format("{:.4g} {}", picoseconds, kUnits[unit]);
}

namespace {

std::string in_figure(const StreamResult& line) { return line.is_latency ? in_time(line.value) : in_rate(line.value); }

const char* mark(Grade grade) {
    switch (grade) {
    case Grade::kCalibrated:
        return "cal";
    case Grade::kComposed:
        return "comp";
    case Grade::kExtrapolated:
        return "extra";
    }
    return "";
}

/// "cal ±2.9 %": the grade, and how far figures of its class were off.
std::string trust(const StreamResult& line) {
    const auto band = error_band(line);
    if (!band) {
        return mark(line.grade);
    }
    return fmt::format("{} \u00b1{:.{}f} %", mark(line.grade), band->within * 100, band->within < 0.0995 ? 1 : 0);
}

std::string binding(const StreamResult& line) {
    const Binding& bound = line.binding;
    std::string text = fmt::format("{}, {:.0f} % of the {}", bound.resource, bound.share_of_time * 100,
                                   line.is_latency ? "latency" : "time");
    if (!line.is_latency && bound.widening_worth >= 0.005) {
        text += fmt::format("; twice as wide: +{:.0f} %", bound.widening_worth * 100);
        if (!bound.next.empty()) {
            text += ", then " + bound.next;
        }
    }
    return text;
}

/// How long accesses took, under this load.
std::string spread(const StreamResult& line) {
    const LatencySpread& spread = *line.latency_spread;
    return fmt::format("an access takes {}: p50 {}, p90 {}, p99 {}, max {}", in_time(line.access_latency),
                       in_time(spread.p50), in_time(spread.p90), in_time(spread.p99), in_time(spread.max));
}

/// What the fluid model and the static bound say beside the measured figure.
std::string comparison(const StreamResult& line) {
    const auto apart = [&](double value) { return fmt::format("{:+.1f} %", (value / line.value - 1) * 100); };
    StreamResult fluid = line;
    fluid.value = line.fluid->value;
    return fmt::format("fluid {} ({}), limited by {}; bound {}", in_figure(fluid), apart(line.fluid->value),
                       line.fluid->limit, apart(line.bound));
}

void bring_up(const RunResult& result, std::string& out) {
    if (result.steps.empty()) {
        return;
    }
    out += "\nBring-up (simulated time)\n";
    for (std::size_t i = 0; i < result.steps.size();) {
        const BringUpStep& step = result.steps[i];
        out += fmt::format("  {:<8} {:<24} {:<46} {:>12}\n", step.vm, step.step, step.object,
                           in_time(static_cast<double>(step.took)));
        ++i;
    }
    for (const VmReport& vm : result.vms) {
        out += fmt::format("  {:<8} ready after {}\n", vm.name, in_time(static_cast<double>(vm.bring_up_time)));
        for (const RegionReport& region : vm.regions) {
            std::string blocks;
            for (auto it = region.blocks.rbegin(); it != region.blocks.rend(); ++it) {
                blocks += fmt::format("{}{} x {}", blocks.empty() ? "" : " + ", it->second, in_size(it->first));
            }
            out += fmt::format("           {}{}: {} at guest {:#x}, stage-2 blocks {}\n", region.cpu,
                               region.pxm >= 0 ? ".egm" : ".system", in_size(region.size), region.ipa.value, blocks);
            if (!region.why_not_larger.empty()) {
                out += fmt::format("             no larger blocks: {}\n", region.why_not_larger);
            }
            out += fmt::format("             first touch of all of it: {} stage-2 faults, {}\n", region.stage2_faults,
                               in_time(static_cast<double>(region.first_touch)));
            if (region.pxm >= 0) {
                out += fmt::format("             lost: {} retired, {} to alignment, {} of the carveout not assigned\n",
                                   in_size(region.losses.retired),
                                   in_size(region.losses.alignment + region.losses.external),
                                   in_size(region.losses.unassigned));
            }
        }
        for (const std::string& note : vm.notes) {
            out += fmt::format("           note: {}\n", note);
        }
    }
    std::size_t agreeing = 0;
    for (const ViewCheck& check : result.views) {
        agreeing += check.agree;
        if (!check.agree) {
            out += fmt::format("  CORRUPTED {} as {} sees it by {}: {}\n", check.region, check.gpu, check.how,
                               check.detail);
        }
    }
    if (!result.views.empty()) {
        out += fmt::format("  views of CPU and GPU compared byte by byte: {} of {} agree\n", agreeing,
                           result.views.size());
    }
    out += "  Call times are assumed unless docs/timing.md names a source: take them as orders of magnitude.\n";
}

const GroupResult* partner(const RunResult& result, const StreamGroup* group, bool virtualized) {
    for (const SettingResult& setting : result.settings) {
        for (const GroupResult& candidate : setting.groups) {
            if (setting.virtualized == virtualized && candidate.group == group) {
                return &candidate;
            }
        }
    }
    return nullptr;
}

/// All streams of a group; of many, those that stand for the others, and the first of those with a fault.
std::vector<std::size_t> streams_told(const GroupResult& group) {
    constexpr std::size_t kMany = 24, kFaults = 8;
    std::vector<std::size_t> order(group.streams.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
        order[i] = i;
    }
    if (order.size() <= kMany) {
        return order;
    }
    std::vector<std::size_t> told, running;
    for (const std::size_t i : order) {
        if (group.streams[i].fault.empty()) {
            running.push_back(i);
        } else if (told.size() < kFaults) {
            told.push_back(i);
        }
    }
    if (!running.empty()) {
        std::stable_sort(running.begin(), running.end(),
                         [&](std::size_t a, std::size_t b) { return group.streams[a].value < group.streams[b].value; });
        const std::set<std::size_t> shown{running.front(), running[running.size() / 2], running.back()};
        told.insert(told.end(), shown.begin(), shown.end());
    }
    return told;
}

/// Whether a group's streams are rows of the table; other groups have reports of their own.
bool in_table(const StreamGroup& group) { return group.work == nullptr && group.nvbandwidth == nullptr; }

/// The columns of what was run: native, in a VM, and of both their ratio.
std::string columns(const RunResult& result, const std::string& native, const std::string& vm,
                    const std::string& ratio) {
    std::string text;
    for (const SettingResult& setting : result.settings) {
        text += fmt::format(" {:>12}", setting.virtualized ? vm : native);
    }
    return result.settings.size() == 2 ? fmt::format("{} {:>6}", text, ratio) : text;
}

void traffic(const RunResult& result, std::string& out) {
    out += fmt::format("\n{:<34}{} {:>12} {:>6} {:>8} {:>11}\n", "Traffic", columns(result, "native", "in VM", "ratio"),
                       "bound", "share", "95 % CI", "trust");
    std::set<Grade> grades;
    bool unsteady = false, banded = false;
    double farthest = 0;
    std::string farthest_name;
    std::set<std::string> reasons;
    for (const StreamGroup& group : result.scenario->groups) {
        const GroupResult* const native = partner(result, &group, false);
        const GroupResult* const vm = partner(result, &group, true);
        const GroupResult* const shown = native != nullptr ? native : vm;
        if (shown == nullptr || !in_table(group)) {
            continue;
        }
        if (group.streams.size() > 1) {
            out += fmt::format("{} (together)\n", group.name);
        }
        const std::vector<std::size_t> told = streams_told(*shown);
        if (told.size() < group.streams.size()) {
            out += fmt::format("  of {} streams the slowest, the middle and the fastest (all with --json)\n",
                               group.streams.size());
        }
        for (const std::size_t i : told) {
            const auto column = [&](const GroupResult* one) {
                return one == nullptr                   ? std::string("-")
                       : !one->streams[i].fault.empty() ? "fault"
                                                        : in_figure(one->streams[i]);
            };
            const StreamResult& line =
                vm != nullptr && vm->streams[i].fault.empty() ? vm->streams[i] : shown->streams[i];
            std::string ratio;
            if (native != nullptr && vm != nullptr && native->streams[i].value > 0 && vm->streams[i].value > 0) {
                ratio = fmt::format("{:.3f}", vm->streams[i].value / native->streams[i].value);
            }
            const std::string bound = line.is_latency ? in_time(line.bound) : in_rate(line.bound);
            out +=
                fmt::format("{:<34}{} {:>12} {:>4.0f} % {:>8} {:>11}\n",
                            (group.streams.size() > 1 ? "  " : "") + group.streams[i].name.substr(0, 32),
                            columns(result, column(native), column(vm), ratio), bound, line.share_of_bound() * 100,
                            result.measured() && line.value > 0
                                ? fmt::format("{:.2f} %{}", line.half_width / line.value * 100, line.steady ? "" : "!")
                                : "",
                            trust(line));
            for (const GroupResult* one : {native, vm}) {
                if (one != nullptr && !one->streams[i].fault.empty()) {
                    out += fmt::format("    {}: {}\n", one == vm ? "in VM" : "native", one->streams[i].fault);
                }
            }
            if (line.fault.empty()) {
                out += fmt::format("    limited by {}\n", binding(line));
                if (line.latency_spread) {
                    out += fmt::format("    {}\n", spread(line));
                }
                if (line.fluid && line.value > 0) {
                    out += fmt::format("    {}\n", comparison(line));
                    if (const double apart = line.fluid->value / line.value - 1; std::abs(apart) > std::abs(farthest)) {
                        farthest = apart;
                        farthest_name = line.stream->name;
                    }
                }
                grades.insert(line.grade);
                banded = banded || error_band(line);
                unsteady = unsteady || !line.steady;
            }
        }
        if (group.streams.size() > 1 && shown->total > 0) {
            out += fmt::format(
                "{:<34}{} {:>12} {:>4.0f} % {:>8}\n", "  sum",
                columns(result, native != nullptr ? in_rate(native->total) : "-",
                        vm != nullptr ? in_rate(vm->total) : "-",
                        native != nullptr && vm != nullptr ? fmt::format("{:.3f}", vm->total / native->total) : ""),
                in_rate(shown->total_bound), shown->total / shown->total_bound * 100,
                shown->total_half_width > 0 ? fmt::format("{:.2f} %", shown->total_half_width / shown->total * 100)
                                            : "");
            if (result.fidelity == Fidelity::kAll) {
                out += fmt::format("    fluid {} ({:+.1f} %)\n", in_rate(shown->total_fluid),
                                   (shown->total_fluid / shown->total - 1) * 100);
            }
        }
    }
    out += "\nbound: what the static model of the same machine allows; share: of that bound.\n";
    if (banded) {
        out += "\u00b1: nine of ten published figures of that class lie within (docs/accuracy.md).\n";
    }
    switch (result.fidelity) {
    case Fidelity::kTransaction:
        break;
    case Fidelity::kFluid:
        out += "fluid: max-min fair rates over what each stream costs; nothing waits in a queue, translations hit, and "
               "latencies are those of an idle machine (docs/fidelity.md).\n";
        break;
    case Fidelity::kBound:
        out += "bound: no prediction. Each stream as if alone; the sum is what they can reach together "
               "(docs/fidelity.md).\n";
        break;
    case Fidelity::kAll:
        out += fmt::format("fluid and bound beside it: their difference to the transaction level; the fluid model's "
                           "largest is {:+.1f} %{} (docs/fidelity.md).\n",
                           farthest * 100, farthest_name.empty() ? "" : ", of \"" + farthest_name + "\"");
        break;
    }
    if (unsteady) {
        out += "!: the confidence interval did not become as narrow as `measurement` asks for within its time.\n";
    }
    if (grades.count(Grade::kCalibrated) != 0) {
        out += "cal: fitted to published measurements of these parts, within 5 % (latency 10 %) where docs/timing.md "
               "shows it.\n";
    }
    if (grades.count(Grade::kComposed) != 0) {
        out += "comp: composed of calibrated or derived parts; not compared with a measurement of the whole.\n";
    }
    if (grades.count(Grade::kExtrapolated) != 0) {
        out += "extra: rests on figures that nobody has published:\n";
        for (const SettingResult& setting : result.settings) {
            for (const GroupResult& group : setting.groups) {
                for (const StreamResult& line : group.streams) {
                    if (line.grade == Grade::kExtrapolated) {
                        reasons.insert(line.reasons.begin(), line.reasons.end());
                    }
                }
            }
        }
        for (const std::string& reason : reasons) {
            out += "  - " + reason + "\n";
        }
    }
}

} // namespace

std::string text_report(const RunResult& result) {
    const Scenario& scenario = *result.scenario;
    std::string out = fmt::format(
        "{} on {} (seed {}{})\n", scenario.name, scenario.topology.name, scenario.seed,
        result.fidelity == Fidelity::kTransaction ? "" : std::string("; fidelity ") + to_string(result.fidelity));
    if (!scenario.description.empty()) {
        out += scenario.description + "\n";
    }
    bring_up(result, out);
    const auto& groups = scenario.groups;
    if (!result.settings.empty() && std::any_of(groups.begin(), groups.end(), in_table)) {
        traffic(result, out);
    }
    for (const SettingResult& setting : result.settings) {
        for (const GroupResult& group : setting.groups) {
            out += phases_text(group);
        }
    }
    out += nvbandwidth_text(result);
    out += work_text(result);
    if (result.interrupted) {
        out += "\nInterrupted: the figures above are what was known until then.\n";
    }
    return out;
}

} // namespace sim
