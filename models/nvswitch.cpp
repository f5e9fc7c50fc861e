#include "models/nvswitch.h"

#include <algorithm>
#include <cassert>

#include "models/sublink.h"

namespace models {

void NvSwitch::set_group(PacketPool& packets, std::uint16_t group, std::vector<Member> members) {
    assert(group != 0 && !members.empty() && ports() < kGathering);
    packets_ = &packets;
    if (groups_.size() <= group) {
        groups_.resize(group + 1u);
    }
    groups_[group] = std::move(members);
}

void NvSwitch::Gathering::arrived(Picoseconds time, std::uint64_t bytes) {
    arrival = std::max(arrival, time);
    Delivery* const delivery = transit(*asked).delivery;
    if (--arrivals_left == 0 && delivery != nullptr) {
        transit(*asked).delivery = nullptr; // told once, even if an answer is lost and all is asked again
        delivery->arrived(arrival, bytes);
    }
}

void NvSwitch::address(Payload& copy, const Member& member, std::uint64_t offset) {
    copy.set_address(member.base + offset);
    transit(copy).group = 0;
    transit(copy).destination = member.gpu;
    transit(copy).memory = member.memory;
}

void NvSwitch::spread(unsigned port, Payload& payload, Picoseconds delay) {
    const std::vector<Member>& members = groups_[transit(payload).group];
    if (idle_.empty()) {
        gatherings_.push_back(std::make_unique<Gathering>());
        idle_.push_back(gatherings_.back().get());
    }
    Gathering& gathering = *idle_.back();
    idle_.pop_back();
    gathering.asked = &payload;
    gathering.port = port;
    gathering.answers_left = gathering.arrivals_left = members.size();
    gathering.first = gathering.last = gathering.arrival = 0;
    gathering.lost = false;
    LinkRoom* const room = transit(payload).room;
    for (const Member& member : members) {
        Payload& copy = packets_->take(payload.get_command(), 0, payload.get_data_length());
        transit(copy) = transit(payload);
        address(copy, member, payload.get_address());
        transit(copy).input = static_cast<std::uint8_t>(port);
        transit(copy).hops = 0;
        transit(copy).push(kGathering);
        transit(copy).token = &gathering;
        transit(copy).delivery = &gathering;
        transit(payload).room = nullptr; // the first copy has it
        assert(transit(copy).room == (&member == &members.front() ? room : nullptr) && "credits come back once");
        if (knows(transit(copy))) {
            send_request(choose(transit(copy)), copy, delay + spec_.latency);
        } else { // its last way was lost
            transit(copy).lost = true;
            transit(copy).tail = 0;
            gather(copy, delay + spec_.latency);
        }
    }
}

void NvSwitch::gather(Payload& copy, Picoseconds delay) {
    Gathering& gathering = *static_cast<Gathering*>(transit(copy).token);
    const Picoseconds now = events().now();
    gathering.first = std::max(gathering.first, now + delay);
    gathering.last = std::max(gathering.last, now + delay + transit(copy).tail);
    gathering.lost = gathering.lost || transit(copy).lost;
    Sublink::leave_room(transit(copy), now + delay);
    copy.release();
    if (--gathering.answers_left > 0) {
        return;
    }
    Payload& asked = *gathering.asked;
    transit(asked).input = static_cast<std::uint8_t>(gathering.port);
    idle_.push_back(&gathering);
    if (gathering.lost) {
        turn_round(gathering.port, asked, gathering.first - now + spec_.latency);
        return;
    }
    asked.set_response_status(tlm::TLM_OK_RESPONSE);
    transit(asked).tail = gathering.last - gathering.first;
    send_response(gathering.port, asked, gathering.first - now + spec_.latency);
}

void NvSwitch::trace(unsigned, Payload& payload, PathTrace& trace) {
    trace.add_latency(basename(), 2 * spec_.latency);
    if (transit(payload).group == 0) {
        trace_onward(payload, trace);
        return;
    }
    const Transit asked = transit(payload);
    const std::uint64_t offset = payload.get_address();
    const PathTrace before = trace; // its stages and times
    PathTrace longest = trace;
    Picoseconds arrival = trace.arrival;
    for (const Member& member : groups_[asked.group]) {
        transit(payload) = asked;
        address(payload, member, offset);
        trace.latency = before.latency;
        trace.arrival = before.arrival;
        trace.stages = before.stages;
        trace_onward(payload, trace);
        arrival = std::max(arrival, trace.arrival);
        if (trace.latency > longest.latency) {
            longest.latency = trace.latency;
            longest.stages = trace.stages;
        }
    }
    transit(payload) = asked;
    payload.set_address(offset);
    trace.latency = longest.latency;
    trace.arrival = arrival;
    trace.stages = longest.stages;
}

} // namespace models
