#include "models/sublink.h"

#include <algorithm>
#include <cassert>

#include "models/link.h"

namespace models {

namespace {

bool is_response(const Payload& payload) { return payload.get_response_status() != tlm::TLM_INCOMPLETE_RESPONSE; }

} // namespace

Sublink::Sublink(Link& link, EventQueue& events, unsigned end, std::string name, std::uint64_t bytes_per_second)
    : link_(link), events_(events), end_(end), rate_(bytes_per_second), server_(std::move(name)) {}

void Sublink::limit(std::uint64_t bytes, Picoseconds flight) {
    for (LinkRoom& room : rooms_) {
        room.set(*this, bytes, flight);
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
    arrivals_.push(time, bursts_.add({&payload, time, static_cast<std::uint32_t>(link_.wire_bytes(payload, response)),
                                      static_cast<std::uint8_t>(response ? kResponses : kRequests),
                                      from_switch_ ? transit(payload).input : std::uint8_t{0}}));
    plan(std::max(time, server_.free()));
}

void Sublink::returned(LinkRoom& room, std::uint64_t bytes, Picoseconds time) {
    const Picoseconds known = room.give(bytes, time);
    if (waiting_ != 0) {
        plan(std::max(known, server_.free()));
    }
}

/// The event of a turn; a later one that was planned before finds that it is not its time any more.
void Sublink::plan(Picoseconds time) {
    if (time < next_turn_) {
        next_turn_ = time;
        events_.wake(time, *this);
    }
}

void Sublink::fire(void* argument) {
    const Picoseconds now = events_.now();
    if (argument != nullptr) {
        auto& payload = *static_cast<Payload*>(argument);
        Transit& packet = transit(payload);
        const auto turn = server_.serve(now, link_.wire_bytes(payload, is_response(payload)), rate_);
        leave_room(packet, turn.start);
        pass_on(payload, turn, now + packet.tail, now);
        return;
    }
    if (now == next_turn_) {
        next_turn_ = kNever;
        serve(now);
    }
}

void Sublink::serve(Picoseconds now) {
    do {
        admit(now);
    } while (start_one(now));
    if (!arrivals_.empty()) {
        plan(std::max(arrivals_.front().time, server_.free()));
    }
}

/// What has arrived queues by lane.
void Sublink::admit(Picoseconds now) {
    while (!arrivals_.empty() && arrivals_.front().time <= now) {
        const std::uint32_t node = arrivals_.front().what;
        arrivals_.pop();
        const WaitingBurst& burst = bursts_[node];
        if (sharing_) {
            Transit& packet = transit(*burst.payload);
            packet.arrived = burst.arrived;
            packet.ticket = tickets_++;
            packet.wire_bytes = burst.wire_bytes;
            sharing_->push(burst.lane, *burst.payload);
            bursts_.remove(node);
        } else {
            turns_[burst.lane].push(node);
        }
        ++waiting_;
    }
}

/// Starts who is next, if anybody may; true when the next one may then follow in the same instant.
bool Sublink::start_one(Picoseconds now) {
    if (waiting_ == 0) {
        return false;
    }
    if (server_.free() > now) {
        plan(server_.free());
        return false;
    }
    const WaitingBurst* next = nullptr;
    Picoseconds later = kNever;
    bool short_of_room = false;
    for (unsigned lane = 0; lane < kLanes; ++lane) {
        const WaitingBurst* const first = front(lane, now, later);
        if (first == nullptr) {
            continue;
        }
        const Picoseconds ready = rooms_[lane].ready(first->wire_bytes, now);
        if (ready > now) {
            later = std::min(later, ready);
            short_of_room = true;
        } else if (next == nullptr || (sharing_ ? sharing_->before(*first->payload, *next->payload, now)
                                                : first->arrived < next->arrived)) {
            next = first;
        }
    }
    note_blocked(next == nullptr && short_of_room, now);
    if (next == nullptr) {
        if (later != kNever) {
            plan(later);
        }
        return false;
    }
    start(WaitingBurst(*next), now);
    if (server_.free() == now) {
        return true;
    }
    if (waiting_ != 0) {
        plan(server_.free());
    }
    return false;
}

void Sublink::note_blocked(bool blocked, Picoseconds now) {
    if (blocked != is_blocked_) {
        is_blocked_ = blocked;
        blocked_ += blocked ? 0 : now - blocked_since_;
        blocked_since_ = now;
    }
}

/// Who is next in `lane`; null if nobody is, or a cap lets nobody go before `later`.
const WaitingBurst* Sublink::front(unsigned lane, Picoseconds now, Picoseconds& later) {
    if (!sharing_) {
        return turns_[lane].empty() ? nullptr : &bursts_[turns_[lane].front()];
    }
    Payload* const payload = sharing_->front(lane, now, later);
    if (payload == nullptr) {
        return nullptr;
    }
    const Transit& packet = transit(*payload);
    fronts_[lane] = {payload, packet.arrived, packet.wire_bytes, static_cast<std::uint8_t>(lane), 0};
    return &fronts_[lane];
}

void Sublink::start(const WaitingBurst& burst, Picoseconds now) {
    Payload& payload = *burst.payload;
    Transit& packet = transit(payload);
    if (sharing_) {
        sharing_->pop(burst.lane, payload, now);
    } else {
        const std::uint32_t node = turns_[burst.lane].front();
        turns_[burst.lane].pop();
        bursts_.remove(node);
        if (!turns_[burst.lane].empty()) {
            prefetch(
                *bursts_[turns_[burst.lane].front()].payload); // for the next turn: nobody has touched it for a while
        }
    }
    --waiting_;
    const auto turn = server_.serve(now, burst.wire_bytes, rate_);
    leave_room(packet, now);
    const Picoseconds last = std::max(now + turn.duration, burst.arrived + packet.tail);
    LinkRoom& room = rooms_[burst.lane];
    if (room.limited()) {
        room.take(burst.wire_bytes, now);
        if (to_switch_) {
            packet.room = &room;
            packet.room_bytes = burst.wire_bytes;
        } else { // an end point takes it as it arrives
            room.give(burst.wire_bytes, (link_.spec().store_and_forward ? last : now) + link_.spec().latency);
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
void Sublink::pass_on(Payload& payload, const Server::Turn& turn, Picoseconds came, Picoseconds now) {
    Picoseconds head = turn.start;
    Picoseconds last = std::max(turn.start + turn.duration, came);
    if (link_.spec().store_and_forward) {
        const std::uint64_t granule = transit(payload).granule;
        const std::uint64_t packets = std::max<std::uint64_t>((payload.get_data_length() + granule - 1) / granule, 1);
        const Picoseconds one = turn.duration / packets;
        if (packets > 1) { // the last one goes when it has come in whole
            last = std::max(last, came + one);
        }
        head = packets > 1 ? turn.start + one : last;
    }
    transit(payload).tail = last - head;
    link_.deliver(1 - end_, payload, head + link_.spec().latency - now);
}

} // namespace models
