#include "sim/reach_check.h"

#include <fmt/format.h>

#include "sim/leg_path.h"

namespace sim {

void check_reach(const Scenario& scenario, Diagnostics& diagnostics) {
    const Routing routing(scenario.topology);
    for (const StreamGroup& group : scenario.groups) {
        for (const Stream& stream : group.streams) {
            for (const MemoryName* memory : {&stream.source, &stream.target}) {
                if (memory->kind == MemoryName::Kind::kNone) {
                    continue;
                }
                const auto result =
                    leg_path(scenario.topology, routing, stream, stream.initiator, stream.engine, *memory);
                if (!result.path) {
                    diagnostics.error(stream.where, fmt::format("stream \"{}\": {}", stream.name, result.why_not),
                                      "`egmsim show` lists the links of the machine");
                }
            }
        }
    }
}

} // namespace sim
