#pragma once

#include <string>
#include <vector>

#include "sim/diagnostics.h"
#include "sim/yaml_tree.h"

namespace sim {

/// The most names that one range key, and all of one file, may stand for.
constexpr std::size_t kRangeMax = 65536;

/// One name that a key such as `nvl[0..3][0..17]` stands for, and the indices that gave it.
struct RangeName {
    std::string name;              ///< "nvl2-17"
    std::vector<unsigned> indices; ///< {2, 17}
};

/// Expands the ranges of a key; a key without any stands for itself. Each `[first..last]` becomes its number; two
/// ranges side by side are joined by a dash. The last range turns fastest. Empty after a fault, which is reported.
std::vector<RangeName> expand_ranges(const std::string& key, const Location& where, Diagnostics& diagnostics);

/// `node` with `{0}`, `{1}` ... in its scalars replaced by the indices. Behind the number of the range may stand
/// arithmetic with whole numbers, worked from left to right: `{0/8}`, `{0%8}`, `{0*2+1}`. Division rounds down.
YamlNode substitute_indices(const YamlNode& node, const std::vector<unsigned>& indices, Diagnostics& diagnostics);

/// Whether some scalar of `node` refers to a range.
bool has_indices(const YamlNode& node);

} // namespace sim
