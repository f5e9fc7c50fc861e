#include "sim/preset_loader.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "sim/kinds.h"
#include "sim/suggest.h"

namespace sim {
namespace {

void load_file(const std::string& path, const InputFiles& files, Presets& presets, std::set<std::string>& here,
               Diagnostics& diagnostics) {
    const auto text = files.read(path, diagnostics);
    const auto tree = text ? parse_yaml(*text, path, diagnostics) : std::nullopt;
    if (!tree) {
        return;
    }
    Fields file(*tree, "preset file", diagnostics);
    if (const YamlNode* maps = file.node("presets"); maps != nullptr && maps->is_map()) {
        for (const YamlEntry& preset : maps->entries) {
            if (!here.insert(preset.key).second) {
                diagnostics.error(preset.where, fmt::format("preset {} is defined twice", in_quotes(preset.key)));
                continue;
            }
            if (preset.value.find("like") == nullptr) { // else when its figures are complete
                check_figures(preset.value, "preset " + preset.key, diagnostics);
            }
            presets.maps.emplace(preset.key, preset.value);
        }
    } else {
        file.error("presets", "is missing or no map", "write \"presets:\" and one map a preset below it");
    }
    file.finish();
}

/// Puts the figures of the preset that `name` is `like` below its own. `chain`: the presets on the way here. False:
/// there is no such preset, and it has been said.
bool complete(const std::string& name, Presets& presets, std::vector<std::string> chain, Diagnostics& diagnostics) {
    YamlNode& own = presets.maps.at(name);
    const YamlNode* like = own.find("like");
    if (like == nullptr) {
        return true;
    }
    const YamlNode reference = *like;
    own.entries.erase(std::find_if(own.entries.begin(), own.entries.end(),
                                   [](const YamlEntry& entry) { return entry.key == "like"; }));
    chain.push_back(name);
    if (own.find("trust") == nullptr) {
        diagnostics.error(own.where, fmt::format("preset {}: has no \"trust\"", name),
                          "what is known of one part may not be known of one like it");
    }
    if (presets.maps.count(reference.text) == 0) {
        diagnostics.error(reference.where,
                          fmt::format("preset {}: like: there is no preset {}", name, in_quotes(reference.text)),
                          suggest(reference.text, presets.names()));
        return false;
    }
    if (std::find(chain.begin(), chain.end(), reference.text) != chain.end()) {
        diagnostics.error(reference.where,
                          fmt::format("preset {}: is like {}, which is like it", name, in_quotes(reference.text)));
        return false;
    }
    if (!complete(reference.text, presets, chain, diagnostics)) {
        return false;
    }
    presets.like[name] = reference.text;
    YamlNode base = presets.maps.at(reference.text);
    merge_over(base, own);
    base.where = own.where;
    own = std::move(base);
    check_figures(own, "preset " + name, diagnostics);
    return true;
}

} // namespace

std::vector<std::string> Presets::names() const {
    std::vector<std::string> names;
    for (const auto& [name, map] : maps) {
        names.push_back(name);
    }
    return names;
}

Presets load_presets(const std::vector<std::string>& topology_directories, const InputFiles& files,
                     Diagnostics& diagnostics) {
    Presets presets;
    std::set<std::string> seen;
    for (const std::string& directory : topology_directories) {
        const std::string path = (std::filesystem::path(directory) / "presets").lexically_normal().string();
        if (!seen.insert(path).second) {
            continue;
        }
        Presets found;
        std::set<std::string> here;
        for (const std::string& file : files.list(path)) {
            load_file(file, files, found, here, diagnostics);
        }
        presets.maps.merge(found.maps);
    }
    for (const std::string& name : presets.names()) {
        complete(name, presets, {}, diagnostics);
    }
    return presets;
}

} // namespace sim
