#pragma once

#include "sim/diagnostics.h"
#include "sim/topology.h"
#include "sim/topology_graph.h"

namespace sim {

/// Finds where every part stands, in `Part::socket`, `Part::node` and `Part::cpu`.
///
/// A CPU without a socket number gets the next free one of its node. A GPU belongs to the CPU that it is linked to by
/// C2C or PCIe, perhaps through PCIe switches; a memory or NIC to what it sits on, a NIC else to the CPU of its PCIe
/// link. Reports what contradicts itself, a node of more sockets than EGM knows, and a link that leaves a node though
/// only NVLink and the network do.
void find_places(Topology& topology, const TopologyGraph& graph, Diagnostics& diagnostics);

} // namespace sim
