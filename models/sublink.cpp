#include "models/sublink.h"

#include <algorithm>
#include <cassert>

#include "models/link.h"

namespace models {

namespace {

bool is_response(const Payload& payload) { return payload.get_response_status() != tlm::TLM_INCOMPLETE_RESPONSE; }

} // namespace

Sublink::Sublink(Link& link, EventQueue& events, unsigned end, const std::string& direction, const LinkSpec& spec,
                 std::uint64_t bytes_per_second)
    : rate_(bytes_per_second), link_(link), latency_(spec.latency),
      header_bytes_(static_cast<std::uint32_t>(spec.header_bytes)),
      write_header_bytes_(static_cast<std::uint32_t>(spec.write_header_bytes)), end_(static_cast<std::uint8_t>(end)),
      store_and_forward_(spec.store_and_forward), server_(std::string(link.basename()) + " " + direction),
      events_(events) {}

void Sublink::limit(std::uint64_t bytes) {
    for (LinkRoom& room : rooms_) {
        room.set(*this, bytes, latency_);
    }
    queued_ = queued_ || bytes != 0;
}

void Sublink::share(const SharingSpec& spec) {
    sharing_ = std::make_unique<Sharing>(spec);
    queued_ = true;
}

void Sublink::accept(Payload& payload, Picoseconds time) {
    if (!queued_) {
        events_.at(time, *this, &payload);
        return;
    }
    const bool response = is_response(payload);
    // Bursts of an end point are one input.
    arrivals_.push(time, {&payload, static_cast<std::uint32_t>(wire_bytes(payload, response)),
                          static_cast<std::uint8_t>(response ? kResponses : kRequests),
                          from_switch_ ? transit(payload).input : std::uint8_t{0}});
    plan(std::max(time, server_.free()));
}

void Sublink::returned(LinkRoom& room, std::uint64_t bytes, Picoseconds time) {
    const Picoseconds known = room.give(bytes, time);
    if (waiting_ != 0) {
        plan(std::max(known, server_.free()));
    }
}

/// The event of a turn; a later one that was planned before finds that it is not its time any more.
inline void Sublink::plan(Picoseconds time) {
    if (time < next_turn_) {
        next_turn_ = time;
        events_.at(time, *this);
    }
}

void Sublink::fire(void* argument) {
    const Picoseconds now = events_.now();
    if (argument != nullptr) {
        auto& payload = *static_cast<Payload*>(argument);
        Transit& packet = transit(payload);
        const auto turn = server_.serve(now, wire_bytes(payload, is_response(payload)), rate_);
        leave_room(packet, turn.start);
        pass_on(payload, turn, now + packet.tail, now);
        return;
    }
    if (now == next_turn_) {
        next_turn_ = kNever;
        serve(now);
    }
}

inline void Sublink::serve(Picoseconds now) {
    while (start_one(now)) {
    }
    if (!arrivals_.empty()) {
        plan(std::max(arrivals_.front().time, server_.free()));
    }
}

/// What has arrived queues by lane.
inline void Sublink::admit(Picoseconds now) {
    while (!arrivals_.empty() && arrivals_.front().time <= now) {
        const auto [arrived, burst] = arrivals_.front();
        arrivals_.pop();
        if (sharing_) {
            Transit& packet = transit(*burst.payload);
            packet.arrived = arrived;
            packet.ticket = tickets_++;
            packet.wire_bytes = burst.wire_bytes;
            sharing_->push(burst.lane, *burst.payload);
        } else {
            turns_[burst.lane].push(bursts_.add({burst.payload, arrived, burst.wire_bytes, burst.lane, burst.input}));
        }
        ++waiting_;
    }
}

/// Starts who is next, if anybody may; true when the next one may then follow in the same instant.
inline bool Sublink::start_one(Picoseconds now) {
    if (server_.free() > now) {
        if (waiting_ != 0) {
            plan(server_.free());
        }
        return false;
    }
    if (waiting_ == 0 && start_first(now)) {
        return server_.free() == now;
    }
    admit(now);
    if (waiting_ == 0) {
        return false;
    }
    Picoseconds later = kNever;
    const WaitingBurst* const next = sharing_ ? next_shared(now, later) : next_unshared(now, later);
    if (next == nullptr) {
        if (later != kNever) {
            plan(later);
        }
        return false;
    }
    const WaitingBurst burst = *next;
    --waiting_;
    if (sharing_) {
        sharing_->pop(burst.lane, *burst.payload, now);
    } else {
        InputTurns& turns = turns_[burst.lane];
        const std::uint32_t node = turns.front();
        turns.pop();
        bursts_.remove(node);
        if (!turns.empty()) {
            prefetch(*bursts_[turns.front()].payload); // for the next turn: nobody has touched it for a while
        }
    }
    start(burst, now);
    if (server_.free() == now) {
        return true;
    }
    if (waiting_ != 0) {
        plan(server_.free());
    }
    return false;
}

/// Nobody waits. What has arrived first goes at once, without a queue, if it need not take turns and finds room: true.
inline bool Sublink::start_first(Picoseconds now) {
    if (arrivals_.empty() || arrivals_.front().time > now || sharing_) {
        return false;
    }
    if (from_switch_ && arrivals_.size() > 1 && arrivals_[1].time <= now) {
        return false; // by several inputs, perhaps
    }
    const auto [arrived, burst] = arrivals_.front();
    if (rooms_[burst.lane].ready(burst.wire_bytes, now) > now) {
        return false;
    }
    arrivals_.pop();
    start({burst.payload, arrived, burst.wire_bytes, burst.lane, burst.input}, now);
    return true;
}

/// Who is next; null if nobody may go at `now`: then `later` becomes the time from which one may, if it is known.
inline const WaitingBurst* Sublink::next_unshared(Picoseconds now, Picoseconds& later) {
    std::array<const WaitingBurst*, kLanes> fronts{};
    for (unsigned lane = 0; lane < kLanes; ++lane) {
        fronts[lane] = turns_[lane].empty() ? nullptr : &bursts_[turns_[lane].front()];
    }
    if (fronts[0] == nullptr || (fronts[1] != nullptr && fronts[1]->arrived < fronts[0]->arrived)) {
        std::swap(fronts[0], fronts[1]); // who came first goes first
    }
    for (const WaitingBurst* front : fronts) {
        if (front == nullptr) {
            continue;
        }
        const Picoseconds ready = rooms_[front->lane].ready(front->wire_bytes, now);
        if (ready <= now) {
            note_blocked(false, now);
            return front;
        }
        later = std::min(later, ready);
    }
    note_blocked(true, now);
    return nullptr;
}

const WaitingBurst* Sublink::next_shared(Picoseconds now, Picoseconds& later) {
    const WaitingBurst* next = nullptr;
    bool short_of_room = false;
    for (unsigned lane = 0; lane < kLanes; ++lane) {
        Payload* const payload = sharing_->front(lane, now, later);
        if (payload == nullptr) {
            continue; // nobody is there, or a cap lets nobody go before `later`
        }
        const Transit& packet = transit(*payload);
        fronts_[lane] = {payload, packet.arrived, packet.wire_bytes, static_cast<std::uint8_t>(lane), 0};
        const Picoseconds ready = rooms_[lane].ready(packet.wire_bytes, now);
        if (ready > now) {
            later = std::min(later, ready);
            short_of_room = true;
        } else if (next == nullptr || sharing_->before(*payload, *next->payload, now)) {
            next = &fronts_[lane];
        }
    }
    note_blocked(next == nullptr && short_of_room, now);
    return next;
}

void Sublink::note_blocked(bool blocked, Picoseconds now) {
    if (blocked != is_blocked_) {
        is_blocked_ = blocked;
        blocked_ += blocked ? 0 : now - blocked_since_;
        blocked_since_ = now;
    }
}

inline void Sublink::start(const WaitingBurst& burst, Picoseconds now) {
    Payload& payload = *burst.payload;
    Transit& packet = transit(payload);
    const auto turn = server_.serve(now, burst.wire_bytes, rate_);
    leave_room(packet, now);
    const Picoseconds last = std::max(now + turn.duration, burst.arrived + packet.tail);
    LinkRoom& room = rooms_[burst.lane];
    if (room.limited() && burst.wire_bytes != 0) {
        room.take(burst.wire_bytes, now);
        if (to_switch_) {
            packet.room = &room;
            packet.room_bytes = burst.wire_bytes;
        } else { // an end point takes it as it arrives
            room.give(burst.wire_bytes, (store_and_forward_ ? last : now) + latency_);
        }
    }
    pass_on(payload, turn, burst.arrived + packet.tail, now);
}

/// It starts here at `time`, and so leaves the buffer behind the link that it came by.
void Sublink::leave_room(Transit& packet, Picoseconds time) {
    if (packet.room != nullptr) {
        packet.room->sender().returned(*packet.room, packet.room_bytes, time);
        packet.room = nullptr;
    }
}

/// `came`: when the last byte was here.
inline void Sublink::pass_on(Payload& payload, const Server::Turn& turn, Picoseconds came, Picoseconds now) {
    Picoseconds head = turn.start;
    Picoseconds last = std::max(turn.start + turn.duration, came);
    if (store_and_forward_) {
        const std::uint64_t granule = transit(payload).granule;
        const std::uint64_t packets = std::max<std::uint64_t>((payload.get_data_length() + granule - 1) / granule, 1);
        const Picoseconds one = turn.duration / packets;
        if (packets > 1) { // the last one goes when it has come in whole
            last = std::max(last, came + one);
        }
        head = packets > 1 ? turn.start + one : last;
    }
    transit(payload).tail = last - head;
    link_.deliver(1 - end_, payload, head + latency_ - now);
}

} // namespace models
