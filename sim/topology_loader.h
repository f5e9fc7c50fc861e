#pragma once

#include <optional>
#include <string>

#include "sim/diagnostics.h"
#include "sim/input_files.h"
#include "sim/topology.h"
#include "sim/yaml_tree.h"

namespace sim {

/// Reads and checks a machine: `gh200` is `gh200.yaml` in the search path, anything with a slash or ending in ".yaml" a
/// path. Nothing is returned if there is any error. docs/topologies.md is the reference of the format.
std::optional<Topology> load_topology(const std::string& path_or_name, const SearchPath& search,
                                      Diagnostics& diagnostics);

/// What a scenario says about its machine.
struct MachineRequest {
    std::string path_or_name;
    std::string scenario_file;     ///< empty = asked for by hand
    Location where;                ///< where it says so
    const YamlNode* set = nullptr; ///< a map of `part.figure` to value, over what the topology says; may be absent
};

/// The same for a scenario's machine: names are also looked for in `../topologies` beside the scenario's directory, and
/// paths are relative to that directory. Here a machine with a faulty figure is returned all the same, so that the rest
/// of the scenario can be checked against it: look at `diagnostics`.
std::optional<Topology> load_topology(const MachineRequest& request, const SearchPath& search,
                                      Diagnostics& diagnostics);

} // namespace sim
