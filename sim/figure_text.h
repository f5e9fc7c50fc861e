#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "sim/yaml_tree.h"

namespace sim {

/// A figure of a part by its path, "smmu.walk_access", in a map of figures; nullptr if it is not there.
const YamlNode* find_figure(const YamlNode& figures, std::string_view path);

/// `smmu.walk_access` and a value as `{smmu: {walk_access: value}}`, the maps said to stand at `where`.
YamlNode nested_figure(std::string_view path, const YamlNode& value, const Location& where);

/// A figure as a number in the base unit of its kind: bytes, bytes a second, picoseconds, a share or a count. Nothing
/// for text that is none of these, such as a flag.
std::optional<double> figure_value(std::string_view text);

/// The two ends of "3 to 50 ns" or "true or false"; the first takes the unit of the second if it has none.
std::optional<std::pair<std::string, std::string>> split_range(std::string_view text);

} // namespace sim
