#include "sim/phases_report.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/report_text.h"

namespace sim {

std::string phases_text(const GroupResult& group) {
    std::string out;
    if (group.phases.empty()) {
        return out;
    }
    out += fmt::format("\n{:<34} {:>10} {:>10} {:>12} {:>8}\n", "Over time: " + group.group->name, "from", "to", "sum",
                       "lost");
    for (const Phase& phase : group.phases) {
        out +=
            fmt::format("  {:<32} {:>10} {:>10} {:>12} {:>8}\n", phase.what, in_time(static_cast<double>(phase.begin)),
                        in_time(static_cast<double>(phase.end)), in_rate(phase.total), phase.lost);
    }
    out += "lost: packets that met a dead link; their initiators sent them again (docs/faults.md).\n";
    return out;
}

nlohmann::ordered_json phases_json(const GroupResult& group) {
    auto list = nlohmann::ordered_json::array();
    for (const Phase& phase : group.phases) {
        nlohmann::ordered_json entry;
        entry["what"] = phase.what;
        entry["begin_ns"] = static_cast<double>(phase.begin) / 1e3;
        entry["end_ns"] = static_cast<double>(phase.end) / 1e3;
        entry["total_GB_per_s"] = phase.total / 1e9;
        entry["lost_packets"] = phase.lost;
        entry["streams_GB_per_s"] = nlohmann::ordered_json::array();
        for (const double rate : phase.streams) {
            entry["streams_GB_per_s"].push_back(rate / 1e9);
        }
        list.push_back(std::move(entry));
    }
    return list;
}

} // namespace sim
