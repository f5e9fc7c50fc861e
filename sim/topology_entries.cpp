#include "sim/topology_entries.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "sim/fields.h"
#include "sim/figure_text.h"
#include "sim/ranges.h"
#include "sim/suggest.h"

namespace sim {
namespace {

constexpr std::array<std::string_view, 10> kNoFigures{"preset", "kind", "trust", "at",    "node",
                                                      "socket", "a",    "b",     "count", "down"};
constexpr std::array<std::string_view, 5> kPlaces{"at", "node", "socket", "a", "b"};

bool has_figures(const YamlNode& map) {
    return std::any_of(map.entries.begin(), map.entries.end(), [](const YamlEntry& entry) {
        return std::find(kNoFigures.begin(), kNoFigures.end(), entry.key) == kNoFigures.end();
    });
}

bool is_place(const YamlEntry& entry) { return std::find(kPlaces.begin(), kPlaces.end(), entry.key) != kPlaces.end(); }

/// Whether the names of a range differ in nothing but their places.
bool only_places_vary(const YamlNode& map) {
    return std::all_of(map.entries.begin(), map.entries.end(), [](const YamlEntry& entry) {
        return !has_indices(entry.value) || (is_place(entry) && entry.value.is_scalar());
    });
}

/// The entries of `map` in which the names of a range differ.
YamlNode varying(const YamlNode& map) {
    YamlNode result = make_map(map.where);
    for (const YamlEntry& entry : map.entries) {
        if (has_indices(entry.value)) {
            result.entries.push_back(entry);
        }
    }
    return result;
}

} // namespace

bool is_name(const std::string& name) {
    return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '-' || c == '_';
    });
}

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
            overrides_of_.emplace(one.name, overrides_.size());
            overrides_.push_back({one.name,
                                  nested_figure(std::string_view(entry.key).substr(dot + 1), entry.value, entry.where),
                                  &entry});
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
        if (!read_range(entry, noun, entries)) {
            break;
        }
    }
    return entries;
}

/// False when the file has too many names.
bool EntryReader::read_range(const YamlEntry& entry, const std::string& noun, std::vector<TopologyEntry>& entries) {
    using Role = TopologyEntry::Role;
    const std::vector<RangeName> names = expand_ranges(entry.key, entry.where, diagnostics_);
    const bool alike = names.size() > 1 && only_places_vary(entry.value);
    const YamlNode places = varying(entry.value);
    bool pattern_known = false;
    for (const RangeName& one : names) {
        if (!is_name(one.name)) {
            diagnostics_.error(entry.where, fmt::format("{} is no name for a {}", in_quotes(one.name), noun),
                               "use letters, digits, \"-\" and \"_\", 64 at most");
            break;
        }
        if (names_.size() >= kRangeMax) {
            diagnostics_.error(entry.where, fmt::format("more than {} parts and links", kRangeMax));
            return false;
        }
        names_.push_back(one.name);
        const bool overridden = overrides_of_.count(one.name) > 0;
        if (alike && pattern_known && !overridden) {
            entries.push_back({noun + " " + entry.key,
                               one.name,
                               {},
                               entry.where,
                               substitute_indices(places, one.indices, diagnostics_),
                               false,
                               Role::kLikePattern});
            continue;
        }
        entries.push_back(merged(entry, noun, one.name, substitute_indices(entry.value, one.indices, diagnostics_)));
        if (alike && !overridden) {
            entries.back().role = Role::kPattern;
            pattern_known = true;
        }
    }
    return true;
}

TopologyEntry EntryReader::merged(const YamlEntry& entry, const std::string& noun, const std::string& name,
                                  const YamlNode& own) {
    TopologyEntry result{noun + " " + entry.key, name, {}, entry.where, own, false, TopologyEntry::Role::kAlone};
    bool figures = has_figures(own);
    const auto [first, last] = overrides_of_.equal_range(name);
    std::vector<std::size_t> mine;
    std::transform(first, last, std::back_inserter(mine), [](const auto& entry) { return entry.second; });
    std::sort(mine.begin(), mine.end());
    for (const std::size_t i : mine) {
        merge_over(result.map, overrides_[i].map);
        overrides_[i].used = true;
        figures = figures || has_figures(overrides_[i].map);
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
