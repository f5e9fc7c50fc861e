#pragma once

#include "models/router.h"
#include "models/specs.h"

namespace models {

/// The network side of a NIC: passes packets between its own engine, the CPU it sits on and its network links.
///
/// A message that comes from or goes to the wire pays `latency` at each NIC, be it a request or its answer: half of a
/// round trip is the time one way.
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
    void response(unsigned port, Payload& payload, Picoseconds delay) override {
        const unsigned to = transit(payload).pop();
        send_response(to, payload, delay + (to > kHost || port > kHost ? spec_.latency : 0));
    }
    void trace(unsigned port, Payload& payload, PathTrace& trace) override {
        const bool wire = port > kHost || first_hop(transit(payload)) > kHost;
        trace.add_latency(basename(), wire ? 2 * spec_.latency : 0);
        trace_onward(payload, trace);
    }

    const NicSpec spec_;
};

} // namespace models
