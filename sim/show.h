#pragma once

#include <string>

#include "sim/topology.h"

namespace sim {

/// A machine as text: its parts with their main figures, its links with their bandwidth each direction.
std::string show_text(const Topology& topology);

/// The same as a Graphviz graph: `egmsim show gh200 --dot | dot -Tsvg`.
std::string show_dot(const Topology& topology);

/// The same as JSON.
std::string show_json(const Topology& topology);

} // namespace sim
