#include "sim/validate/systems.h"

#include <algorithm>

#include <fmt/format.h>

#include "sim/fields.h"
#include "sim/shipped_topologies.h"
#include "sim/validate/operation_words.h"

namespace sim::validate {
namespace {

void read_settings(Fields& fields, const std::string& key, Settings& into, Diagnostics& diagnostics) {
    const YamlNode* node = fields.node(key);
    if (node == nullptr) {
        return;
    }
    for (const YamlEntry& entry : node->entries) {
        if (!entry.value.is_scalar()) {
            diagnostics.error(entry.where, fmt::format("{}: {} is no plain value", key, entry.key));
            continue;
        }
        const auto same = [&](const auto& each) { return each.first == entry.key; };
        if (const auto old = std::find_if(into.begin(), into.end(), same); old != into.end()) {
            old->second = entry.value.text;
        } else {
            into.emplace_back(entry.key, entry.value.text);
        }
    }
    if (!node->is_map()) {
        fields.error(key, "is no map");
    }
}

/// Reads what a system and its variants have in common, over `machine`.
void read_machine(Fields& fields, SystemMachine& machine, Diagnostics& diagnostics) {
    fields.text("machine", machine.topology);
    fields.text("network_machine", machine.network_topology);
    fields.boolean("vm", machine.vm);
    fields.text("why", machine.why);
    fields.text("not_modelled", machine.not_modelled);
    read_settings(fields, "set", machine.set, diagnostics);
    if (const YamlNode* streams = fields.node("streams")) {
        for (const YamlEntry& entry : streams->entries) {
            Fields one(*streams, "streams", diagnostics);
            read_settings(one, entry.key, machine.streams[entry.key], diagnostics);
        }
    }
}

} // namespace

std::vector<MeasuredSystem> read_systems(const std::string& path, const InputFiles& files, Diagnostics& diagnostics) {
    std::vector<MeasuredSystem> systems;
    const auto text = files.read(path, diagnostics);
    const auto tree = text ? parse_yaml(*text, path, diagnostics) : std::nullopt;
    if (!tree) {
        return systems;
    }
    Fields top(*tree, "systems file", diagnostics);
    const YamlNode* list = top.node("systems");
    top.require({"systems"}, "a list of systems");
    top.finish();
    for (const YamlNode& node : list != nullptr ? list->items : std::vector<YamlNode>{}) {
        MeasuredSystem system;
        Fields fields(node, "system", diagnostics);
        fields.texts("names", system.names);
        fields.texts("cpu", system.cpu);
        fields.texts("gpu", system.gpu);
        read_machine(fields, system.machine, diagnostics);
        const YamlNode* variants = fields.node("variants");
        fields.require({"names"}, "names: [the system cell of its rows]");
        if (system.machine.topology.empty() && system.machine.not_modelled.empty()) {
            diagnostics.error(node.where, "system: neither machine nor not_modelled", "name a topology");
        }
        fields.finish();
        for (const YamlNode& each : variants != nullptr ? variants->items : std::vector<YamlNode>{}) {
            SystemMachine machine = system.machine;
            std::vector<std::string> words;
            Fields variant(each, "variant", diagnostics);
            variant.texts("when", words);
            variant.require({"when"}, "words that the variant cell must have");
            read_machine(variant, machine, diagnostics);
            variant.finish();
            system.variants.emplace_back(std::move(words), std::move(machine));
        }
        systems.push_back(std::move(system));
    }
    return systems;
}

const MeasuredSystem* find_system(const std::vector<MeasuredSystem>& systems, const std::string& name) {
    const auto words = words_of(name);
    for (const MeasuredSystem& system : systems) {
        for (const std::string& each : system.names) {
            if (words_of(each) == words) {
                return &system;
            }
        }
    }
    return nullptr;
}

const SystemMachine& find_variant(const MeasuredSystem& system, const std::string& variant, bool& known) {
    const auto words = words_of(variant);
    known = true;
    for (const auto& [needed, machine] : system.variants) {
        const bool all = std::all_of(needed.begin(), needed.end(), [&](const std::string& each) {
            const auto phrase = words_of(each);
            return std::search(words.begin(), words.end(), phrase.begin(), phrase.end()) != words.end();
        });
        if (all) {
            return machine;
        }
    }
    known = words.empty() || system.variants.empty();
    return system.machine;
}

std::string validation_file(const std::string& name) { return shipped_file("validation/" + name); }

} // namespace sim::validate
