#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/diagnostics.h"
#include "sim/input_files.h"

namespace sim::validate {

/// Keys and values of YAML, in file order.
using Settings = std::vector<std::pair<std::string, std::string>>;

/// What stands for a system: a topology, what differs from it, and how its programs were built.
struct SystemMachine {
    std::string topology;                    ///< name; empty = `not_modelled` says why
    std::string network_topology;            ///< where its NICs reach another node; empty = the same
    Settings set;                            ///< over the topology, as in a scenario's `machine.set`
    bool vm = false;                         ///< measured in a VM
    std::map<std::string, Settings> streams; ///< keys of streams by "sm read", "sm pointer-chase", "sm" ...
    std::string not_modelled;
    std::string why; ///< of `set`, for people
};

/// A system that rows may name.
struct MeasuredSystem {
    std::vector<std::string> names;    ///< the first is its own, the others are synonyms
    std::vector<std::string> cpu, gpu; ///< what its initiators are called
    SystemMachine machine;
    /// Boards and set-ups of it: the first of which a row's variant has all words.
    std::vector<std::pair<std::vector<std::string>, SystemMachine>> variants;
};

/// Reads the list of systems (validation/systems.yaml).
std::vector<MeasuredSystem> read_systems(const std::string& path, const InputFiles& files, Diagnostics& diagnostics);

/// The system called `name`, however its words are spaced and capitalised; nullptr if there is none.
const MeasuredSystem* find_system(const std::vector<MeasuredSystem>& systems, const std::string& name);

/// The machine of a variant; the system's own if none fits, and then `known` is false unless `variant` is empty or the
/// system has no variants.
const SystemMachine& find_variant(const MeasuredSystem& system, const std::string& variant, bool& known);

/// The file `name` of the folder validation/ beside the program's sources, or of the working directory; empty if
/// absent.
std::string validation_file(const std::string& name);

} // namespace sim::validate
