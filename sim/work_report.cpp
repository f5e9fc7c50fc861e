#include "sim/work_report.h"

#include <array>
#include <set>

#include <fmt/format.h>

#include "sim/report_text.h"

namespace sim {

namespace {

constexpr double kPicosecondsPerNanosecond = 1e3;

/// "    at 50 us nvl0-3 down; at 60 us routes follow; lost and sent again: 17 packets, 68 KiB"; empty if nothing broke.
std::string faults_text(const WorkFaults& faults) {
    if (faults.events.empty()) {
        return {};
    }
    std::string events;
    for (const WorkFaults::Event& event : faults.events) {
        events +=
            fmt::format("{}at {} {}", events.empty() ? "" : "; ", in_time(static_cast<double>(event.time)), event.what);
    }
    return fmt::format("    {}; lost and sent again: {} packets, {}\n", events, faults.lost.packets,
                       in_size(faults.lost.bytes));
}

std::string line_of(const Work& work, const WorkResult& result, bool virtualized, bool both) {
    const std::string setting = both ? (virtualized ? "  in VM" : "  native") : "";
    if (!result.times.fault.empty()) {
        return fmt::format("  {}{}\n", setting.empty() ? "fault: " : setting + ": fault: ", result.times.fault) +
               faults_text(result.times.faults);
    }
    std::string text = fmt::format("{:<22} {:>14} {:>12} {:>12} {:>14} {:>4.0f} % {:>6}\n", setting,
                                   in_exact_time(static_cast<double>(result.times.finish)), in_rate(result.algbw(work)),
                                   work.bus_factor > 0 ? in_rate(result.busbw(work)) : "",
                                   in_exact_time(result.bound_ps), result.share_of_bound() * 100,
                                   result.grade == Grade::kCalibrated ? "cal"
                                   : result.grade == Grade::kComposed ? "comp"
                                                                      : "extra");
    const Binding& binding = result.binding;
    text += fmt::format("    limited by {}, {:.0f} % of the time{}\n", binding.resource, binding.share_of_time * 100,
                        binding.next.empty() ? "" : "; busiest: " + binding.next);
    text += faults_text(result.times.faults);
    for (const WorkValue& value : result.values) {
        text += fmt::format("    {}: {}\n", value.name,
                            value.unit == "ns"  ? in_time(value.value * kPicosecondsPerNanosecond)
                            : value.unit == "%" ? fmt::format("{:.1f} % of the time", value.value)
                                                : fmt::format("{:.6g} {}", value.value, value.unit));
    }
    if (result.fluid_ps) {
        const auto fluid = static_cast<double>(*result.fluid_ps);
        text += fmt::format("    fluid {} ({:+.2f} %); bound {:+.2f} %{}\n", in_exact_time(fluid),
                            (fluid / static_cast<double>(result.times.finish) - 1) * 100,
                            (result.bound_ps / static_cast<double>(result.times.finish) - 1) * 100,
                            result.times.faults.events.empty() ? "" : "; both without the faults");
    }
    return text;
}

} // namespace

std::string in_exact_time(double picoseconds) {
    constexpr std::array kUnits{"ps", "ns", "us", "ms", "s"};
    std::size_t unit = 0;
    while (picoseconds >= 1000 && unit + 1 < kUnits.size()) {
        picoseconds /= 1000;
        ++unit;
    }
    return fmt::format("{:#.6g} {}", picoseconds, kUnits[unit]);
}

std::string work_text(const RunResult& result) {
    std::string out;
    std::set<std::string> reasons;
    const bool both = result.settings.size() == 2;
    for (const StreamGroup& group : result.scenario->groups) {
        if (group.work == nullptr || group.nvbandwidth != nullptr) {
            continue;
        }
        if (out.empty()) {
            out = fmt::format("\n{:<22} {:>14} {:>12} {:>12} {:>14} {:>6} {:>6}\n", "Work", "finish", "algbw", "busbw",
                              "bound", "share", "trust");
        }
        out += fmt::format("{}: {}\n", group.name, group.work->what);
        for (const SettingResult& setting : result.settings) {
            for (const GroupResult& one : setting.groups) {
                if (one.group == &group && one.work) {
                    out += line_of(*group.work, *one.work, setting.virtualized, both);
                    if (one.work->grade == Grade::kExtrapolated) {
                        reasons.insert(one.work->reasons.begin(), one.work->reasons.end());
                    }
                }
            }
        }
    }
    if (!out.empty()) {
        out +=
            "\nfinish: when the last byte has arrived; algbw: size / finish; busbw: as nccl-tests counts it; bound: no "
            "run can be over sooner.\n";
        if (!result.measured()) {
            out += fmt::format("fidelity {}: no burst was run (docs/fidelity.md)\n", to_string(result.fidelity));
        }
        if (!reasons.empty()) {
            out += "extra: rests on figures that nobody has published:\n";
            for (const std::string& reason : reasons) {
                out += "  - " + reason + "\n";
            }
        }
    }
    return out;
}

nlohmann::ordered_json work_json(const Work& work, const WorkResult& result) {
    nlohmann::ordered_json json;
    const auto nanoseconds = [](double picoseconds) { return picoseconds / kPicosecondsPerNanosecond; };
    json["what"] = work.what;
    if (const WorkFaults& faults = result.times.faults; !faults.events.empty()) {
        json["events"] = nlohmann::ordered_json::array();
        for (const WorkFaults::Event& event : faults.events) {
            json["events"].push_back({{"at_ns", nanoseconds(static_cast<double>(event.time))}, {"what", event.what}});
        }
        json["lost_packets"] = faults.lost.packets;
        json["lost_bytes"] = faults.lost.bytes;
    }
    if (!result.times.fault.empty()) {
        json["fault"] = result.times.fault;
        return json;
    }
    json["finish_ns"] = nanoseconds(static_cast<double>(result.times.finish));
    json["bound_ns"] = nanoseconds(result.bound_ps);
    json["share_of_bound"] = result.share_of_bound();
    if (result.fluid_ps) {
        json["fluid_ns"] = nanoseconds(static_cast<double>(*result.fluid_ps));
    }
    json["size_bytes"] = work.size_bytes != 0 ? work.size_bytes : result.bytes;
    json["moved_bytes"] = result.bytes;
    json["algbw_GB_per_s"] = result.algbw(work) / 1e9;
    if (work.bus_factor > 0) {
        json["busbw_GB_per_s"] = result.busbw(work) / 1e9;
    }
    if (!result.values.empty()) {
        json["figures"] = nlohmann::ordered_json::array();
        for (const WorkValue& value : result.values) {
            json["figures"].push_back({{"name", value.name}, {"value", value.value}, {"unit", value.unit}});
        }
    }
    json["binding"] = {{"resource", result.binding.resource}, {"share_of_time", result.binding.share_of_time}};
    json["trust"] = to_string(result.grade);
    json["trust_reasons"] = result.reasons;
    json["parts"] = work.graph.nodes().size();
    if (work.graph.nodes().size() <= kNodesListed && !result.times.over.empty()) {
        json["times"] = nlohmann::ordered_json::array();
        for (WorkGraph::Index i = 0; i < work.graph.nodes().size(); ++i) {
            json["times"].push_back({{"name", work.graph.name(i)},
                                     {"began_ns", nanoseconds(static_cast<double>(result.times.began[i]))},
                                     {"over_ns", nanoseconds(static_cast<double>(result.times.over[i]))}});
        }
    }
    return json;
}

} // namespace sim
