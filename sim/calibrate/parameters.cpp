#include "sim/calibrate/parameters.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include <fmt/format.h>

#include "sim/fields.h"
#include "sim/figure_text.h"
#include "sim/kinds.h"
#include "sim/suggest.h"
#include "sim/units.h"

namespace sim::calibrate {
namespace {

constexpr double kFactorMax = 4; ///< how far from the preset a figure is looked for, up and down
constexpr double kShareUnit = 1e-4;

std::vector<std::string> kinds_known() {
    std::vector<std::string> known;
    for (const auto& [name, spec] : part_kinds()) {
        known.push_back(name);
    }
    for (const auto& [name, kind] : link_kinds()) {
        known.push_back(name);
    }
    return known;
}

/// Whether a part of this kind has such a figure: asked of the reader of presets, with a value that suits some kind.
bool has_figure(const std::string& kind, const std::string& figure, const Location& where) {
    for (const char* value : {"64 B", "10 GB/s", "10 ns", "50 %"}) {
        YamlNode map = nested_figure(figure, make_scalar(value, where), where);
        map.entries.push_back({"kind", where, make_scalar(kind, where)});
        map.entries.push_back({"trust", where, make_scalar("derived", where)});
        Diagnostics faults;
        check_figures(map, "", faults);
        if (!faults.has_errors()) {
            return true;
        }
    }
    return false;
}

std::optional<Parameter> make(const ParameterKind& kind, const std::string& text) {
    Parameter parameter;
    parameter.kind = kind;
    parameter.text = text;
    using Quantity = Parameter::Quantity;
    const auto value = figure_value(text);
    if (!value || *value <= 0) {
        return std::nullopt;
    }
    parameter.quantity = parse_size(text)        ? Quantity::kSize
                         : parse_link_rate(text) ? Quantity::kRate
                         : parse_time(text)      ? Quantity::kTime
                                                 : Quantity::kShare;
    const bool share = parameter.quantity == Quantity::kShare;
    parameter.fit = {.start = *value,
                     .low = *value / kFactorMax,
                     .high = share ? std::min(1.0, *value * kFactorMax) : *value * kFactorMax,
                     .uncertainty = kind.prior,
                     .unit = share ? kShareUnit : 1};
    return parameter;
}

/// Parts or links of the machine that have the figures of one kind.
struct Holder {
    std::string kind, preset, entry;
    const YamlNode* figures;
};

std::vector<Holder> holders(const Topology& topology) {
    std::vector<Holder> found;
    for (const Part& part : topology.parts) {
        found.push_back({kind_text(part), part.preset, part.entry, part.figures.get()});
    }
    for (const Link& link : topology.links) {
        found.push_back({to_text(link.kind), link.preset, link.entry, link.figures.get()});
    }
    return found;
}

} // namespace

std::vector<ParameterKind> read_parameter_kinds(const std::string& path, const InputFiles& files,
                                                Diagnostics& diagnostics) {
    std::vector<ParameterKind> kinds;
    const auto text = files.read(path, diagnostics);
    const auto tree = text ? parse_yaml(*text, path, diagnostics) : std::nullopt;
    if (!tree) {
        return kinds;
    }
    Fields file(*tree, "list of parameters", diagnostics);
    const YamlNode* const all = file.node("parameters");
    if (all == nullptr || !all->is_map()) {
        file.error("parameters", "is missing or no map", "write \"parameters:\" and one map a kind of part below it");
    }
    for (const YamlEntry& kind : all != nullptr ? all->entries : std::vector<YamlEntry>{}) {
        const std::vector<std::string> known = kinds_known();
        if (std::find(known.begin(), known.end(), kind.key) == known.end()) {
            diagnostics.error(kind.where, fmt::format("parameters: {} is no kind of part", in_quotes(kind.key)),
                              suggest(kind.key, known));
            continue;
        }
        for (const YamlEntry& entry : kind.value.entries) {
            ParameterKind parameter{kind.key, entry.key, 0, ""};
            Fields fields(entry.value, fmt::format("parameter {} {}", kind.key, entry.key), diagnostics);
            fields.share("prior", parameter.prior, 0.01, 1);
            fields.text("what", parameter.what);
            fields.require({"prior", "what"}, "write {prior: 30 %, what: loads in flight}");
            fields.finish();
            if (!has_figure(kind.key, entry.key, entry.where)) {
                diagnostics.error(entry.where,
                                  fmt::format("parameters: {} is no figure of a {} that can be fitted",
                                              in_quotes(entry.key), kind.key),
                                  "docs/topologies.md lists them; sizes, rates, times and shares can");
                continue;
            }
            kinds.push_back(std::move(parameter));
        }
    }
    file.finish();
    return kinds;
}

std::string Parameter::spelt(double value) const {
    const auto whole = static_cast<std::uint64_t>(std::llround(value));
    switch (quantity) {
    case Quantity::kSize:
        return format_size(whole);
    case Quantity::kRate:
        return format_rate(whole);
    case Quantity::kTime:
        return format_time(whole);
    case Quantity::kShare:
        break;
    }
    return fmt::format("{:.6g} %", value * 100);
}

std::vector<std::string> Parameter::overrides(double value) const {
    std::vector<std::string> found;
    for (const std::string& entry : entries) {
        found.push_back(fmt::format("machine.{}.{}={}", entry, kind.figure, spelt(value)));
    }
    return found;
}

std::vector<Parameter> parameters_of(const Topology& topology, const std::vector<ParameterKind>& kinds) {
    const std::vector<Holder> all = holders(topology);
    std::vector<Parameter> found;
    for (const ParameterKind& kind : kinds) {
        std::map<std::string, std::set<std::string>> texts; // by preset
        for (const Holder& holder : all) {
            const YamlNode* const figure = holder.kind == kind.kind && holder.figures != nullptr
                                               ? find_figure(*holder.figures, kind.figure)
                                               : nullptr;
            if (figure != nullptr && figure->is_scalar()) {
                texts[holder.preset].insert(figure->text);
            }
        }
        const std::size_t begin = found.size();
        for (const Holder& holder : all) {
            const YamlNode* const figure = holder.kind == kind.kind && holder.figures != nullptr
                                               ? find_figure(*holder.figures, kind.figure)
                                               : nullptr;
            if (figure == nullptr || !figure->is_scalar()) {
                continue;
            }
            const bool shared = !holder.preset.empty() && texts[holder.preset].size() == 1;
            const std::string owner = shared ? holder.preset : holder.entry;
            const auto same = std::find_if(found.begin() + static_cast<std::ptrdiff_t>(begin), found.end(),
                                           [&](const Parameter& one) { return one.owner == owner; });
            if (same != found.end()) {
                if (std::find(same->entries.begin(), same->entries.end(), holder.entry) == same->entries.end()) {
                    same->entries.push_back(holder.entry);
                }
            } else if (auto parameter = make(kind, figure->text)) {
                parameter->owner = owner;
                parameter->entries.push_back(holder.entry);
                found.push_back(std::move(*parameter));
            }
        }
    }
    return found;
}

std::vector<Parameter> choose(std::vector<Parameter> parameters, const std::vector<std::string>& choices,
                              Diagnostics& diagnostics) {
    if (choices.empty()) {
        return parameters;
    }
    std::vector<std::string> known;
    for (const Parameter& parameter : parameters) {
        known.push_back(parameter.name());
        known.push_back(parameter.kind.figure);
    }
    std::set<std::string> wanted;
    for (const std::string& choice : choices) {
        if (std::find(known.begin(), known.end(), choice) == known.end()) {
            diagnostics.error({"--parameters", 0, 0}, fmt::format("the machine has no parameter {}", in_quotes(choice)),
                              suggest(choice, known));
        }
        wanted.insert(choice);
    }
    std::vector<Parameter> chosen;
    for (Parameter& parameter : parameters) {
        if (wanted.count(parameter.name()) > 0 || wanted.count(parameter.kind.figure) > 0) {
            chosen.push_back(std::move(parameter));
        }
    }
    return chosen;
}

} // namespace sim::calibrate
