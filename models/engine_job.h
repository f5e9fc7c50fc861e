#pragma once

#include <algorithm>
#include <cassert>
#include <memory>
#include <string>
#include <vector>

#include "models/byte_window.h"
#include "models/engine.h"

// What an engine keeps of its jobs; only for its own files (models/engine*.cpp).
namespace models {

inline Picoseconds duration(std::uint64_t bytes, std::uint64_t bytes_per_second) {
    assert(bytes <= Server::kBurstBytesMax);
    return bytes_per_second == 0 ? 0 : bytes * 1'000'000'000'000 / bytes_per_second;
}

/// Where the next burst goes: to this offset of this place of a spread leg.
struct Engine::Cursor {
    std::uint64_t offset = 0;
    std::size_t place = 0;
};

struct Engine::Worker final : EventQueue::Handler {
    Engine* engine = nullptr;
    Job* job = nullptr;
    unsigned index = 0;
    Cursor cursor;
    ByteWindow reads;
    ByteWindow writes;
    Picoseconds reads_free = 0; ///< when the next unit may be issued
    Picoseconds writes_free = 0;
    bool waking = false;

    void fire(void*) override;
};

/// A job is told by the memories when its writes have arrived.
class Engine::Job final : public Delivery, public EventQueue::Handler {
public:
    Engine* engine = nullptr;
    const StreamJob* spec = nullptr;
    Client* client = nullptr;
    void* token = nullptr;
    bool finite = false;
    std::uint64_t left = 0;      ///< bytes still to be issued: of a finite job, or of the pass
    std::uint64_t total = 0;     ///< finite
    std::uint64_t delivered = 0; ///< bytes of writes
    Picoseconds last_delivery = 0;
    bool told_delivered = false;
    bool over = false;   ///< nobody needs it any longer but workers that are still to wake
    unsigned waking = 0; ///< workers with an event
    std::vector<std::unique_ptr<Worker>> workers;
    StreamJob::Counters counters;
    LatencyHistogram latencies;
    Cursor cursor;
    std::uint64_t random = 0;
    std::size_t places = 1; ///< of the leg that is spread widest
    Picoseconds cap_free = 0;
    std::size_t turn = 0;
    Picoseconds turn_began = 0;
    std::uint64_t in_flight = 0; ///< accesses
    bool stopped = false;
    std::string fault;

    void arrived(Picoseconds time, std::uint64_t bytes) override {
        delivered += bytes;
        last_delivery = std::max(last_delivery, time);
        if (finite && delivered == total) {
            engine->events().at(last_delivery, *this, nullptr);
        }
    }
    void fire(void*) override { engine->tell_delivered(*this); }
    bool in_passes() const { return !finite && spec->pass_bytes != 0; }
    bool counted() const { return finite || spec->pass_bytes != 0; }
    bool exhausted() const { return counted() && left == 0; }
    std::uint64_t next_bytes() const { return counted() ? std::min(left, spec->burst_bytes) : spec->burst_bytes; }
};

/// A burst with all its legs.
struct Engine::Unit {
    Job* job = nullptr;
    Worker* worker = nullptr;
    Cursor at;
    std::uint64_t bytes = 0; ///< of each leg
    Picoseconds began = 0;
    unsigned reads_left = 0;
};

/// One access of a unit, from its translation to its last byte.
struct Engine::Access {
    enum class Stage { kGate, kEmit, kComplete, kLost } stage = Stage::kGate;
    Job* job = nullptr;
    Unit* unit = nullptr; ///< null in a ping-pong
    const Leg* leg = nullptr;
    std::uint64_t address = 0;
    std::uint64_t bytes = 0;
    Picoseconds tail = 0;   ///< of the burst as it leaves: a worker issues it line by line
    bool delivered = false; ///< its bytes are where they were to go, though their acknowledgement was lost
};

} // namespace models
