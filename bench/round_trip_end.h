#pragma once

#include "models/port.h"

namespace bench {

/// An end of a path: answers each request at once when its first byte is there, and hears of each answer.
class RoundTripEnd : public models::Component, private models::EventQueue::Handler {
public:
    RoundTripEnd(const sc_core::sc_module_name& name, models::EventQueue& events, models::PacketPool& packets)
        : Component(name, events), packets_(packets) {
        add_port("link");
    }

protected:
    /// The answer to one of its requests is there.
    virtual void answered() = 0;

    /// A request of `bytes` to part `destination` over the fabric.
    void ask(tlm::tlm_command command, std::uint16_t destination, std::uint64_t bytes, std::uint32_t granule) {
        models::Payload& payload = packets_.take(command, 0, bytes);
        models::transit(payload).aperture = models::Aperture::kFabric;
        models::transit(payload).destination = destination;
        models::transit(payload).granule = granule;
        send_request(0, payload, 0);
    }

private:
    void request(unsigned, models::Payload& payload, models::Picoseconds delay) override {
        events().at(events().now() + delay, *this, &payload);
    }
    void response(unsigned, models::Payload& payload, models::Picoseconds delay) override {
        events().at(events().now() + delay, *this, &payload);
    }
    void fire(void* argument) override {
        auto& payload = *static_cast<models::Payload*>(argument);
        if (payload.get_response_status() == tlm::TLM_INCOMPLETE_RESPONSE) {
            models::transit(payload).tail = 0;
            payload.set_response_status(tlm::TLM_OK_RESPONSE);
            send_response(0, payload, 0);
            return;
        }
        payload.release();
        answered();
    }
    void trace(unsigned, models::Payload&, models::PathTrace&) override {}
    unsigned access(unsigned, models::Payload&) override { return 0; }

    models::PacketPool& packets_;
};

} // namespace bench
