#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "sim/diagnostics.h"
#include "sim/preset_loader.h"
#include "sim/yaml_tree.h"

namespace sim {

/// Whether a part, link or node may be called so: letters, digits, `-` and `_`, at most 64.
bool is_name(const std::string& name);

/// One part or link of a topology file, its range expanded and its figures merged: preset, then the file, then the
/// scenario's `set`.
struct TopologyEntry {
    std::string what; ///< begins its messages; names the key as written, so that one fault of a range is told once
    std::string name;
    std::string preset;
    Location where;
    YamlNode map;           ///< without `preset`
    bool overrides = false; ///< some figure of the preset is replaced

    /// The names of a range mostly differ in where they stand only: then the first of them is the pattern, and the map
    /// of the others has just the keys in which they differ from it.
    enum class Role { kAlone, kPattern, kLikePattern } role = Role::kAlone;
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
    bool read_range(const YamlEntry& entry, const std::string& noun, std::vector<TopologyEntry>& entries);
    TopologyEntry merged(const YamlEntry& entry, const std::string& noun, const std::string& name, const YamlNode& own);

    const Presets& presets_;
    Diagnostics& diagnostics_;
    std::vector<Override> overrides_;
    std::unordered_multimap<std::string, std::size_t> overrides_of_; ///< indices by part
    std::vector<std::string> names_;
};

} // namespace sim
