#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "sim/fields.h"
#include "sim/topology.h"

namespace sim {

using PartSpec = decltype(Part::spec);

/// The kinds of parts and links as files spell them.
const std::vector<std::pair<std::string, PartSpec>>& part_kinds(); ///< each with an empty spec of its kind
const std::vector<std::pair<std::string, LinkKind>>& link_kinds();
const std::vector<std::pair<std::string, Trust>>& trusts();

std::string to_text(LinkKind kind);
std::string to_text(Trust trust);
std::string kind_text(const Part& part); ///< "cpu", "gpu", ...

/// Reads the figures of a part into `spec`, which already holds the right kind.
void read_part_spec(Fields& fields, PartSpec& spec, bool complete);

/// Checks a preset on its own: kind, trust, and the value of each figure it gives.
void check_figures(const YamlNode& preset, const std::string& what, Diagnostics& diagnostics);

} // namespace sim
