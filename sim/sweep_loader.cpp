#include "sim/sweep_loader.h"

#include <set>
#include <utility>

#include <fmt/format.h>

#include "sim/fields.h"
#include "sim/sweep_values.h"

namespace sim {
namespace {

constexpr const char* kAsIs = "as is";

/// A value of YAML, with every place in it replaced: a text has no lines of its own.
void relocate(YamlNode& node, const Location& where) {
    node.where = where;
    for (YamlNode& item : node.items) {
        relocate(item, where);
    }
    for (YamlEntry& entry : node.entries) {
        entry.where = where;
        relocate(entry.value, where);
    }
}

/// How a list or a map is called in a table.
std::string flow(const YamlNode& node) {
    std::string text;
    for (const YamlNode& item : node.items) {
        text += (text.empty() ? "" : ", ") + flow(item);
    }
    for (const YamlEntry& entry : node.entries) {
        text += (text.empty() ? "" : ", ") + entry.key + ": " + flow(entry.value);
    }
    return node.is_sequence() ? "[" + text + "]" : node.is_map() ? "{" + text + "}" : node.text;
}

SweepValue plain_value(const std::string& path, YamlNode node) {
    SweepValue value;
    value.where = node.where;
    if (node.kind == YamlNode::Kind::kNull) {
        value.label = kAsIs;
        return value;
    }
    value.label = flow(node);
    value.number = node.is_scalar() ? as_number(node.text) : std::nullopt;
    const Location where = node.where;
    value.overrides.push_back({path, std::move(node), where});
    return value;
}

/// The values that a text lists.
void listed_values(const std::string& path, const std::string& text, const Location& where,
                   std::vector<SweepValue>& into, Diagnostics& diagnostics) {
    for (const std::string& one : expand_values(text, where, diagnostics).value_or(std::vector<std::string>{})) {
        Diagnostics faults; // their lines and columns mean nothing here
        auto node = parse_yaml(one, where.file, faults);
        for (const Diagnostic& fault : faults.all()) {
            diagnostics.error(where, fmt::format("sweep: the value {}: {}", in_quotes(one), fault.message),
                              fault.suggestion);
        }
        if (node && !faults.has_errors()) {
            relocate(*node, where);
            into.push_back(plain_value(path, std::move(*node)));
        }
    }
}

void read_values(const YamlNode& node, SweepAxis& axis, Diagnostics& diagnostics) {
    if (node.is_scalar()) {
        listed_values(axis.path, node.text, node.where, axis.values, diagnostics);
    } else if (node.is_sequence()) {
        for (const YamlNode& item : node.items) {
            if (item.is_scalar()) { // it may be a range
                listed_values(axis.path, item.text, item.where, axis.values, diagnostics);
            } else {
                axis.values.push_back(plain_value(axis.path, item));
            }
        }
    } else {
        diagnostics.error(node.where, "sweep: values is no list", "write \"values: [10 GB/s, 20 GB/s]\"");
    }
}

void read_cases(const YamlNode& node, SweepAxis& axis, Diagnostics& diagnostics) {
    if (!node.is_map() || node.entries.empty()) {
        diagnostics.error(node.where, "sweep: cases is no map of names",
                          "write \"cases: {small: {software.guest_page_size: 4 KiB}, large: {...}}\"");
        return;
    }
    for (const YamlEntry& entry : node.entries) {
        SweepValue value;
        value.label = entry.key;
        value.number = as_number(entry.key);
        value.where = entry.where;
        if (!entry.value.is_map() && entry.value.kind != YamlNode::Kind::kNull) {
            diagnostics.error(entry.value.where, fmt::format("sweep: case {} has no keys", in_quotes(entry.key)),
                              "write paths and their values, or {} for the scenario as it is");
        }
        for (const YamlEntry& change : entry.value.entries) {
            value.overrides.push_back({change.key, change.value, change.where});
        }
        axis.values.push_back(std::move(value));
    }
}

SweepAxis read_axis(const YamlNode& node, std::size_t number, Diagnostics& diagnostics) {
    SweepAxis axis;
    axis.where = node.where;
    Fields fields(node, fmt::format("sweep: axis {}", number), diagnostics);
    fields.text("path", axis.path);
    fields.text("name", axis.name);
    const YamlNode* values = fields.node("values");
    const YamlNode* cases = fields.node("cases");
    fields.finish();
    if (!node.is_map()) {
        return axis;
    }
    if ((values != nullptr) == (cases != nullptr) || (values != nullptr) == axis.path.empty()) {
        diagnostics.error(node.where, fmt::format("sweep: axis {} needs a path and its values, or cases", number),
                          "write \"path: traffic.0.streams.0.blocks\" and \"values: 1..64 times 2\"");
        return axis;
    }
    axis.name = axis.name.empty() ? axis.path.empty() ? "case" : axis.path : axis.name;
    if (values != nullptr) {
        read_values(*values, axis, diagnostics);
    } else {
        read_cases(*cases, axis, diagnostics);
    }
    return axis;
}

} // namespace

void check_axes(const SweepPlan& plan, const Location& where, Diagnostics& diagnostics) {
    std::set<std::string> names;
    for (const SweepAxis& axis : plan.axes) {
        if (!names.insert(axis.name).second) {
            diagnostics.error(axis.where, fmt::format("sweep: two axes are called {}", in_quotes(axis.name)),
                              "give each a name of its own");
        }
        std::set<std::string> labels;
        for (const SweepValue& value : axis.values) {
            if (!labels.insert(value.label).second) {
                diagnostics.error(value.where, fmt::format("sweep: {} has the value {} twice", in_quotes(axis.name),
                                                           in_quotes(value.label)));
            }
        }
    }
    if (plan.points() > SweepPlan::kPointsMax) {
        diagnostics.error(where, fmt::format("sweep: more than {} points", SweepPlan::kPointsMax),
                          "take larger steps, or fewer axes");
    }
}

SweepPlan read_sweep(const YamlNode& node, Diagnostics& diagnostics) {
    SweepPlan plan;
    Fields fields(node, "sweep", diagnostics);
    const YamlNode* over = fields.node("over");
    if (const YamlNode* show = fields.node("show")) {
        if (!show->is_sequence() || show->items.empty()) {
            fields.error("show", "is no list of figures", "write \"show: [GPU reads/p99, group/total]\"");
        }
        for (const YamlNode& item : show->items) {
            plan.show.push_back({item.text, item.where});
        }
    }
    std::string knee;
    if (fields.text("knee", knee)) {
        plan.knee = read_knee(knee, fields.where("knee"), diagnostics);
    }
    fields.finish();
    if (!node.is_map()) {
        return plan;
    }
    if (over == nullptr || !over->is_sequence() || over->items.empty()) {
        fields.error("over", "is missing or no list of axes",
                     "write \"over: [{path: traffic.0.streams.0.blocks, values: 1..64 times 2}]\"");
        return plan;
    }
    for (const YamlNode& item : over->items) {
        plan.axes.push_back(read_axis(item, plan.axes.size(), diagnostics));
    }
    check_axes(plan, node.where, diagnostics);
    return plan;
}

SweepAxis read_axis(const std::string& argument, Diagnostics& diagnostics) {
    SweepAxis axis;
    axis.where = {fmt::format("--over {}", argument), 0, 0};
    const std::size_t equals = argument.find('=');
    if (equals == std::string::npos || equals == 0) {
        diagnostics.error(axis.where, "is no \"path=values\"",
                          "write \"--over 'software.host_page_size=4 KiB, 64 KiB'\"");
        return axis;
    }
    axis.path = axis.name = argument.substr(0, equals);
    listed_values(axis.path, argument.substr(equals + 1), axis.where, axis.values, diagnostics);
    return axis;
}

KneeQuestion read_knee(const std::string& text, const Location& where, Diagnostics& diagnostics) {
    constexpr std::string_view kAgainst = " against ";
    const std::size_t word = text.find(kAgainst);
    KneeQuestion knee{text.substr(0, word), word == std::string::npos ? "" : text.substr(word + kAgainst.size()),
                      where};
    if (knee.of.empty() || (word != std::string::npos && knee.against.empty())) {
        diagnostics.error(where, fmt::format("knee: {} names no two figures", in_quotes(text)),
                          "write \"victim/p99 against shared/total\", or one figure");
    }
    return knee;
}

} // namespace sim
