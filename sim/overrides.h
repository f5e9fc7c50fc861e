#pragma once

#include <string>
#include <vector>

#include "sim/diagnostics.h"
#include "sim/yaml_tree.h"

namespace sim {

/// Applies `--set path=value` overrides to a scenario's tree, in their order.
///
/// A path is keys joined by dots; an entry of a list is taken by its number from 0, or by its `name` (traffic: by what
/// stands after `group`, `each_alone`, `fan_in`, `fan_out` or `all_pairs`), which may itself contain dots and blanks.
/// `machine.PART.FIGURE` sets a figure of the machine. The value is YAML, so `[hopper0, hopper1]` is a list. A last key
/// that is not there is added, and the loaders then refuse it if nothing reads it.
void apply_overrides(YamlNode& scenario, const std::vector<std::string>& overrides, Diagnostics& diagnostics);

/// One value to put into a scenario's tree, at a path as above.
struct Override {
    std::string path;
    YamlNode value;
    Location where; ///< named in messages about it
};

void apply_override(YamlNode& scenario, const Override& override, Diagnostics& diagnostics);

/// The keys that name an entry of a list.
const std::vector<std::string>& naming_keys();

} // namespace sim
