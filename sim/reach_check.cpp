#include "sim/reach_check.h"

#include <algorithm>

#include <fmt/format.h>

#include "sim/address_plan.h"
#include "sim/leg_path.h"

namespace sim {

namespace {

constexpr std::size_t kEdgesMax = 200;    ///< of a part: a packet remembers its way back in one byte a hop
constexpr std::size_t kCrossingsMax = 16; ///< of a path, from end to end: of remote EGM there are two behind each other

void check_size(const Topology& topology, const Routing& routing, const AddressPlan& plan, Diagnostics& diagnostics) {
    for (const Part& part : topology.parts) {
        std::size_t edges = 0;
        for (const Link& link : topology.links) {
            edges += link.a == part.name || link.b == part.name;
        }
        for (const Part& other : topology.parts) {
            edges += other.at == part.name;
        }
        if (edges > kEdgesMax) {
            diagnostics.error(
                part.where,
                fmt::format("part {}: {} links and attached parts; the models hold {}", part.name, edges, kEdgesMax),
                "bundle links of the same ends with \"count\"");
        }
    }
    if (routing.longest() > kCrossingsMax) {
        diagnostics.error({topology.file, 0, 0},
                          fmt::format("a path of {} crossings; the models hold {}", routing.longest(), kCrossingsMax));
    }
    for (const auto& [cpu, dram] : plan.dram) {
        const bool into_hbm = std::any_of(plan.hbm.begin(), plan.hbm.end(), [&](const auto& hbm) {
            return dram.all.begin < hbm.second.end() && hbm.second.begin < dram.all.end();
        });
        const bool into_dram = std::any_of(plan.dram.begin(), plan.dram.end(), [&](const auto& other) {
            return other.first < cpu && dram.all.begin < other.second.all.end() &&
                   other.second.all.begin < dram.all.end();
        });
        if (into_hbm || into_dram) {
            diagnostics.error(
                topology.find(plan.dram_part.at(cpu))->where,
                fmt::format("memory {}: its addresses overlap other memory: a socket's DRAM has 4 TiB of room "
                            "less \"dram_base\", a GPU's memory 1 TiB, and each CPU needs a socket of its own",
                            plan.dram_part.at(cpu)));
        }
    }
}

} // namespace

void check_reach(const Scenario& scenario, Diagnostics& diagnostics) {
    const Routing routing(scenario.topology);
    check_size(scenario.topology, routing, plan_addresses(scenario.topology, scenario.software), diagnostics);
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
