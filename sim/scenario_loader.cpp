#include "sim/scenario_loader.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "sim/fault_plan_loader.h"
#include "sim/fields.h"
#include "sim/overrides.h"
#include "sim/sharing_loader.h"
#include "sim/software_loader.h"
#include "sim/sweep_loader.h"
#include "sim/topology_loader.h"
#include "sim/traffic_loader.h"
#include "sim/work.h"

namespace sim {
namespace {

constexpr models::Picoseconds kMicrosecond = 1'000'000, kSecond = 1'000'000'000'000;

/// `machine: gh200`, or a map of `topology` and `set`.
std::optional<Topology> read_machine(const YamlNode& node, const std::string& file, const SearchPath& search,
                                     Diagnostics& diagnostics) {
    MachineRequest request;
    request.scenario_file = file;
    if (node.is_scalar()) {
        request.path_or_name = node.text;
        request.where = node.where;
    } else {
        Fields fields(node, "machine", diagnostics);
        fields.text("topology", request.path_or_name);
        request.where = fields.where("topology");
        request.set = fields.node("set");
        if (request.set != nullptr && !request.set->is_map()) {
            fields.error("set", "is no map", "write \"set: {c2c0.latency: 300 ns}\"");
        }
        fields.require({"topology"}, "name a machine, \"topology: gh200\"");
        fields.finish();
    }
    if (request.path_or_name.empty()) {
        if (node.is_scalar()) {
            diagnostics.error(node.where, "machine is empty", "name one, \"machine: gh200\"");
        }
        return std::nullopt;
    }
    return load_topology(request, search, diagnostics);
}

Measurement read_measurement(const YamlNode& node, Diagnostics& diagnostics) {
    Measurement measurement;
    Fields fields(node, "measurement", diagnostics);
    fields.share("relative_error", measurement.relative_error, 0.0001, 0.5);
    fields.choice("of", measurement.of_sum, {{"streams", false}, {"sum", true}});
    fields.time("time_max", measurement.time_max, {.min = kMicrosecond, .max = kSecond, .likely = "ms"});
    fields.finish();
    return measurement;
}

/// Timed faults meet what has one course that they interrupt.
void check_may_break(const StreamGroup& group, Diagnostics& diagnostics) {
    const auto refuse = [&](const std::string& why, const std::string& advice) {
        diagnostics.error(group.where, fmt::format("group {}: {}", in_quotes(group.name), why), advice);
    };
    if (group.nvbandwidth != nullptr) {
        refuse("faults do not meet nvbandwidth's cases, which are many short runs, each of them whole",
               "write its streams, or \"down: true\" on what is out of order all the time");
    } else if (group.work != nullptr && group.work->trace != nullptr) {
        refuse("faults do not meet the replay of a trace, which asks for nothing twice",
               "give it a scenario of its own");
    } else if (group.work != nullptr &&
               std::any_of(group.work->graph.paths().begin(), group.work->graph.paths().end(),
                           [](const Stream& path) { return path.engine == Engine::kEndPoint; })) {
        refuse("faults do not meet ideal end points: nobody answers their messages, so that nobody would miss one",
               "take a machine with GPUs");
    } else if (std::any_of(group.streams.begin(), group.streams.end(),
                           [](const Stream& stream) { return stream.start != 0 || stream.stop != 0; })) {
        refuse("faults meet only streams that run all the time", "take start and stop away");
    }
}

Scenario read_scenario(const YamlNode& tree, const std::string& file, const SearchPath& search,
                       Diagnostics& diagnostics) {
    Scenario scenario;
    scenario.file = file;
    Fields fields(tree, "scenario", diagnostics);
    fields.text("scenario", scenario.name);
    fields.text("description", scenario.description);
    fields.count("seed", scenario.seed, {.min = 0});
    const YamlNode* machine = fields.node("machine");
    const YamlNode* software = fields.node("software");
    const YamlNode* traffic = fields.node("traffic");
    const YamlNode* measurement = fields.node("measurement");
    const YamlNode* faults = fields.node("faults");
    const YamlNode* sweep = fields.node("sweep");
    fields.require({"scenario", "machine"}, "a scenario has a name and a machine");
    fields.finish();

    std::optional<Topology> topology;
    if (machine != nullptr) {
        topology = read_machine(*machine, file, search, diagnostics);
    }
    const Topology* known = topology ? &*topology : nullptr; // without a machine, the rest is still read
    const std::size_t errors_before = diagnostics.errors();
    if (software != nullptr) {
        scenario.software = read_software(*software, known, diagnostics);
    }
    const bool sound = diagnostics.errors() == errors_before;
    if (traffic != nullptr) {
        scenario.groups = read_traffic(*traffic, sound ? &scenario.software : nullptr, known, diagnostics);
    } else if (scenario.software.vms.empty()) {
        diagnostics.error(tree.where, "scenario: no traffic and no VM: nothing to do",
                          "add streams below \"traffic:\"");
    }
    if (measurement != nullptr) {
        scenario.measurement = read_measurement(*measurement, diagnostics);
    }
    if (faults != nullptr) {
        scenario.faults = read_fault_plan(*faults, known, diagnostics);
        for (const StreamGroup& group : scenario.groups) {
            check_may_break(group, diagnostics);
        }
    }
    if (sweep != nullptr) {
        scenario.sweep = read_sweep(*sweep, diagnostics);
    }
    if (sound) {
        check_tenants(scenario, diagnostics);
    }
    if (topology) {
        scenario.topology = std::move(*topology);
    }
    return scenario;
}

} // namespace

std::optional<Scenario> load_scenario(const std::string& path, const std::vector<std::string>& overrides,
                                      const SearchPath& search, Diagnostics& diagnostics,
                                      const std::vector<Override>& point) {
    const std::size_t errors_before = diagnostics.errors();
    const auto text = search.input().read(path, diagnostics);
    auto tree = text ? parse_yaml(*text, path, diagnostics) : std::nullopt;
    if (!tree) {
        return std::nullopt;
    }
    if (tree->is_map()) { // otherwise reported below
        apply_overrides(*tree, overrides, diagnostics);
        for (const Override& one : point) {
            apply_override(*tree, one, diagnostics);
        }
    }
    Scenario scenario = read_scenario(*tree, path, search, diagnostics);
    if (diagnostics.errors() != errors_before) {
        return std::nullopt;
    }
    return scenario;
}

} // namespace sim
