#pragma once

#include <string>
#include <vector>

#include "sim/diagnostics.h"
#include "sim/preset_loader.h"
#include "sim/yaml_tree.h"

namespace sim {

/// One part or link of a topology file, its range expanded and its figures merged: preset, then the file, then the
/// scenario's `set`.
struct TopologyEntry {
    std::string what; ///< begins its messages; names the key as written, so that one fault of a range is told once
    std::string name;
    std::string preset;
    Location where;
    YamlNode map;           ///< without `preset`
    bool overrides = false; ///< some figure of the preset is replaced
};

/// The entries of `parts:` or `links:`, in file order. `set` may be nullptr; the keys of it that were used are removed
/// from `unused`, a list of (key, place) that the caller starts with.
class EntryReader {
public:
    EntryReader(const Presets& presets, const YamlNode* set, Diagnostics& diagnostics);

    std::vector<TopologyEntry> read(const YamlNode& section, const std::string& noun);

    /// Reports what of `set` names no part or link.
    void finish();

private:
    struct Override {
        std::string part;
        YamlNode map;
        const YamlEntry* from;
        bool used = false;
    };

    void read_set(const YamlNode& set);
    TopologyEntry merged(const YamlEntry& entry, const std::string& noun, const std::string& name, const YamlNode& own);

    const Presets& presets_;
    Diagnostics& diagnostics_;
    std::vector<Override> overrides_;
    std::vector<std::string> names_;
};

} // namespace sim
