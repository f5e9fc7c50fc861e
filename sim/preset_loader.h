#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/diagnostics.h"
#include "sim/input_files.h"
#include "sim/yaml_tree.h"

namespace sim {

/// The presets of all parts and links, by name: maps of figures, each checked on its own.
struct Presets {
    std::map<std::string, YamlNode> maps;
    std::map<std::string, std::string> like; ///< the preset that one has its other figures from

    std::vector<std::string> names() const;
};

/// Reads every file in `presets/` below each of `topology_directories`; a name in an earlier directory wins.
Presets load_presets(const std::vector<std::string>& topology_directories, const InputFiles& files,
                     Diagnostics& diagnostics);

} // namespace sim
