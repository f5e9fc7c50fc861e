#include "models/gpu_hub.h"

#include <cassert>

namespace models {

GpuHub::GpuHub(const sc_core::sc_module_name& name, EventQueue& events, PacketPool& packets, const GpuSpec& spec,
               const std::vector<std::string>& links)
    : Router(name, events), spec_(spec), packets_(packets), l2_(std::string(basename()) + " L2"),
      l2_crossing_(std::string(basename()) + " L2 partitions"),
      inbound_(std::string(basename()) + " inbound coherent port"),
      system_reads_(std::string(basename()) + " SM loads in flight to CPU memory", spec.system_read_window_bytes),
      hub_reads_(std::string(basename()) + " reads in flight to CPU memory", spec.hub_read_window_bytes),
      hub_writes_(std::string(basename()) + " writes in flight to CPU memory", spec.hub_write_window_bytes),
      posted_writes_(std::string(basename()) + " posted-write buffer", spec.posted_write_bytes) {
    add_port("sm");
    add_port("ce");
    add_port("hbm");
    for (const std::string& link : links) {
        add_port(link);
    }
}

void GpuHub::set_egm(std::uint64_t base, std::uint16_t memory) {
    egm_base_ = base;
    egm_memory_ = memory;
}

/// Turns an EGM or fabric address that is this GPU's to answer into a system address.
void GpuHub::resolve(Payload& payload) const {
    Transit& packet = transit(payload);
    if (packet.aperture == Aperture::kEgm || (packet.aperture == Aperture::kFabric && packet.into_carveout)) {
        payload.set_address(payload.get_address() + egm_base_);
        packet.destination = egm_memory_;
    } else {
        packet.destination = packet.memory;
    }
    packet.aperture = Aperture::kSystem;
}

/// What a request that comes in by `port` pays, there and back.
Picoseconds GpuHub::inward(unsigned port) const { return inside(port) ? spec_.l2.latency : spec_.inbound_latency; }

void GpuHub::request(unsigned port, Payload& payload, Picoseconds delay) {
    Transit& packet = transit(payload);
    if (inside(port)) {
        request_from_engine(port, payload, delay);
        return;
    }
    packet.push(port);
    if (packet.aperture == Aperture::kFabric) {
        resolve(payload);
        const unsigned to = choose(packet);
        if (to != kHbm) {
            send_tracked(port, to, payload, delay);
            return;
        }
        send_request(to, payload, delay + inward(port) / 2);
    } else if (packet.coherent) {
        events().at(events().now() + delay, *this, &payload); // takes its turn at the inbound port
    } else {
        send_request(choose(packet), payload, delay + inward(port) / 2);
    }
}

/// Sends an access to CPU memory on its way, once there is a tracker for it.
void GpuHub::send_tracked(unsigned from, unsigned to, Payload& payload, Picoseconds delay) {
    CreditPool& pool = pool_of(payload, from);
    if (!pool.limited()) {
        send_request(to, payload, delay + inward(from) / 2);
        return;
    }
    Transit& packet = transit(payload);
    packet.tracked = true;
    packet.tracker_hops = packet.hops;
    packet.push(to);
    if (pool.take(payload, events().now(), from)) {
        send_request(packet.pop(), payload, delay + inward(from) / 2);
    }
}

/// A coherent request at the inbound port, or a response that gives room back.
void GpuHub::fire(void* argument) {
    auto& payload = *static_cast<Payload*>(argument);
    const Picoseconds now = events().now();
    if (payload.get_response_status() != tlm::TLM_INCOMPLETE_RESPONSE) {
        give_back(payload);
        return;
    }
    const double work = static_cast<double>(payload.get_data_length()) * double{transit(payload).service_scale};
    transit(payload).service_scale = 1;
    const auto turn = inbound_.serve(now, static_cast<std::uint64_t>(work), spec_.inbound_bytes_per_second);
    const Picoseconds queueing = inbound_.queueing_delay(spec_.inbound_queueing_quantum, spec_.inbound_queueing_depth);
    send_request(choose(transit(payload)), payload, turn.start - now + queueing + spec_.inbound_latency / 2);
}

void GpuHub::request_from_engine(unsigned port, Payload& payload, Picoseconds delay) {
    Transit& packet = transit(payload);
    assert(delay == 0 && "engines send when they send");
    if (packet.l2_hit) {
        hit_l2(port, payload);
        return;
    }
    if (packet.aperture == Aperture::kEgm) {
        resolve(payload);
    }
    if (packet.aperture == Aperture::kFabric && !knows(packet)) { // links have died
        turn_round(port, payload, inward(port));
        return;
    }
    const unsigned to = choose(packet);
    packet.push(port);
    const bool to_cpu = to != kHbm && packet.aperture == Aperture::kSystem;
    if (to != kHbm && packet.postable) {
        packet.push(to);
        packet.tracked = to_cpu && hub_writes_.limited();
        packet.tracker_hops = kToBePosted;
        if (room_of_store(packet).take(payload, events().now(), port)) {
            post(payload, delay);
        }
    } else if (to_cpu) {
        send_tracked(port, to, payload, delay);
    } else {
        send_request(to, payload, delay + inward(port) / 2);
    }
}

void GpuHub::hit_l2(unsigned port, Payload& payload) {
    Transit& packet = transit(payload);
    const Picoseconds now = events().now();
    const double bytes = static_cast<double>(payload.get_data_length());
    auto turn = l2_.serve(now, payload.get_data_length(), spec_.l2_bytes_per_second);
    Picoseconds latency = spec_.l2.latency;
    if (packet.l2_far > 0) {
        latency += static_cast<Picoseconds>(double{packet.l2_far} *
                                            static_cast<double>(spec_.l2_far_latency - spec_.l2.latency));
        if (spec_.l2_crossing_bytes_per_second != 0) {
            const auto far = static_cast<std::uint64_t>(bytes * double{packet.l2_far});
            const auto crossing = l2_crossing_.serve(now, far, spec_.l2_crossing_bytes_per_second);
            turn.start = std::max(turn.start, crossing.start);
            turn.duration = std::max(turn.duration, crossing.duration);
        }
    }
    packet.tail = std::max(packet.tail, turn.duration);
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
    send_response(port, payload, turn.start - now + latency);
}

/// Acknowledges `payload`, which has room in the buffer, and sends its data on in a packet of the hub's own.
void GpuHub::post(Payload& payload, Picoseconds delay) {
    Transit& packet = transit(payload);
    const unsigned to = packet.pop();
    const unsigned engine = packet.pop();
    Payload& onward = packets_.take(tlm::TLM_WRITE_COMMAND, payload.get_address(), payload.get_data_length());
    transit(onward) = packet;
    transit(onward).push(kPosted);
    transit(onward).token = nullptr;
    send_request(to, onward, delay + inward(engine) / 2);
    packet.tracked = false;
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
    const Picoseconds acknowledged = delay + inward(engine) + spec_.posted_write_latency + packet.tail;
    packet.tail = 0;
    send_response(engine, payload, acknowledged);
}

void GpuHub::response(unsigned, Payload& payload, Picoseconds delay) {
    const unsigned to = transit(payload).way_back[transit(payload).hops - 1];
    if (to == kPosted || (transit(payload).tracked && transit(payload).tracker_hops == transit(payload).hops)) {
        events().at(events().now() + delay, *this, &payload); // gives its room back when it is really here
        return;
    }
    send_response(transit(payload).pop(), payload, delay + inward(to) - inward(to) / 2);
}

/// A posted write that was lost: nobody else has its data.
void GpuHub::send_again(Payload& payload) {
    Transit& packet = transit(payload);
    packet.lost = false;
    packet.push(kPosted);
    payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
    send_request(choose(packet), payload, kSendAgain);
}

/// Room in the posted-write buffer or among the accesses in flight is free again; who waits for it goes on.
void GpuHub::give_back(Payload& payload) {
    const std::uint64_t bytes = payload.get_data_length();
    const unsigned to = transit(payload).pop();
    if (to == kPosted && transit(payload).lost) {
        lost_.add(1, bytes);
        const bool arrived = payload.get_response_status() == tlm::TLM_OK_RESPONSE; // its acknowledgement was lost
        if (!arrived && knows(transit(payload))) {
            send_again(payload);
            return;
        }
    }
    CreditPool& pool = to == kPosted ? room_of_store(transit(payload)) : pool_of(payload, to);
    if (to == kPosted) {
        payload.release();
    } else {
        transit(payload).tracked = false;
    }
    pool.give(bytes, events().now());
    go_on(pool);
    if (to != kPosted) {
        send_response(to, payload, inward(to) - inward(to) / 2);
    }
}

void GpuHub::go_on(CreditPool& pool) {
    while (Payload* next = pool.next(events().now())) {
        Transit& packet = transit(*next);
        if (packet.tracker_hops == kToBePosted) {
            post(*next, 0);
            continue;
        }
        const unsigned onward = packet.pop();
        const unsigned from = packet.way_back[packet.hops - 1];
        send_request(onward, *next, inward(from) / 2);
    }
}

void GpuHub::trace(unsigned port, Payload& payload, PathTrace& trace) {
    const Transit before = transit(payload);
    const std::uint64_t address = payload.get_address();
    trace.add_latency(basename(), inward(port));
    if (inside(port) && before.l2_hit) {
        const double picoseconds = payload.get_data_length() * 1e12;
        const double far = double{before.l2_far};
        trace.add(l2_, picoseconds / static_cast<double>(spec_.l2_bytes_per_second));
        if (far > 0) {
            const auto longer = static_cast<double>(spec_.l2_far_latency - spec_.l2.latency);
            trace.add_latency(l2_crossing_.name(), static_cast<Picoseconds>(far * longer));
            if (spec_.l2_crossing_bytes_per_second != 0) {
                trace.add(l2_crossing_, picoseconds * far / static_cast<double>(spec_.l2_crossing_bytes_per_second));
            }
        }
        return;
    }
    if (before.aperture == Aperture::kEgm || (!inside(port) && before.aperture == Aperture::kFabric)) {
        resolve(payload);
    } else if (!inside(port) && before.coherent) {
        trace.add(inbound_, payload.get_data_length() * double{before.service_scale} * 1e12 /
                                static_cast<double>(spec_.inbound_bytes_per_second));
        transit(payload).service_scale = 1;
    }
    const bool elsewhere = first_hop(transit(payload)) != kHbm;
    const bool posted = inside(port) && before.postable && elsewhere;
    const bool to_cpu = elsewhere && (inside(port) ? transit(payload).aperture == Aperture::kSystem
                                                   : before.aperture == Aperture::kFabric);
    const Picoseconds here = trace.latency;
    const std::size_t stages = trace.stages.size();
    trace_onward(payload, trace);
    const Picoseconds away = inward(port) / 2 + trace.latency - here;
    CreditPool& pool = to_cpu && (!posted || hub_writes_.limited()) ? pool_of(payload, port) : posted_writes_;
    if ((to_cpu || posted) && pool.limited()) {
        trace.hold(pool, payload.get_data_length(), away);
    }
    if (posted) { // the engine hears from the buffer, not from the far end
        trace.latency = here;
        trace.stages.resize(stages);
        trace.add_latency(posted_writes_.name(), spec_.posted_write_latency, 0);
    }
    transit(payload) = before;
    payload.set_address(address);
}

unsigned GpuHub::access(unsigned port, Payload& payload) {
    const Aperture aperture = transit(payload).aperture;
    if (aperture == Aperture::kEgm || (!inside(port) && aperture == Aperture::kFabric)) {
        resolve(payload);
    }
    return Router::access(port, payload);
}

} // namespace models
