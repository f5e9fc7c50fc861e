#include "sim/run_figures.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "sim/fields.h"
#include "sim/suggest.h"

namespace sim {
namespace {

using Json = nlohmann::ordered_json;

struct Suffix {
    std::string_view of_key;
    std::string_view unit;
};
constexpr std::array<Suffix, 3> kSuffixes{{{"_GB_per_s", "GB/s"}, {"_ns", "ns"}, {"_bytes", "B"}}};

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kShort{{{"p50", "latency_spread.p50"},
                                                                               {"p90", "latency_spread.p90"},
                                                                               {"p99", "latency_spread.p99"},
                                                                               {"max", "latency_spread.max"},
                                                                               {"mean", "latency_under_load"},
                                                                               {"limit", "binding.resource"},
                                                                               {"bound", "static_bound"}}};

/// What is measured in the unit that its stream names.
bool in_unit_of_stream(const std::string& name) {
    return name == "value" || name == "confidence_half_width" || name == "static_bound" || name == "fluid.value";
}

class Flattener {
public:
    explicit Flattener(std::vector<RunFigure>& into) : into_(into) {}

    /// The leaves of an object; lists of named objects become their own figures where `streams` says so.
    void leaves(const Json& object, RunFigure at, const std::string& prefix, const std::string& unit) {
        for (const auto& [key, value] : object.items()) {
            RunFigure one = at;
            one.unit = unit;
            std::string name = key;
            for (const Suffix& suffix : kSuffixes) {
                if (name.ends_with(suffix.of_key)) {
                    name.resize(name.size() - suffix.of_key.size());
                    one.unit = suffix.unit;
                }
            }
            one.name = prefix + name;
            if (value.is_object()) {
                leaves(value, at, one.name + ".", one.unit);
                continue;
            }
            if (in_unit_of_stream(one.name) && object.contains("unit")) {
                one.unit = object["unit"];
            }
            if (one.name.starts_with("bytes_")) {
                one.unit = "B";
            }
            leaf(value, std::move(one));
        }
    }

    /// Each object of a list of a group that has a name: a stream, or whatever else a group may hold.
    void named(const Json& group, const RunFigure& at) {
        for (const auto& [key, list] : group.items()) {
            if (!list.is_array()) {
                continue;
            }
            for (const Json& item : list) {
                if (item.is_object() && item.contains("name") && item["name"].is_string()) {
                    RunFigure inner = at;
                    inner.stream = item["name"];
                    leaves(item, inner, "", "");
                }
            }
        }
    }

private:
    void leaf(const Json& value, RunFigure one) {
        if (value.is_number()) {
            one.number = value.get<double>();
        } else if (value.is_boolean()) {
            one.number = value.get<bool>() ? 1 : 0;
        } else if (value.is_string()) {
            one.text = value;
        } else {
            return;
        }
        into_.push_back(std::move(one));
    }

