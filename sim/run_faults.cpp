#include "sim/run_faults.h"

#include <fmt/format.h>

namespace sim {

std::vector<std::string> run_faults(const RunResult& result) {
    std::vector<std::string> lines;
    const std::string& file = result.scenario->file;
    if (result.bring_up_error) {
        lines.push_back(
            fmt::format("{}: error: bring-up failed: {}\n{}", file, result.bring_up_error->message(),
                        result.undone ? "Everything done until then was undone."
                                      : "Some of what was done until then could not be undone: a fault in the logic."));
    }
    for (const ViewCheck& check : result.views) {
        if (!check.agree) {
            lines.push_back(fmt::format("{}: error: region {} is corrupted: {} as {} sees it: {}", file, check.region,
                                        check.how, check.gpu, check.detail));
        }
    }
    for (const SettingResult& setting : result.settings) {
        const char* const where = setting.virtualized ? "in its VM" : "on bare metal";
        for (const GroupResult& group : setting.groups) {
            if (group.work && !group.work->times.fault.empty()) {
                lines.push_back(fmt::format("{}:{}:{}: error: work \"{}\" {}: {}", group.group->where.file,
                                            group.group->where.line, group.group->where.column, group.group->name,
                                            where, group.work->times.fault));
            }
            for (const StreamResult& stream : group.streams) {
                if (!stream.fault.empty()) {
                    lines.push_back(fmt::format("{}:{}:{}: error: stream \"{}\" {}: {}", stream.stream->where.file,
                                                stream.stream->where.line, stream.stream->where.column,
                                                stream.stream->name, where, stream.fault));
                }
            }
        }
    }
    return lines;
}

} // namespace sim
