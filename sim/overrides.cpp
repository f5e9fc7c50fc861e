#include "sim/overrides.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "sim/fields.h"
#include "sim/suggest.h"
#include "sim/units.h"

namespace sim {
namespace {

/// One override on its way down the tree.
class Walk {
public:
    Walk(Location where, Diagnostics& diagnostics) : where_(std::move(where)), diagnostics_(diagnostics) {}

    void apply(YamlNode& root, std::string_view argument) {
        const std::size_t equals = argument.find('=');
        if (equals == std::string_view::npos || equals == 0) {
            error("is no \"path=value\"", "write \"--set software.host_page_size='4 KiB'\"");
            return;
        }
        Diagnostics faults; // their lines and columns mean nothing here
        auto value = parse_yaml(std::string(argument.substr(equals + 1)), where_.file, faults);
        for (const Diagnostic& fault : faults.all()) {
            error(argument.size() == equals + 1 ? "has no value" : fault.message, fault.suggestion);
        }
        if (!value || faults.has_errors()) {
            return;
        }
        relocate(*value);
        put(root, argument.substr(0, equals), std::move(*value));
    }

    void put(YamlNode& root, std::string_view path, YamlNode value) {
        if (std::count(path.begin(), path.end(), '.') >= kYamlDepthMax) {
            error("has too many steps");
        } else if (path.starts_with("machine.") && path != "machine.topology" && !path.starts_with("machine.set.")) {
            set_figure(root, path.substr(std::string_view("machine.").size()), std::move(value));
        } else {
            descend(root, path, "", std::move(value));
        }
    }

private:
    void error(const std::string& message, const std::string& suggestion = {}) {
        diagnostics_.error(where_, message, suggestion);
    }

    void relocate(YamlNode& node) {
        node.where = where_;
        for (YamlNode& item : node.items) {
            relocate(item);
        }
        for (YamlEntry& entry : node.entries) {
            entry.where = where_;
            relocate(entry.value);
        }
    }

    YamlNode& member(YamlNode& map, std::string_view key) {
        if (YamlNode* there = map.find(key)) {
            return *there;
        }
        map.entries.push_back({std::string(key), where_, {}});
        map.entries.back().value.where = where_;
        return map.entries.back().value;
    }

    /// `machine: gh200` has to become a map with a `set` before one figure of it can be set.
    void set_figure(YamlNode& root, std::string_view figure, YamlNode value) {
        if (!root.is_map()) {
            return; // already reported: a scenario is a map
        }
        YamlNode& machine = member(root, "machine");
        if (machine.is_scalar()) {
            YamlNode map = make_map(machine.where);
            map.entries.push_back({"topology", machine.where, machine});
            machine = std::move(map);
        }
        if (!machine.is_map()) {
            return; // reported by the scenario's loader
        }
        YamlNode& set = member(machine, "set");
        if (set.kind == YamlNode::Kind::kNull) {
            set.kind = YamlNode::Kind::kMap;
        }
        if (set.is_map()) {
            YamlNode& slot = member(set, figure);
            slot = std::move(value);
        }
    }

    void descend(YamlNode& node, std::string_view path, const std::string& done, YamlNode value) {
        if (path.empty()) {
            node = std::move(value);
        } else if (node.is_sequence()) {
            descend_list(node, path, done, std::move(value));
        } else if (node.is_map() || node.kind == YamlNode::Kind::kNull) {
            node.kind = YamlNode::Kind::kMap;
            const std::size_t dot = path.find('.');
            const std::string_view key = path.substr(0, dot);
            const std::string_view rest = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
            if (key.empty() || (dot != std::string_view::npos && rest.empty())) {
                error("has an empty step in its path");
                return;
            }
            descend(member(node, key), rest, fmt::format("{}{}{}", done, done.empty() ? "" : ".", key),
                    std::move(value));
        } else {
            error(fmt::format("{} has no keys: it is {}", done, in_quotes(node.text)),
                  fmt::format("set {} itself", done));
        }
    }

    /// The first step into a list is a number, or the longest name that the path begins with.
    void descend_list(YamlNode& list, std::string_view path, const std::string& done, YamlNode value) {
        const std::string_view first = path.substr(0, path.find('.'));
        std::vector<std::string> names;
        YamlNode* chosen = nullptr;
        std::size_t taken = 0;
        for (YamlNode& item : list.items) {
            for (const std::string& key : naming_keys()) {
                const YamlNode* name = item.find(key);
                if (name == nullptr || !name->is_scalar() || name->text.empty()) {
                    continue;
                }
                names.push_back(name->text);
                const bool whole = path == name->text;
                if ((whole || path.starts_with(name->text + ".")) && name->text.size() > taken) {
                    chosen = &item;
                    taken = name->text.size();
                }
            }
        }
        if (chosen == nullptr) {
            const auto index = parse_count(first);
            if (index && *index < list.items.size()) {
                chosen = &list.items[*index];
                taken = first.size();
            } else if (index) {
                error(fmt::format("{} has {} entries", done, list.items.size()),
                      list.items.empty() ? "" : fmt::format("numbers 0 to {}", list.items.size() - 1));
                return;
            } else {
                error(fmt::format("{} has no entry {}", done, in_quotes(first)),
                      names.empty() ? "take an entry by its number, from 0" : suggest(first, names));
                return;
            }
        }
        const std::string_view rest = taken < path.size() ? path.substr(taken + 1) : std::string_view();
        if (taken + 1 == path.size()) {
            error("has an empty step in its path");
            return;
        }
        descend(*chosen, rest, fmt::format("{}.{}", done, path.substr(0, taken)), std::move(value));
    }

    const Location where_;
    Diagnostics& diagnostics_;
};

} // namespace

const std::vector<std::string>& naming_keys() {
    static const std::vector<std::string> keys = {"name", "group", "each_alone", "fan_in", "fan_out", "all_pairs"};
    return keys;
}

void apply_overrides(YamlNode& scenario, const std::vector<std::string>& overrides, Diagnostics& diagnostics) {
    for (const std::string& argument : overrides) {
        Walk({fmt::format("--set {}", argument), 0, 0}, diagnostics).apply(scenario, argument);
    }
}

void apply_override(YamlNode& scenario, const Override& override, Diagnostics& diagnostics) {
    Walk(override.where, diagnostics).put(scenario, override.path, override.value);
}

} // namespace sim
