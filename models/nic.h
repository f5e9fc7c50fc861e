#pragma once

#include "models/router.h"
#include "models/specs.h"

namespace models {

/// The network side of a NIC: passes packets between its own engine, the CPU it sits on and its network links.
///
/// A message that comes from or goes to the wire pays `latency` once at each NIC.
class NicPort final : public Router {
public:
    /// Ports: engine, host, then one for each of `links`.
    NicPort(const sc_core::sc_module_name& name, EventQueue& events, const NicSpec& spec,
            const std::vector<std::string>& links)
        : Router(name, events), spec_(spec) {
        add_port("engine");
        add_port("host");
        for (const std::string& link : links) {
            add_port(link);
        }
    }

    static constexpr unsigned kEngine = 0;
    static constexpr unsigned kHost = 1;
    static constexpr unsigned kFirstLink = 2;

private:
    void request(unsigned port, Payload& payload, Picoseconds delay) override {
        const unsigned to = choose(transit(payload));
        transit(payload).push(port);
        send_request(to, payload, delay + (to > kHost || port > kHost ? spec_.latency : 0));
    }
    void response(unsigned, Payload& payload, Picoseconds delay) override {
        send_response(transit(payload).pop(), payload, delay);
    }
    void trace(unsigned port, Payload& payload, PathTrace& trace) override {
        // A way over the wire begins at the engine of another node's memory or comes in from a link.
        trace.add_latency(basename(), port > kHost ? spec_.latency : 0);
        trace_onward(payload, trace);
    }

    const NicSpec spec_;
};

} // namespace models
