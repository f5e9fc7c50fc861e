#pragma once

#include <string>

#include "sim/topology.h"

namespace sim {

/// A machine as text: how many parts and links it has, what its fabrics could carry at best (`FabricBounds`), its parts
/// with their main figures and its links with their bandwidth each direction, a line for each key of the file.
std::string show_text(const Topology& topology);

/// A Graphviz graph, `egmsim show gh200 --dot | dot -Tsvg`: a cluster for each node, a rank for each level of switches,
/// and one edge for all links between two parts.
std::string show_dot(const Topology& topology);

/// The same as JSON.
std::string show_json(const Topology& topology);

} // namespace sim
