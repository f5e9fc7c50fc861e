#include "models/link.h"

#include <algorithm>
#include <cassert>

namespace models {

Link::Link(const sc_core::sc_module_name& name, EventQueue& events, const LinkSpec& spec, const std::string& a,
           const std::string& b)
    : Component(name, events), spec_(spec),
      rate_(payload_rate(spec)), sublinks_{Sublink(*this, events, 0, a + ">" + b, spec, rate_),
                                           Sublink(*this, events, 1, b + ">" + a, spec, rate_)} {
    assert(rate_ > 0);
    add_port("a");
    add_port("b");
    for (Sublink& sublink : sublinks_) {
        sublink.limit(spec.buffer_bytes * spec.count);
    }
}

void Link::joined(unsigned port, const Component& other) {
    if (other.is_switch()) {
        sublinks_[port].joined_to_switch(true);
        sublinks_[1 - port].joined_to_switch(false);
    }
}

void Link::request(unsigned port, Payload& payload, Picoseconds delay) {
    sublinks_[port].accept(payload, events().now() + delay);
}

void Link::response(unsigned port, Payload& payload, Picoseconds delay) {
    sublinks_[port].accept(payload, events().now() + delay);
}

void Link::set_lost(unsigned links) {
    assert(links < spec_.count);
    const std::uint64_t left = spec_.count - links;
    for (Sublink& sublink : sublinks_) {
        sublink.set_rate(rate_ / spec_.count * left + rate_ % spec_.count * left / spec_.count);
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

void Link::trace(unsigned port, Payload& payload, PathTrace& trace) {
    const double picoseconds_per_byte = 1e12 / static_cast<double>(rate_);
    trace.add(sublink(port), static_cast<double>(sender(port).wire_bytes(payload, false)) * picoseconds_per_byte);
    trace.add_latency(basename(), 2 * spec_.latency);
    pass_on(1 - port, payload);
    trace.add(sublink(1 - port),
              static_cast<double>(sender(1 - port).wire_bytes(payload, true)) * picoseconds_per_byte);
}

unsigned Link::access(unsigned port, Payload& payload) { return pass_on(1 - port, payload); }

} // namespace models
