#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/diagnostics.h"
#include "sim/scenario.h"
#include "sim/yaml_tree.h"

namespace sim {

/// Names in a scenario that point into its machine. Each reader reports a name that is malformed or that `topology`
/// does not have; with nullptr for `topology`, only the form is checked.

/// `hopper0.sm`: part and engine.
std::optional<std::pair<std::string, Engine>> read_initiator(const YamlNode& node, const std::string& what,
                                                             const Topology* topology, Diagnostics& diagnostics);

/// `grace0.egm`: part and kind of memory.
std::optional<MemoryName> read_memory_name(const YamlNode& node, const std::string& what, const Topology* topology,
                                           Diagnostics& diagnostics);

enum class PartClass { kCpu, kGpu };

/// A bare part name, of a CPU or a GPU.
bool check_part(const YamlNode& node, const std::string& what, PartClass wanted, const Topology* topology,
                Diagnostics& diagnostics);

/// The memory that sits on a part; nullptr if none does.
const models::MemorySpec* memory_on(const Topology& topology, const std::string& part);

std::vector<std::string> initiator_names(const Topology& topology); ///< every `part.engine`, for suggestions
std::vector<std::string> memory_names(const Topology& topology);    ///< every `part.memory`

} // namespace sim
