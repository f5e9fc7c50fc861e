#pragma once

#include <array>
#include <memory>
#include <string>

#include "models/event_queue.h"
#include "models/input_turns.h"
#include "models/link_room.h"
#include "models/server.h"
#include "models/sharing.h"
#include "models/timed_ring.h"

namespace models {

class Link;

/// One direction of a link: who sends next, and when.
///
/// Without finite buffers and without a sharing policy it is one queue in order of arrival, and a burst's turn is known
/// when it arrives: it goes on at once, with the time that it waits annotated.
///
/// Otherwise a burst waits here until it starts. What will arrive is a list in order of time; the sub-link has one
/// event, for the next instant at which it could start something: when it is free, when a burst arrives, or when
/// credits are known to be back. So a crossing costs one event here too, whether it waits or not.
///
/// Two virtual lanes, requests and responses, have queues and credits (`LinkRoom`) of their own, and a response never
/// waits for a request that cannot go. Between lanes that both can go, first come. In a lane, the inputs of the switch
/// that sends take turns (`InputTurns`), unless a policy says how tenants share the link (`Sharing`).
class Sublink final : public EventQueue::Handler {
public:
    static constexpr unsigned kRequests = Sharing::kRequests, kResponses = Sharing::kResponses;
    static constexpr unsigned kLanes = Sharing::kLanes;

    /// `direction`: "from>to", for reports.
    Sublink(Link& link, EventQueue& events, unsigned end, const std::string& direction, const LinkSpec& spec,
            std::uint64_t bytes_per_second);

    const Server& server() const { return server_; }
    const std::string& name() const { return server_.name(); }

    /// Room at the far end in each lane. Before the simulation starts, as the following two.
    void limit(std::uint64_t bytes);
    void share(const SharingSpec& spec);
    void joined_to_switch(bool near) { (near ? from_switch_ : to_switch_) = true; }

    /// From the next burst on.
    void set_rate(std::uint64_t bytes_per_second) { rate_ = bytes_per_second; }

    /// What a burst takes on the wire.
    std::uint64_t wire_bytes(Payload& payload, bool response) const {
        const std::uint64_t bytes = payload.get_data_length();
        const std::uint32_t granule = transit(payload).granule;
        const std::uint64_t packets = (static_cast<std::uint32_t>(bytes) + granule - 1) / granule;
        if (response) {
            if (!transit(payload).answered) { // only in a trace
                return 0;
            }
            return packets * header_bytes_ + (payload.is_read() && !transit(payload).lost ? bytes : 0);
        }
        return payload.is_write() ? packets * write_header_bytes_ + bytes : packets * header_bytes_;
    }

    /// A burst whose first byte is here at `time`.
    void accept(Payload& payload, Picoseconds time);
    /// A burst has left the buffer at the far end at `time`.
    void returned(LinkRoom& room, std::uint64_t bytes, Picoseconds time);

    /// `packet` leaves the buffer that it lies in, if it lies in one.
    static void leave_room(Transit& packet, Picoseconds time);

    /// Bursts that wait with nothing in sight that would let them go.
    std::uint64_t stuck() const { return next_turn_ == kNever ? waiting_ : 0; }
    /// Time up to `now` in which it was free and bursts waited for credits.
    Picoseconds blocked_until(Picoseconds now) const { return blocked_ + (is_blocked_ ? now - blocked_since_ : 0); }

private:
    static constexpr Picoseconds kNever = LinkRoom::kUnknown;

    /// A burst that will arrive.
    struct Coming {
        Payload* payload;
        std::uint32_t wire_bytes;
        std::uint8_t lane;
        std::uint8_t input; ///< port of the switch by which it came
    };

    void fire(void* argument) override;
    void plan(Picoseconds time);
    void serve(Picoseconds now);
    void admit(Picoseconds now);
    bool start_one(Picoseconds now);
    const WaitingBurst* next_unshared(Picoseconds now, Picoseconds& later);
    const WaitingBurst* next_shared(Picoseconds now, Picoseconds& later);
    bool start_first(Picoseconds now);
    void start(const WaitingBurst& burst, Picoseconds now);
    void note_blocked(bool blocked, Picoseconds now);
    void pass_on(Payload& payload, const Server::Turn& turn, Picoseconds came, Picoseconds now);

    // What every crossing looks at comes first.
    Picoseconds next_turn_ = kNever;
    std::uint64_t waiting_ = 0; ///< bursts that have arrived
    std::uint64_t rate_;        ///< bytes a second
    Link& link_;
    const Picoseconds latency_; ///< one way
    const std::uint32_t header_bytes_;
    const std::uint32_t write_header_bytes_;
    const std::uint8_t end_;
    const bool store_and_forward_;
    bool queued_ = false; ///< bursts wait here
    bool from_switch_ = false;
    bool to_switch_ = false;
    bool is_blocked_ = false;
    TimedRing<Coming> arrivals_;
    Server server_;
    std::array<LinkRoom, kLanes> rooms_;
    std::array<InputTurns, kLanes> turns_{InputTurns(bursts_), InputTurns(bursts_)};
    WaitingBursts bursts_; ///< of `turns_`
    EventQueue& events_;
    std::unique_ptr<Sharing> sharing_;
    std::array<WaitingBurst, kLanes> fronts_{}; ///< by lane: whom the policy chose last
    std::uint64_t tickets_ = 0;
    Picoseconds blocked_ = 0;
    Picoseconds blocked_since_ = 0;
};

} // namespace models
