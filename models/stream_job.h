#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/lost_packets.h"
#include "models/mapping.h"
#include "models/server.h"

namespace models {

class Engine;

/// One way in which a stream touches memory: all its reads of one array, say.
struct Leg {
    bool write = false;
    const Mapping* mapping = nullptr;
    Aperture aperture = Aperture::kSystem;
    std::uint16_t destination = 0; ///< see `Transit`
    std::uint16_t memory = 0;
    std::uint16_t tenant = 0;
    bool into_carveout = false;
    std::uint16_t group = 0; ///< see `Transit`
    bool postable = false;
    double home_share = 0; ///< of the accesses that reach the memory's home, how many a cache there serves
    bool l2_hit = false;
    float l2_far = 0; ///< see `Transit`
    bool coherent = false;
    std::uint32_t granule = 64;
    float service_scale = 1;
    std::uint64_t working_set = 0;

    Server* gate = nullptr;      ///< limit inside the engine; bursts pass it one by one
    std::uint64_t gate_rate = 0; ///< bytes a second

    struct Hit {
        double share; ///< of all accesses that this cache serves
        Picoseconds latency;
    };
    std::vector<Hit> hits;    ///< caches of the initiator, as far as latency needs them
    Picoseconds overhead = 0; ///< added to each access: what an atomic costs beyond a read

    /// A spread leg: further places beside this one, which bursts take in turn. They have no `others` of their own.
    std::vector<Leg> others;

    std::size_t places() const { return 1 + others.size(); }
    /// Of a leg that is not spread, always the leg itself.
    const Leg& place(std::size_t turn) const {
        const std::size_t which = others.empty() ? 0 : turn % places();
        return which == 0 ? *this : others[which - 1];
    }
};

/// Who waits for jobs of so many bytes. Called from events; may start further jobs.
class JobClient {
public:
    virtual void delivered(void* token) = 0;    ///< the last byte has arrived
    virtual void acknowledged(void* token) = 0; ///< and the initiator knows; the job is over. Never before the other
    virtual void failed(void* token, const std::string& why) = 0; ///< instead of both: nothing maps an access

protected:
    ~JobClient() = default;
};

/// What an engine is asked to do, in the engine's own terms; the runner makes it from a stream of the scenario.
///
/// A worker (a core, a thread block, a copy engine) has `read_window` bytes of reads in flight. It issues as long as
/// there is room in the window, at `read_rate` at most; the room of a read is free again `hold` after its data is back:
///
///     bytes a second = window / (latency + burst / rate + hold)
///
/// A block is many warps, and each goes on when its own loads are back, so that nothing waits for a whole window. When
/// a unit has writes, each follows the reads of its unit, with a window and a rate of its own. The bursts of a spread
/// leg go to its places in turn, and to the next offset after each round.
struct StreamJob {
    enum class Pattern { kSequential, kRandom, kChase, kPingPong };

    std::string name;
    Pattern pattern = Pattern::kSequential;
    std::vector<Leg> reads;
    std::optional<Leg> write;

    std::uint64_t burst_bytes = 4096;
    unsigned workers = 1;
    bool shared_cursor = true; ///< workers take turns at one range (GPU grid); false: a range for each (CPU threads)
    std::uint64_t read_window = 0;
    std::uint64_t write_window = 0;
    std::uint64_t read_rate = 0; ///< bytes a second of one worker; 0 = no limit
    std::uint64_t write_rate = 0;
    Picoseconds hold = 0;       ///< of a read: its data is used, and its warp or loop takes its turn to issue again
    std::uint64_t rate_cap = 0; ///< bytes a second of the whole stream; 0 = none
    /// Not 0: so many bytes, each counted once, are a kernel. When all of them are back, the next one is launched.
    std::uint64_t pass_bytes = 0;
    Picoseconds launch = 0; ///< from the last byte of a kernel to the first request of the next
    std::uint64_t seed = 1;
    Picoseconds retry = 20'000'000; ///< from the loss of a packet until it is sent again (assumed, 1 us to 1 ms)

    /// Ping-pong: the two sides. `local` = the line moves within the socket in `leg.overhead`, no packet.
    struct Turn {
        Engine* engine;
        Leg leg;
        bool local = false;
    };
    std::vector<Turn> turns;

    struct Counters {
        std::uint64_t units = 0;          ///< finished: a burst read, written or copied; an access; a round trip
        std::uint64_t bytes = 0;          ///< of finished units, each counted once
        std::uint64_t latency = 0;        ///< picoseconds, summed over finished units
        std::uint64_t bytes_sent = 0;     ///< asked for by reads and writes
        LostPackets lost;                 ///< each was sent again, unless the job had ended
        std::uint64_t bytes_given_up = 0; ///< of those that were not
        std::uint64_t bytes_received = 0; ///< of reads and writes that came back
    };
};

} // namespace models
