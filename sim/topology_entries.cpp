#include "sim/topology_entries.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "sim/fields.h"
#include "sim/ranges.h"
#include "sim/suggest.h"

namespace sim {
namespace {

constexpr std::array<std::string_view, 8> kNoFigures{"preset", "kind", "trust", "at", "socket", "a", "b", "count"};

bool is_name(const std::string& name) {
    return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '-' || c == '_';
    });
}

bool has_figures(const YamlNode& map) {
    return std::any_of(map.entries.begin(), map.entries.end(), [](const YamlEntry& entry) {
        return std::find(kNoFigures.begin(), kNoFigures.end(), entry.key) == kNoFigures.end();
    });
}

/// `l2.latency` and a value as `{l2: {latency: value}}`.
YamlNode nested(std::string_view path, const YamlEntry& entry) {
    const std::size_t dot = path.find('.');
    YamlNode map = make_map(entry.where);
    map.entries.push_back({std::string(path.substr(0, dot)), entry.where,
                           dot == std::string_view::npos ? entry.value : nested(path.substr(dot + 1), entry)});
    return map;
}

} // namespace

EntryReader::EntryReader(const Presets& presets, const YamlNode* set, Diagnostics& diagnostics)
    : presets_(presets), diagnostics_(diagnostics) {
    if (set != nullptr) {
        read_set(*set);
    }
}

void EntryReader::read_set(const YamlNode& set) {
    for (const YamlEntry& entry : set.entries) {
        const std::size_t bracket = entry.key.rfind(']');
        const std::size_t dot = entry.key.find('.', bracket == std::string::npos ? 0 : bracket);
        const bool deep = std::count(entry.key.begin(), entry.key.end(), '.') > kYamlDepthMax;
        if (dot == std::string::npos || dot + 1 == entry.key.size() || deep) {
            diagnostics_.error(entry.where, fmt::format("machine: {} names no figure of a part", in_quotes(entry.key)),
                               "write \"part.figure: value\", such as \"c2c0.latency: 300 ns\"");
            continue;
        }
        for (const RangeName& one : expand_ranges(entry.key.substr(0, dot), entry.where, diagnostics_)) {
            overrides_.push_back({one.name, nested(std::string_view(entry.key).substr(dot + 1), entry), &entry});
        }
    }
}

std::vector<TopologyEntry> EntryReader::read(const YamlNode& section, const std::string& noun) {
    std::vector<TopologyEntry> entries;
    if (!section.is_map()) {
        diagnostics_.error(section.where, fmt::format("{}s is no map", noun),
                           "write \"name: {preset: ...}\" lines below it");
        return entries;
    }
    for (const YamlEntry& entry : section.entries) {
        if (!entry.value.is_map()) {
            diagnostics_.error(entry.value.where, fmt::format("{} {} has no keys", noun, entry.key),
                               "write \"{preset: ...}\"");
            continue;
        }
        for (const RangeName& one : expand_ranges(entry.key, entry.where, diagnostics_)) {
            if (!is_name(one.name)) {
                diagnostics_.error(entry.where, fmt::format("{} is no name for a {}", in_quotes(one.name), noun),
                                   "use letters, digits, \"-\" and \"_\", 64 at most");
                break;
            }
            if (names_.size() >= kRangeMax) {
                diagnostics_.error(entry.where, fmt::format("more than {} parts and links", kRangeMax));
                return entries;
            }
            names_.push_back(one.name);
            entries.push_back(
                merged(entry, noun, one.name, substitute_indices(entry.value, one.indices, diagnostics_)));
        }
    }
    return entries;
}

TopologyEntry EntryReader::merged(const YamlEntry& entry, const std::string& noun, const std::string& name,
                                  const YamlNode& own) {
    TopologyEntry result{noun + " " + entry.key, name, {}, entry.where, own};
    bool figures = has_figures(own);
    for (Override& override : overrides_) {
        if (override.part == name) {
            merge_over(result.map, override.map);
            override.used = true;
            figures = figures || has_figures(override.map);
        }
    }
    result.map.where = own.where;
    const YamlNode* preset = result.map.find("preset");
    if (preset == nullptr) {
        return result;
    }
    const auto found = presets_.maps.find(preset->text);
    if (found == presets_.maps.end()) {
        diagnostics_.error(preset->where,
                           fmt::format("{}: there is no preset {}", result.what, in_quotes(preset->text)),
                           suggest(preset->text, presets_.names()));
    } else {
        YamlNode base = found->second;
        merge_over(base, result.map);
        result.map = std::move(base);
        result.preset = found->first;
        result.overrides = figures;
    }
    return result;
}

void EntryReader::finish() {
    for (const Override& override : overrides_) {
        if (!override.used) {
            diagnostics_.error(override.from->where,
                               fmt::format("machine: {}: the machine has no part or link {}",
                                           in_quotes(override.from->key), in_quotes(override.part)),
                               suggest(override.part, names_));
        }
    }
}

} // namespace sim
