#include "models/cpu_fabric.h"

namespace models {

CpuFabric::CpuFabric(const sc_core::sc_module_name& name, EventQueue& events, const CpuSpec& spec,
                     const std::vector<std::string>& links)
    : Router(name, events), spec_(spec),
      remote_reads_(std::string(basename()) + " loads in flight over coherent links", spec.remote_read_window_bytes) {
    add_port("cores");
    add_port("memory");
    for (const std::string& link : links) {
        add_port(link);
    }
}

bool CpuFabric::is_remote_read(Payload& payload, unsigned from, unsigned to) const {
    return from == kCores && payload.is_read() && remote_reads_.limited() && to != kMemory;
}

void CpuFabric::request(unsigned port, Payload& payload, Picoseconds delay) {
    Transit& packet = transit(payload);
    const unsigned to = choose(packet);
    packet.push(port);
    if (is_remote_read(payload, port, to)) {
        packet.push(to);
        if (remote_reads_.take(payload, events().now())) {
            pass(packet.pop(), payload, delay);
        }
        return;
    }
    pass(to, payload, delay);
}

void CpuFabric::pass(unsigned to, Payload& payload, Picoseconds delay) {
    const bool from_cores = transit(payload).way_back[transit(payload).hops - 1] == kCores;
    send_request(to, payload, delay + spec_.fabric_latency / 2 + (from_cores ? spec_.core_latency : 0));
}

void CpuFabric::response(unsigned port, Payload& payload, Picoseconds delay) {
    const unsigned to = transit(payload).way_back[transit(payload).hops - 1];
    if (is_remote_read(payload, to, port)) {
        events().at(events().now() + delay, *this, &payload); // gives its room back when it is really here
        return;
    }
    send_response(transit(payload).pop(), payload, delay + spec_.fabric_latency - spec_.fabric_latency / 2);
}

void CpuFabric::fire(void* argument) {
    Payload& payload = *static_cast<Payload*>(argument);
    remote_reads_.give(payload.get_data_length(), events().now());
    while (Payload* next = remote_reads_.next(events().now())) {
        pass(transit(*next).pop(), *next, 0);
    }
    send_response(transit(payload).pop(), payload, spec_.fabric_latency - spec_.fabric_latency / 2);
}

void CpuFabric::trace(unsigned port, Payload& payload, PathTrace& trace) {
    trace.add_latency(basename(), spec_.fabric_latency + (port == kCores ? spec_.core_latency : 0));
    const bool tracked = is_remote_read(payload, port, first_hop(transit(payload)));
    const Picoseconds here = trace.latency;
    trace_onward(payload, trace);
    if (tracked) {
        trace.hold(remote_reads_, payload.get_data_length(),
                   spec_.fabric_latency / 2 + spec_.core_latency + trace.latency - here);
    }
}

} // namespace models
