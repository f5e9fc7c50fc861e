#include "sim/fault_plan_loader.h"

#include <algorithm>

#include <fmt/format.h>

#include "sim/fields.h"
#include "sim/ranges.h"
#include "sim/suggest.h"

namespace sim {
namespace {

constexpr models::Picoseconds kMicrosecond = 1'000'000, kMillisecond = 1'000'000'000;
constexpr models::Picoseconds kEarliest = 20 * kMicrosecond; ///< streams have come into their stride by then

/// The parts and links of the NVLink fabric that a name, perhaps with ranges, stands for.
void find(const YamlNode& name, const Topology& topology, FabricFault& fault, const std::string& what,
          Diagnostics& diagnostics) {
    for (const RangeName& one : expand_ranges(name.text, name.where, diagnostics)) {
        const auto link = std::find_if(topology.links.begin(), topology.links.end(),
                                       [&](const Link& candidate) { return candidate.name == one.name; });
        if (link != topology.links.end()) {
            if (link->kind != LinkKind::kNvlink) {
                diagnostics.error(name.where, fmt::format("{}: {} is no NVLink", what, in_quotes(one.name)),
                                  "only links and switches of the NVLink fabric break here");
                return;
            }
            fault.links.push_back(static_cast<std::size_t>(link - topology.links.begin()));
            continue;
        }
        const auto part = topology.index_of(one.name);
        const std::size_t links_before = fault.links.size();
        if (part && std::holds_alternative<models::SwitchSpec>(topology.parts[*part].spec)) {
            fault.parts.push_back(*part);
            for (std::size_t i = 0; i < topology.links.size(); ++i) {
                if (topology.links[i].kind == LinkKind::kNvlink &&
                    (topology.links[i].a == one.name || topology.links[i].b == one.name)) {
                    fault.links.push_back(i);
                }
            }
        }
        if (fault.links.size() == links_before) {
            std::vector<std::string> known;
            for (const Link& candidate : topology.links) {
                if (candidate.kind == LinkKind::kNvlink) {
                    known.push_back(candidate.name);
                }
            }
            diagnostics.error(
                name.where,
                fmt::format("{}: {} is no NVLink and no NVSwitch of this machine", what, in_quotes(one.name)),
                suggest(one.name, known));
            return;
        }
    }
}

FabricFault read_fault(const YamlNode& node, const std::string& what, const Topology* topology,
                       Diagnostics& diagnostics) {
    FabricFault fault;
    fault.where = node.where;
    Fields fields(node, what, diagnostics);
    const YamlNode* down = fields.node("down");
    const YamlNode* lanes = fields.node("lanes");
    if ((down == nullptr) == (lanes == nullptr)) {
        diagnostics.error(node.where, what + ": names not one thing that breaks",
                          "write \"down: nvl0-3\", or \"lanes: nvl0-3\" with \"lost: 1\"");
    }
    if (const YamlNode* name = down != nullptr ? down : lanes) {
        if (!name->is_scalar()) {
            diagnostics.error(name->where, what + " names no link or switch");
        } else {
            fault.what = name->text;
            if (topology != nullptr) {
                find(*name, *topology, fault, what, diagnostics);
            }
        }
    }
    if (lanes != nullptr) {
        fields.count("lost", fault.lanes);
        fields.require({"lost"}, "say how many links of the bundle are lost");
        for (const std::size_t link : fault.links) {
            if (topology != nullptr && fault.lanes >= topology->links[link].spec.count) {
                fields.error("lost",
                             fmt::format("{} is all of the {} links of {}", fault.lanes,
                                         topology->links[link].spec.count, topology->links[link].name),
                             "write \"down\" for all of them");
                break;
            }
        }
    }
    fields.time("at", fault.at, {.min = kEarliest, .max = 1000 * kMillisecond, .likely = "us"});
    fields.time("until", fault.until, {.min = kEarliest, .max = 1000 * kMillisecond, .likely = "us"});
    fields.require({"at"}, "say when, after the group's start, \"at: 50 us\"");
    fields.finish();
    if (fault.until != 0 && fault.until <= fault.at) {
        fields.error("until", "is not after \"at\"");
    }
    return fault;
}

} // namespace

FaultPlan read_fault_plan(const YamlNode& node, const Topology* topology, Diagnostics& diagnostics) {
    FaultPlan plan;
    Fields fields(node, "faults", diagnostics);
    fields.time("detection", plan.detection, {.min = kMicrosecond, .max = 10 * kMillisecond, .likely = "us"});
    fields.time("retry", plan.retry, {.min = kMicrosecond, .max = kMillisecond, .likely = "us"});
    const YamlNode* events = fields.node("events");
    fields.require({"events"}, "list what breaks");
    fields.finish();
    if (events != nullptr && (!events->is_sequence() || events->items.empty())) {
        fields.error("events", "is no list", "begin each entry with \"- \"");
        return plan;
    }
    for (std::size_t i = 0; events != nullptr && i < events->items.size(); ++i) {
        plan.faults.push_back(read_fault(events->items[i], fmt::format("faults: event {}", i), topology, diagnostics));
    }
    return plan;
}

} // namespace sim
