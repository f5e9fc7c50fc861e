#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/diagnostics.h"

namespace sim {

struct YamlEntry;

/// One YAML value with its place in the file: what the loaders read instead of yaml-cpp's own nodes, which lose the
/// places of keys and merge duplicates.
struct YamlNode {
    enum class Kind { kNull, kScalar, kSequence, kMap } kind = Kind::kNull;
    Location where;
    std::string text;               ///< of a scalar
    std::vector<YamlNode> items;    ///< of a sequence
    std::vector<YamlEntry> entries; ///< of a map, in file order, keys unique

    bool is_map() const { return kind == Kind::kMap; }
    bool is_scalar() const { return kind == Kind::kScalar; }
    bool is_sequence() const { return kind == Kind::kSequence; }

    const YamlNode* find(std::string_view key) const; ///< nullptr if this is no map or has no such key
    YamlNode* find(std::string_view key);
};

struct YamlEntry {
    std::string key;
    Location where; ///< of the key
    YamlNode value;
};

YamlNode make_scalar(std::string text, const Location& where);
YamlNode make_map(const Location& where);

/// Puts `over` over `base`: maps are merged key by key, anything else is replaced.
void merge_over(YamlNode& base, const YamlNode& over);

/// Limits that no honest file comes near; beyond them a file is refused rather than read for minutes.
constexpr std::size_t kYamlBytesMax = 4u << 20;
constexpr int kYamlDepthMax = 64;
constexpr std::size_t kYamlNodesMax = 200'000;

/// Reads one YAML document. Syntax errors, duplicate keys, anchors, aliases, tags, keys that are no scalars, further
/// documents and all limits become errors; no text makes it throw. Nothing is returned if the text cannot be read on;
/// after a mere duplicate key the tree is, so that the loaders can find more faults.
std::optional<YamlNode> parse_yaml(const std::string& text, const std::string& file, Diagnostics& diagnostics);

} // namespace sim