    std::vector<RunFigure>& into_;
};

bool stands_for(const RunFigure& figure, const FigureAddress& wanted, const std::string& name) {
    if (figure.name != name) {
        return false;
    }
    const std::string& where = wanted.where;
    if (where.empty()) {
        return figure.vm.empty() && figure.group.empty();
    }
    if (!figure.vm.empty()) {
        return where == figure.vm;
    }
    if (figure.stream.empty()) {
        return where == figure.group;
    }
    return where == figure.stream || where == figure.group + "/" + figure.stream;
}

std::string long_name(const std::string& name) {
    for (const auto& [brief, full] : kShort) {
        if (name == brief) {
            return std::string(full);
        }
    }
    return name;
}

FoundFigure by_pointer(const std::string& wanted, const std::string& text) {
    try {
        const Json json = Json::parse(text);
        const Json::json_pointer pointer(wanted);
        if (!json.contains(pointer)) {
            return {{}, "the result has nothing there"};
        }
        const Json& value = json.at(pointer);
        RunFigure figure;
        figure.name = wanted;
        if (value.is_number()) {
            figure.number = value.get<double>();
        } else {
            figure.text = value.is_string() ? value.get<std::string>() : value.dump();
        }
        return {figure, {}};
    } catch (const Json::exception&) {
        return {{}, "is no JSON pointer"};
    }
}

/// Why nothing stands for `wanted`: the nearest names that there are.
std::string why_none(const FigureAddress& wanted, const std::string& name, const std::vector<RunFigure>& figures) {
    std::vector<std::string> wheres, names;
    for (const RunFigure& figure : figures) {
        FigureAddress any = wanted;
        if (stands_for(figure, any, figure.name)) {
            names.push_back(figure.name);
        }
        const std::string& where = !figure.vm.empty()      ? figure.vm
                                   : figure.stream.empty() ? figure.group
                                                           : figure.stream;
        if (!where.empty()) {
            wheres.push_back(where);
        }
    }
    if (names.empty()) {
        std::sort(wheres.begin(), wheres.end());
        wheres.erase(std::unique(wheres.begin(), wheres.end()), wheres.end());
        return fmt::format("no stream, group or VM is called {}; {}", in_quotes(wanted.where),
                           suggest(wanted.where, wheres));
    }
    for (const auto& [brief, full] : kShort) {
        if (std::find(names.begin(), names.end(), full) != names.end()) {
            names.emplace_back(brief);
        }
    }
    return fmt::format("it has no figure {}; {}", in_quotes(name), suggest(name, names));
}

} // namespace

std::string RunFigure::address() const {
    std::string text = setting.empty() ? "" : setting + ":";
    for (const std::string* part : {&vm, &group, &stream}) {
        text += part->empty() ? "" : *part + "/";
    }
    return text + name;
}

FigureAddress figure_address(const std::string& wanted) {
    FigureAddress address;
    if (wanted.starts_with("/")) {
        return address;
    }
    std::string rest = wanted;
    for (const std::string setting : {"native", "vm"}) {
        if (rest.starts_with(setting + ":")) {
            address.setting = setting;
            rest.erase(0, setting.size() + 1);
            break;
        }
    }
    const std::size_t slash = rest.rfind('/');
    address.where = slash == std::string::npos ? "" : rest.substr(0, slash);
    address.figure = slash == std::string::npos ? rest : rest.substr(slash + 1);
    return address;
}

std::vector<RunFigure> figures_of(const std::string& json) {
    std::vector<RunFigure> figures;
    Flattener flatten(figures);
    const Json run = Json::parse(json);
    flatten.leaves(run, {}, "", "");
    for (const Json& vm : run.value("vms", Json::array())) {
        RunFigure at;
        at.vm = vm.at("name");
        flatten.leaves(vm, at, "", "");
    }
    for (const Json& group : run.value("traffic", Json::array())) {
        RunFigure at;
        at.setting = group.at("setting");
        at.group = group.at("group");
        flatten.leaves(group, at, "", "");
        flatten.named(group, at);
    }
    return figures;
}

FoundFigure find_figure(const std::string& wanted, const std::vector<RunFigure>& figures, const std::string& json) {
    if (wanted.starts_with("/")) {
        return by_pointer(wanted, json);
    }
    const FigureAddress address = figure_address(wanted);
    const std::string name = long_name(address.figure);
    std::vector<const RunFigure*> native, vm;
    bool vms_failed = false; // then what bare metal gave is no answer about VMs
    for (const RunFigure& figure : figures) {
        vms_failed = vms_failed || (figure.name == "error.errno" && figure.group.empty() && figure.vm.empty());
        if (stands_for(figure, address, name)) {
            (figure.setting == "native" ? native : vm).push_back(&figure);
        }
    }
    const std::vector<const RunFigure*>& chosen =
        address.setting == "native" || (address.setting.empty() && vm.empty() && !vms_failed) ? native : vm;
    if (chosen.empty() && !native.empty()) {
        return {{}, "it has that on bare metal only"};
    }
    if (chosen.empty()) {
        return {{}, why_none(address, name, figures)};
    }
    if (chosen.size() > 1) {
        return {{},
                fmt::format("stands for {} and {}; write the whole of one of them", in_quotes(chosen[0]->address()),
                            in_quotes(chosen[1]->address()))};
    }
    return {*chosen.front(), {}};
}

} // namespace sim
