#include "sim/preset_loader.h"

#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "sim/kinds.h"

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
            check_figures(preset.value, "preset " + preset.key, diagnostics);
            presets.maps.emplace(preset.key, preset.value);
        }
    } else {
        file.error("presets", "is missing or no map", "write \"presets:\" and one map a preset below it");
    }
    file.finish();
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
    return presets;
}

} // namespace sim
