#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "models/packet.h"
#include "sim/routing.h"
#include "sim/scenario.h"

namespace sim {

/// How an initiator gets at a memory: over which network, addressed to which part, answered by which memory.
struct LegPath {
    models::Aperture aperture = models::Aperture::kSystem;
    std::size_t destination = 0; ///< part index: the memory; in the fabric network the GPU whose window it is
    std::size_t memory = 0;      ///< part index
    bool into_carveout = false;  ///< fabric: the EGM window
    bool by_ats = false;         ///< a GPU under CPU page tables
};

/// The CPU whose socket `part` (a GPU or NIC) belongs to; `part` itself when it is a CPU. Empty when there is none.
std::string home_cpu(const Topology& topology, const std::string& part);

/// The memory part that sits on `part`. Precondition: there is one (topologies are checked).
std::size_t memory_at(const Topology& topology, const std::string& part);

/// The NVSwitches on which a GPU hangs, those that are up.
std::set<std::string> switches_of(const Topology& topology, const Routing& routing, const std::string& gpu);

/// Why these GPUs cannot be a multicast group; empty if they can. They must hang on the same switches, since a packet
/// to the group may take any of them and each must reach all members.
std::string multicast_problem(const Topology& topology, const Routing& routing, const std::vector<std::string>& gpus);

/// The path of `stream`'s initiator to `memory`, or a sentence why there is none.
/// `initiator` is the stream's, or its ping-pong peer.
struct LegPathResult {
    std::optional<LegPath> path;
    std::string why_not;
};
LegPathResult leg_path(const Topology& topology, const Routing& routing, const Stream& stream,
                       const std::string& initiator, Engine engine, const MemoryName& memory);

} // namespace sim
