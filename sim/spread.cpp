#include "sim/spread.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "sim/fields.h"
#include "sim/machine_names.h"
#include "sim/ranges.h"

namespace sim {
namespace {

using Kind = MemoryName::Kind;

/// All scalars of a node, so that equal nodes have equal texts.
void write_out(const YamlNode& node, std::string& text) {
    text += node.text + '\n';
    for (const YamlNode& item : node.items) {
        write_out(item, text);
    }
    for (const YamlEntry& entry : node.entries) {
        text += entry.key + ':';
        write_out(entry.value, text);
    }
}

bool is_own(const MemoryName& memory, const Part& initiator) {
    return memory.part == (memory.kind == Kind::kHbm ? initiator.name : initiator.cpu);
}

/// What stands behind `spread`: one name, perhaps with ranges, or a list of them.
void read_memories(const YamlNode& list, const std::string& what, const Topology* topology, Spread& spread,
                   Diagnostics& diagnostics) {
    const std::vector<YamlNode> names = list.is_sequence() ? list.items : std::vector<YamlNode>{list};
    if (list.is_map() || names.empty()) {
        diagnostics.error(list.where, what + ": spread is no list of memories", "write \"spread: [a.egm, b.egm]\"");
        return;
    }
    const std::size_t errors = diagnostics.errors();
    std::set<std::pair<Kind, std::string>> seen;
    for (const YamlNode& name : names) {
        if (!name.is_scalar()) {
            diagnostics.error(name.where, what + ": spread: an entry names no memory", "write \"grace[0..35].egm\"");
            continue;
        }
        spread.text += (spread.text.empty() ? "" : " + ") + name.text;
        for (const RangeName& one : expand_ranges(name.text, name.where, diagnostics)) {
            const auto memory =
                read_memory_name(make_scalar(one.name, name.where), what + ": spread", topology, diagnostics);
            if (!memory) {
                break; // the others of the range would say the same
            }
            if (!seen.insert({memory->kind, memory->part}).second) {
                diagnostics.error(name.where, fmt::format("{}: spread: {} is there twice", what, in_quotes(one.name)));
                break;
            }
            spread.memories.push_back(*memory);
        }
    }
    if (diagnostics.errors() != errors) {
        spread.memories.clear();
    }
}

} // namespace

bool is_spread(const YamlNode& node) { return node.is_map(); }

const Spread& SpreadReader::read(const YamlNode& node, const std::string& what, const Topology* topology,
                                 Diagnostics& diagnostics) {
    std::string text;
    write_out(node, text);
    const auto [known, fresh] = known_.try_emplace(std::move(text));
    Spread& spread = known->second;
    if (fresh) {
        Fields fields(node, what, diagnostics);
        if (const YamlNode* list = fields.node("spread")) {
            read_memories(*list, what, topology, spread, diagnostics);
        }
        fields.boolean("own", spread.own);
        fields.choice("windows", spread.all_windows, {{"first", false}, {"all", true}});
        fields.require({"spread"}, "say over what, \"{spread: [grace0.egm, grace1.egm]}\"");
        fields.finish();
    }
    return spread;
}

std::vector<MemoryName> places_of(const Spread& spread, const std::string& initiator, const Topology& topology) {
    const std::size_t count = spread.memories.size();
    if (count == 0) {
        return {};
    }
    const std::size_t index = *topology.index_of(initiator);
    const Part& part = topology.parts[index];
    std::size_t first = index % count;
    for (std::size_t i = 0; i < count; ++i) {
        if (is_own(spread.memories[i], part)) {
            first = (i + 1) % count;
        }
    }
    const auto gpus_of = [&](const std::string& cpu) -> const std::vector<std::size_t>& {
        static const std::vector<std::size_t> kNone;
        const auto found = topology.gpus.find(cpu);
        return found == topology.gpus.end() ? kNone : found->second;
    };
    const auto& siblings = gpus_of(part.cpu);
    const auto self = std::find(siblings.begin(), siblings.end(), index);
    const std::size_t offset = self == siblings.end() ? 0 : static_cast<std::size_t>(self - siblings.begin());
    std::size_t rounds = 1;
    for (const MemoryName& memory : spread.memories) {
        if (spread.all_windows && memory.kind == Kind::kEgm) {
            rounds = std::max(rounds, gpus_of(memory.part).size());
        }
    }
    std::vector<MemoryName> places;
    places.reserve(rounds * count);
    for (std::size_t round = 0; round < rounds; ++round) {
        for (std::size_t i = 0; i < count; ++i) {
            MemoryName memory = spread.memories[(first + i) % count];
            const bool own = is_own(memory, part);
            if (own && !spread.own) {
                continue;
            }
            const auto& windows = gpus_of(memory.part);
            if (spread.all_windows && memory.kind == Kind::kEgm && !own && !windows.empty()) {
                memory.via = topology.parts[windows[(round + offset) % windows.size()]].name;
            }
            places.push_back(std::move(memory));
        }
    }
    return places;
}

} // namespace sim
