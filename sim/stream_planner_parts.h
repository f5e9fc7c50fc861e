#pragma once

#include "sim/stream_plan.h"

/// What the parts of the planner share: stream_plan.cpp (legs and jobs), stream_memory.cpp (where a working set lies
/// and what translates it), stream_limits.cpp (windows, caches and gates of the engines).
namespace sim {

inline constexpr std::uint64_t kGpuPageBytes = 2 * egm::kMiB; ///< cudaMalloc, EGM and fabric mappings

inline bool is_gpu(Engine engine) { return engine == Engine::kSm || engine == Engine::kCopyEngine; }

inline bool is_random(Operation operation) {
    return operation == Operation::kRandomRead || operation == Operation::kRandomWrite ||
           operation == Operation::kPointerChase;
}

inline unsigned reads_of(Operation operation) {
    switch (operation) {
    case Operation::kWrite:
    case Operation::kRandomWrite:
        return 0;
    case Operation::kStreamAdd:
    case Operation::kStreamTriad:
        return 2;
    default:
        return 1;
    }
}

inline bool writes(Operation operation) {
    switch (operation) {
    case Operation::kRead:
    case Operation::kRandomRead:
    case Operation::kPointerChase:
    case Operation::kPingPong:
        return false;
    default:
        return true;
    }
}

/// A stretch of memory that a stream was given.
struct StreamPlanner::Piece {
    std::uint64_t offset = 0;                 ///< from the first byte of the memory (native) or region (VM)
    egm::Spa spa;                             ///< native
    const egm::GuestRegion* region = nullptr; ///< VM
};

/// Who acts: the stream's initiator, or the peer of a ping-pong.
struct StreamPlanner::Side {
    std::string part;
    Engine engine = Engine::kCpu;
    models::Engine* module = nullptr;
    models::Translator* translator = nullptr;
};

} // namespace sim
