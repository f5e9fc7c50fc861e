// The same crossings through the product's own link and switch, over TLM-2.0 sockets.

#include <memory>
#include <systemc>
#include <vector>

#include "bench/crossings.h"
#include "models/link.h"
#include "models/nvswitch.h"

namespace bench {
namespace {

using models::Payload;
using models::transit;

struct Shared {
    std::uint64_t left = 0;
    Outcome outcome;
};

/// Keeps its window full, and answers what comes in.
class Host final : public models::Component, private models::EventQueue::Handler {
public:
    Host(const sc_core::sc_module_name& name, models::EventQueue& events, models::PacketPool& packets, Shared& shared,
         unsigned number, const Work& work)
        : Component(name, events), packets_(packets), shared_(shared), peers_(number, work.hosts), work_(work) {
        add_port("link");
    }

    void send() {
        if (shared_.left == 0) {
            return;
        }
        --shared_.left;
        Payload& payload = packets_.take(tlm::TLM_WRITE_COMMAND, 0, work_.packet_bytes);
        transit(payload).aperture = models::Aperture::kFabric;
        transit(payload).destination = static_cast<std::uint16_t>(peers_.next());
        transit(payload).granule = static_cast<std::uint32_t>(work_.packet_bytes);
        send_request(0, payload, 0);
    }

private:
    void request(unsigned, Payload& payload, Picoseconds delay) override {
        events().at(events().now() + delay, *this, &payload);
    }
    void response(unsigned, Payload& payload, Picoseconds delay) override {
        events().at(events().now() + delay, *this, &payload);
    }
    void fire(void* argument) override {
        auto& payload = *static_cast<Payload*>(argument);
        if (payload.get_response_status() == tlm::TLM_INCOMPLETE_RESPONSE) {
            transit(payload).tail = 0;
            payload.set_response_status(tlm::TLM_OK_RESPONSE);
            send_response(0, payload, 0);
            return;
        }
        payload.release();
        shared_.outcome.finished = events().now();
        send();
    }
    void trace(unsigned, Payload&, models::PathTrace&) override {}
    unsigned access(unsigned, Payload&) override { return 0; }

    models::PacketPool& packets_;
    Shared& shared_;
    Peers peers_;
    const Work work_;
};

} // namespace

Outcome cross_with_models(const Work& work) {
    models::EventQueue events("events");
    models::PacketPool packets;
    Shared shared{.left = work.round_trips, .outcome = {}};
    std::vector<std::string> names;
    for (unsigned i = 0; i < work.hosts; ++i) {
        names.push_back("link" + std::to_string(i));
    }
    models::NvSwitch crossbar("crossbar", events, {.latency = 0}, names);
    std::vector<std::unique_ptr<Host>> hosts;
    std::vector<std::unique_ptr<models::Link>> links;
    const models::LinkSpec spec{.line_bytes_per_second = kBytesPerSecond,
                                .count = 1,
                                .efficiency = 1,
                                .latency = kLatency,
                                .header_bytes = 0,
                                .write_header_bytes = 0,
                                .buffer_bytes = work.buffer_bytes};
    for (unsigned i = 0; i < work.hosts; ++i) {
        hosts.push_back(std::make_unique<Host>(("host" + std::to_string(i)).c_str(), events, packets, shared, i, work));
        links.push_back(std::make_unique<models::Link>(names[i].c_str(), events, spec));
        models::Component::join(*hosts[i], 0, *links[i], 0);
        models::Component::join(*links[i], 1, crossbar, i);
        crossbar.set_route(models::Aperture::kFabric, static_cast<std::uint16_t>(i), {{i, 1}});
    }
    sc_core::sc_start(sc_core::SC_ZERO_TIME);
    for (auto& host : hosts) {
        for (unsigned i = 0; i < work.window; ++i) {
            host->send();
        }
    }
    sc_core::sc_start();
    for (const auto& link : links) {
        shared.outcome.crossings += link->sublink(0).turns() + link->sublink(1).turns();
    }
    return shared.outcome;
}

} // namespace bench
