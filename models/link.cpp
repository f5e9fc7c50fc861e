#include "models/link.h"

#include <algorithm>
#include <cassert>

namespace models {

Link::Link(const sc_core::sc_module_name& name, EventQueue& events, const LinkSpec& spec, const std::string& a,
           const std::string& b)
    : Component(name, events), spec_(spec), rate_(payload_rate(spec)) {
    assert(rate_ > 0);
    add_port("a");
    add_port("b");
    for (unsigned end = 0; end < 2; ++end) {
        sublinks_[end] = std::make_unique<Sublink>(
            *this, events, end, std::string(basename()) + " " + (end == 0 ? a + ">" + b : b + ">" + a), rate_);
        sublinks_[end]->limit(spec.buffer_bytes * spec.count, spec.latency);
    }
}

void Link::joined(unsigned port, const Component& other) {
    if (other.is_switch()) {
        sublinks_[port]->joined_to_switch(true);
        sublinks_[1 - port]->joined_to_switch(false);
    }
}

std::uint64_t Link::wire_bytes(Payload& payload, bool response) const {
    const std::uint64_t bytes = payload.get_data_length();
    const std::uint32_t granule = transit(payload).granule;
    const std::uint64_t packets = (static_cast<std::uint32_t>(bytes) + granule - 1) / granule;
    if (response) {
        if (!transit(payload).answered) { // only in a trace
            return 0;
        }
        return packets * spec_.header_bytes + (payload.is_read() && !transit(payload).lost ? bytes : 0);
    }
    return payload.is_write() ? packets * spec_.write_header_bytes + bytes : packets * spec_.header_bytes;
}

void Link::request(unsigned port, Payload& payload, Picoseconds delay) {
    sublinks_[port]->accept(payload, events().now() + delay);
}

void Link::response(unsigned port, Payload& payload, Picoseconds delay) {
    sublinks_[port]->accept(payload, events().now() + delay);
}

void Link::set_lost(unsigned links) {
    assert(links < spec_.count);
    for (const auto& sublink : sublinks_) {
        sublink->set_rate(rate_ / spec_.count * (spec_.count - links));
    }
}

/// Whatever starts to cross a dead link is lost.
bool Link::lose(unsigned near, Payload& payload) {
    Transit& packet = transit(payload);
    if (packet.lost) {
        return false; // what is lost already comes back as a mark only
    }
    packet.lost = true;
    packet.tail = 0;
    if (payload.get_response_status() != tlm::TLM_INCOMPLETE_RESPONSE) {
        return false;
    }
    if (packet.room != nullptr) { // it leaves no buffer behind
        packet.room->sender().returned(*packet.room, packet.room_bytes, events().now());
        packet.room = nullptr;
    }
    payload.set_response_status(tlm::TLM_GENERIC_ERROR_RESPONSE);
    send_response(near, payload, 0);
    return true;
}

void Link::deliver(unsigned far, Payload& payload, Picoseconds delay) {
    if (dead_ && lose(1 - far, payload)) {
        return;
    }
    if (payload.get_response_status() != tlm::TLM_INCOMPLETE_RESPONSE) {
        send_response(far, payload, delay);
    } else {
        send_request(far, payload, delay);
    }
}

void Link::trace(unsigned port, Payload& payload, PathTrace& trace) {
    const double picoseconds_per_byte = 1e12 / static_cast<double>(rate_);
    trace.add(sublink(port), static_cast<double>(wire_bytes(payload, false)) * picoseconds_per_byte);
    trace.add_latency(basename(), 2 * spec_.latency);
    pass_on(1 - port, payload);
    trace.add(sublink(1 - port), static_cast<double>(wire_bytes(payload, true)) * picoseconds_per_byte);
}

unsigned Link::access(unsigned port, Payload& payload) { return pass_on(1 - port, payload); }

} // namespace models
