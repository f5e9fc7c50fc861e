#pragma once

#include "models/router.h"
#include "models/specs.h"

namespace models {

/// NVSwitch: passes packets between its ports, `latency` each way. Its crossbar is non-blocking; packets for the same
/// port queue at that port's link.
///
/// Each input port has the buffer of its link (`LinkSpec::buffer_bytes`) for each virtual lane. A packet holds its room
/// until the link out of its output port starts to send it; any packet in the buffer may go whose output is free, so
/// that none waits behind one for another port (virtual output queues that share the buffer), until the buffer is full.
/// Inputs that wait for the same output take turns by bytes (`InputTurns`).
///
/// Not modelled: multicast, in-network reduction.
class NvSwitch final : public Router {
public:
    /// One port for each of `links`, in their order.
    NvSwitch(const sc_core::sc_module_name& name, EventQueue& events, const SwitchSpec& spec,
             const std::vector<std::string>& links)
        : Router(name, events), spec_(spec) {
        for (const std::string& link : links) {
            add_port(link);
        }
    }

    static constexpr unsigned kFirstLink = 0;

    bool is_switch() const override { return true; }

private:
    void request(unsigned port, Payload& payload, Picoseconds delay) override {
        if (!knows(transit(payload))) { // on its way when the last way was lost
            turn_round(port, payload, delay + spec_.latency);
            return;
        }
        transit(payload).push(port);
        transit(payload).input = static_cast<std::uint8_t>(port);
        send_request(choose(transit(payload)), payload, delay + spec_.latency);
    }
    void response(unsigned port, Payload& payload, Picoseconds delay) override {
        transit(payload).input = static_cast<std::uint8_t>(port);
        send_response(transit(payload).pop(), payload, delay + spec_.latency);
    }
    void trace(unsigned, Payload& payload, PathTrace& trace) override {
        trace.add_latency(basename(), 2 * spec_.latency);
        trace_onward(payload, trace);
    }

    const SwitchSpec spec_;
};

} // namespace models
