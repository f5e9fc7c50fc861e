#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "sim/routing.h"
#include "sim/topology.h"

namespace sim {

/// What a fabric could carry at the very best: line rates in bytes a second, headers included, from the graph alone.
struct FabricBounds {
    std::vector<std::string> members; ///< GPUs or NICs that reach each other, in file order
    std::size_t switches = 0;
    double member_rate = 0; ///< all links of one member, each direction; of the weakest
    double total_rate = 0;  ///< of all members, both directions: the figure that vendors print

    /// From one half of the members to the other, one direction: the least over three ways to halve them (first and
    /// second half of the file, every other one, every other pair). A maximal flow; members pass nothing on.
    double bisection = 0;

    /// What each member sends, all sending to all others at the same rate over the routes that we take.
    double all_to_all = 0;

    std::size_t crossings_min = 0, crossings_max = 0; ///< links on the way between two members
};

enum class FabricKind { kNvlink, kNetwork };

/// The bounds of every fabric of this kind: GPUs over NVLink, NICs over network cables. What is `down` carries nothing.
/// A machine of several islands has one entry each; a member that reaches nobody has none.
std::vector<FabricBounds> fabric_bounds(const Topology& topology, FabricKind kind);

} // namespace sim
