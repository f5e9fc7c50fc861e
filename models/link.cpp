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
        sublinks_[end].link = this;
        sublinks_[end].end = end;
        sublinks_[end].server = Server(std::string(basename()) + " " + (end == 0 ? a + ">" + b : b + ">" + a));
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
        return packets * spec_.header_bytes + (payload.is_read() ? bytes : 0);
    }
    return payload.is_write() ? packets * spec_.write_header_bytes + bytes : packets * spec_.header_bytes;
}

void Link::request(unsigned port, Payload& payload, Picoseconds delay) {
    events().at(events().now() + delay, sublinks_[port], &payload);
}

void Link::response(unsigned port, Payload& payload, Picoseconds delay) {
    events().at(events().now() + delay, sublinks_[port], &payload);
}

void Link::cross(Sublink& sublink, Payload& payload) {
    const bool is_response = payload.get_response_status() != tlm::TLM_INCOMPLETE_RESPONSE;
    Transit& packet = transit(payload);
    const Picoseconds now = events().now();
    const auto turn = sublink.server.serve(now, wire_bytes(payload, is_response), rate_);
    Picoseconds head = turn.start;
    Picoseconds last = std::max(turn.start + turn.duration, now + packet.tail);
    if (spec_.store_and_forward) {
        const std::uint64_t packets =
            std::max<std::uint64_t>((payload.get_data_length() + packet.granule - 1) / packet.granule, 1);
        const Picoseconds one = turn.duration / packets;
        if (packets > 1) { // the last one goes when it has come in whole
            last = std::max(last, now + packet.tail + one);
        }
        head = packets > 1 ? turn.start + one : last;
    }
    packet.tail = last - head;
    const Picoseconds delay = head + spec_.latency - now;
    const unsigned far = 1 - sublink.end;
    if (is_response) {
        send_response(far, payload, delay);
    } else {
        send_request(far, payload, delay);
    }
}

void Link::trace(unsigned port, Payload& payload, PathTrace& trace) {
    const double picoseconds_per_byte = 1e12 / static_cast<double>(rate_);
    trace.add(sublinks_[port].server, static_cast<double>(wire_bytes(payload, false)) * picoseconds_per_byte);
    trace.add_latency(basename(), 2 * spec_.latency);
    pass_on(1 - port, payload);
    trace.add(sublinks_[1 - port].server, static_cast<double>(wire_bytes(payload, true)) * picoseconds_per_byte);
}

unsigned Link::access(unsigned port, Payload& payload) { return pass_on(1 - port, payload); }

} // namespace models
