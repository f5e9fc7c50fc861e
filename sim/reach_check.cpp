#include "sim/reach_check.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "sim/address_plan.h"
#include "sim/channel_dependencies.h"
#include "sim/fabric_cuts.h"
#include "sim/fabric_windows.h"
#include "sim/fault_state.h"
#include "sim/leg_path.h"
#include "sim/units.h"
#include "sim/work.h"

namespace sim {

namespace {

constexpr std::size_t kEdgesMax = 200;    ///< of a part: a packet remembers its way back in one byte a hop
constexpr std::size_t kPortsMax = 256;    ///< of a switch, likewise; in a GPU's hub some numbers mean something else
constexpr std::size_t kCrossingsMax = 16; ///< of a path, from end to end: of remote EGM there are two behind each other

/// Reports memories of one node that lie over each other.
void check_overlaps(const Topology& topology, const AddressPlan& plan, Diagnostics& diagnostics) {
    struct Piece {
        std::string node;
        std::uint64_t begin, end;
        std::string memory;
    };
    std::vector<Piece> pieces;
    const auto add = [&](const std::string& memory, const egm::Range<egm::Spa>& range) {
        pieces.push_back({topology.find(memory)->node, range.begin.value, range.end().value, memory});
    };
    for (const auto& [cpu, dram] : plan.dram) {
        add(plan.dram_part.at(cpu), dram.all);
    }
    for (const auto& [gpu, hbm] : plan.hbm) {
        add(plan.hbm_part.at(gpu), hbm);
    }
    std::sort(pieces.begin(), pieces.end(),
              [](const Piece& a, const Piece& b) { return std::tie(a.node, a.begin) < std::tie(b.node, b.begin); });
    for (std::size_t i = 1; i < pieces.size(); ++i) {
        const Piece& before = pieces[i - 1];
        if (before.node == pieces[i].node && pieces[i].begin < before.end) {
            diagnostics.error(
                topology.find(before.memory)->where,
                fmt::format("memory {}: its addresses overlap those of {}: a socket's DRAM has 4 TiB of room less "
                            "\"dram_base\", a GPU's memory 1 TiB, and each CPU needs a socket of its own",
                            before.memory, pieces[i].memory));
        }
    }
}

std::string too_long(const Routing& routing) {
    return fmt::format("a path of {} crossings; the models hold {}", routing.longest(), kCrossingsMax);
}

void check_size(const Topology& topology, const Routing& routing, const AddressPlan& plan, Diagnostics& diagnostics) {
    for (std::size_t i = 0; i < topology.parts.size(); ++i) {
        const std::size_t edges = routing.graph().neighbours(i).size() + routing.graph().sitting_on(i).size();
        const Part& part = topology.parts[i];
        const std::size_t most = std::holds_alternative<models::SwitchSpec>(part.spec) ? kPortsMax : kEdgesMax;
        if (edges > most) {
            diagnostics.error(
                part.where,
                fmt::format("part {}: {} links and attached parts; the models hold {}", part.name, edges, most),
                "bundle links of the same ends with \"count\"");
        }
    }
    if (routing.longest() > kCrossingsMax) {
        diagnostics.error({topology.file, 0, 0}, too_long(routing));
    }
    check_overlaps(topology, plan, diagnostics);
    for (const std::string& misfit : plan_fabric_windows(topology, plan).misfits) {
        diagnostics.error({topology.file, 0, 0}, "fabric windows: " + misfit,
                          "docs/decisions/0010-fabric-windows.md has the rules");
    }
    report_cuts(topology, diagnostics);
}

std::string in_a_circle(const ChannelDependencies& found) {
    return fmt::format("routes can deadlock: {} wait for each other in a circle", fmt::join(found.cycle, ", "));
}

ChannelDependencies check_deadlock(const Topology& topology, const Routing& routing, Diagnostics& diagnostics) {
    ChannelDependencies result = channel_dependencies(topology, routing);
    if (!result.cycle.empty()) {
        diagnostics.error({topology.file, 0, 0}, "its " + in_a_circle(result),
                          "leave a link of the circle out, or add one that makes a way shorter");
    }
    return result;
}

/// The same of the routes that follow each event of `faults`.
void check_faults(const Scenario& scenario, Diagnostics& diagnostics) {
    for (const auto& [time, state] : fault_states(scenario.faults, scenario.topology)) {
        const Topology left = with_faults(scenario.topology, state);
        const Routing routing(left);
        const auto& faults = scenario.faults.faults;
        const auto event = std::find_if(faults.begin(), faults.end(), [&, at = time](const FabricFault& fault) {
            return fault.at == at || fault.until == at;
        });
        const std::string when = fmt::format("faults: from {} on, with {} {}, ", format_time(time), event->what,
                                             event->until == time ? "back"
                                             : event->lanes != 0  ? "narrower"
                                                                  : "down");
        if (const ChannelDependencies found = channel_dependencies(left, routing); !found.cycle.empty()) {
            diagnostics.error(event->where, when + "the " + in_a_circle(found),
                              "take another link down with it, or break the circle in the machine");
        }
        if (routing.longest() > kCrossingsMax) {
            diagnostics.error(event->where, when + too_long(routing));
        }
    }
}

} // namespace

/// False after a fault, which is reported: a memory of `stream` that it does not reach.
static bool check_ways(const Scenario& scenario, const Routing& routing, const Stream& stream,
                       Diagnostics& diagnostics) {
    for (const auto memories : {stream.sources(), stream.targets()}) {
        for (const MemoryName& memory : memories) {
            if (memory.kind == MemoryName::Kind::kNone) {
                continue;
            }
            const auto result = leg_path(scenario.topology, routing, stream, stream.initiator, stream.engine, memory);
            if (!result.path) {
                diagnostics.error(stream.where, fmt::format("stream \"{}\": {}", stream.name, result.why_not),
                                  "`egmsim show` lists the links of the machine");
                return false; // the other places of a spread may be hundreds
            }
        }
    }
    return true;
}

void check_reach(const Scenario& scenario, Diagnostics& diagnostics) {
    const Routing routing(scenario.topology);
    check_deadlock(scenario.topology, routing, diagnostics);
    check_faults(scenario, diagnostics);
    check_size(scenario.topology, routing, plan_addresses(scenario.topology, scenario.software), diagnostics);
    for (const StreamGroup& group : scenario.groups) {
        for (const Stream& stream : group.streams) {
            check_ways(scenario, routing, stream, diagnostics);
        }
        if (group.work != nullptr) {
            for (const Stream& path : group.work->graph.paths()) {
                if (!check_ways(scenario, routing, path, diagnostics)) {
                    break; // the others stand in the same line of the file
                }
            }
        }
    }
}

std::string judge_machine(const Topology& topology, Diagnostics& diagnostics) {
    const Routing routing(topology);
    check_size(topology, routing, plan_addresses(topology, {}), diagnostics);
    const ChannelDependencies found = check_deadlock(topology, routing, diagnostics);
    return fmt::format("  longest way: {} crossings\n"
                       "  deadlock: none, {} channels with {} dependencies and no cycle\n",
                       routing.longest(), found.channels, found.dependencies);
}

} // namespace sim
