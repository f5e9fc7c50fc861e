#pragma once

#include <string>
#include <vector>

#include "sim/routing.h"
#include "sim/topology.h"

namespace sim {

/// Whether the routes of a machine can deadlock once buffers are finite.
///
/// A channel is one direction of a link, for one class of packets. Channel a depends on channel b when some packet that
/// holds a buffer behind a may wait for one behind b: a route that packets take uses a and then b, or remote EGM
/// comes in over a and goes on over b to the owner's CPU. Without a cycle among the channels no set of packets can wait
/// for each other (Dally and Seitz, 1987). Responses have virtual channels of their own and go back the way of their
/// request, so that their graph is the same with all arrows turned; a memory answers whatever waits, and an initiator
/// takes every answer, so that no arrow leads from a response to a request.
struct ChannelDependencies {
    std::size_t channels = 0; ///< that some route uses
    std::size_t dependencies = 0;
    std::vector<std::string> cycle; ///< "c2c0 grace0>hopper0" ..., each depends on the next and the last on the first;
                                    ///< empty if there is none
};

ChannelDependencies channel_dependencies(const Topology& topology, const Routing& routing);

} // namespace sim
