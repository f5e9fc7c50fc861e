#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/work.h"

namespace sim {

/// A collective operation over GPUs, or over ideal end points, as a scenario asks for it (docs/collectives.md).
struct Collective {
    enum class Kind { kSendRecv, kAllGather, kReduceScatter, kAllReduce, kAllToAll, kBroadcast };
    enum class Algorithm {
        kDirect, ///< each transfer by itself: send-recv and all-to-all
        kRing,   ///< steps to the next member; a broadcast goes along the chain
        kTree,   ///< two binary trees, each for a half; all-reduce only
        kNvls,   ///< multicast and reduction in the switches
    };

    Kind kind = Kind::kAllReduce;
    Algorithm algorithm = Algorithm::kRing;
    std::vector<std::string> members; ///< parts, in the order of the ring; two or more, all different
    Engine engine = Engine::kSm;      ///< that moves the bytes: kSm, kCopyEngine, or kEndPoint
    MemoryName::Kind buffers = MemoryName::Kind::kHbm;
    std::uint64_t size_bytes = 0;   ///< as nccl-tests counts: of the whole, so that algbw = size / time
    std::uint64_t chunk_bytes = 0;  ///< largest piece that a step of a ring or tree moves; 0 = all of it
    unsigned channels = 1;          ///< rings side by side
    unsigned blocks = 0;            ///< kSm: thread blocks of each GPU in all; 0 = two an SM
    std::uint64_t burst_bytes = 0;  ///< 0 = chosen as for streams; of an end point the whole transfer up to 1 MiB
    std::uint64_t packet_bytes = 0; ///< kEndPoint: of one packet on the wires
    unsigned root = 0;              ///< kBroadcast: index of the member that has the data
    unsigned shift = 1;             ///< kSendRecv: each sends to the member so many places further

    unsigned count() const { return static_cast<unsigned>(members.size()); }
};

/// busbw = algbw x this, with which a perfect collective reaches the rate of a member's links whatever the number of
/// members. Source: nccl-tests, doc/PERFORMANCE.md: 2 (n - 1) / n for all-reduce, (n - 1) / n for all-gather,
/// reduce-scatter and all-to-all, 1 for broadcast and send-recv.
double bus_factor(Collective::Kind kind, unsigned members);

/// "ring all-reduce of 256 MiB over 8 GPUs by SMs".
std::string describe(const Collective& collective);

/// The transfers of the collective and their order. Preconditions: what the scenario loader checks.
Work collective_work(const Collective& collective, const Topology& topology, const Location& where);

} // namespace sim
