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
    arrivals_.push(time, &payload);
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
        pass_on(payload, turn.start, std::max(turn.start + turn.duration, now + packet.tail), now);
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
        Payload& payload = *arrivals_.front().what;
        Transit& packet = transit(payload);
        packet.arrived = arrivals_.front().time;
        packet.ticket = tickets_++;
        packet.wire_bytes = static_cast<std::uint32_t>(link_.wire_bytes(payload, is_response(payload)));
        arrivals_.pop();
        if (!from_switch_) {
            packet.input = 0;
        }
        const unsigned lane = is_response(payload) ? kResponses : kRequests;
        if (sharing_) {
            sharing_->push(lane, payload);
        } else {
            turns_[lane].push(payload);
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
    Payload* next = nullptr;
    unsigned lane_of_next = 0;
    Picoseconds later = kNever;
    bool short_of_room = false;
    for (unsigned lane = 0; lane < kLanes; ++lane) {
        Payload* const front = sharing_               ? sharing_->front(lane, now, later)
                               : turns_[lane].empty() ? nullptr
                                                      : &turns_[lane].front();
        if (front == nullptr) {
            continue;
        }
        const Picoseconds ready = rooms_[lane].ready(transit(*front).wire_bytes, now);
        if (ready > now) {
            later = std::min(later, ready);
            short_of_room = true;
        } else if (next == nullptr ||
                   (sharing_ ? sharing_->before(*front, *next, now) : transit(*front).ticket < transit(*next).ticket)) {
            next = front;
            lane_of_next = lane;
        }
    }
    note_blocked(next == nullptr && short_of_room, now);
    if (next == nullptr) {
        if (later != kNever) {
            plan(later);
        }
        return false;
    }
    start(lane_of_next, *next, now);
    return true;
}

void Sublink::note_blocked(bool blocked, Picoseconds now) {
    if (blocked != is_blocked_) {
        is_blocked_ = blocked;
        blocked_ += blocked ? 0 : now - blocked_since_;
        blocked_since_ = now;
    }
}

void Sublink::start(unsigned lane, Payload& payload, Picoseconds now) {
    Transit& packet = transit(payload);
    if (sharing_) {
        sharing_->pop(lane, payload, now);
    } else {
        turns_[lane].pop(packet.wire_bytes);
    }
    --waiting_;
    const auto turn = server_.serve(now, packet.wire_bytes, rate_);
    leave_room(packet, now);
    const Picoseconds last = std::max(now + turn.duration, packet.arrived + packet.tail);
    LinkRoom& room = rooms_[lane];
    if (room.limited()) {
        room.take(packet.wire_bytes, now);
        if (to_switch_) {
            packet.room = &room;
            packet.room_bytes = packet.wire_bytes;
        } else { // an end point takes it as it arrives
            room.give(packet.wire_bytes, (link_.spec().store_and_forward ? last : now) + link_.spec().latency);
        }
    }
    pass_on(payload, now, last, now);
}

/// It starts here at `time`, and so leaves the buffer behind the link that it came by.
void Sublink::leave_room(Transit& packet, Picoseconds time) {
    if (packet.room != nullptr) {
        packet.room->sender().returned(*packet.room, packet.room_bytes, time);
        packet.room = nullptr;
    }
}

void Sublink::pass_on(Payload& payload, Picoseconds head, Picoseconds last, Picoseconds now) {
    if (link_.spec().store_and_forward) {
        head = last;
    }
    transit(payload).tail = last - head;
    link_.deliver(1 - end_, payload, head + link_.spec().latency - now);
}

} // namespace models
