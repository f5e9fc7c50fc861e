// The same crossings through the product's own link and switch, over TLM-2.0 sockets.

#include <memory>
#include <systemc>
#include <vector>

#include "bench/crossings.h"
#include "bench/round_trip_end.h"
#include "models/link.h"
#include "models/nvswitch.h"

namespace bench {
namespace {

struct Shared {
    std::uint64_t left = 0;
    Outcome outcome;
};

/// Keeps its window full.
class Host final : public RoundTripEnd {
public:
    Host(const sc_core::sc_module_name& name, models::EventQueue& events, models::PacketPool& packets, Shared& shared,
         unsigned number, const Work& work)
        : RoundTripEnd(name, events, packets), shared_(shared), peers_(number, work.hosts), work_(work) {}

    void send() {
        if (shared_.left > 0) {
            --shared_.left;
            ask(tlm::TLM_WRITE_COMMAND, static_cast<std::uint16_t>(peers_.next()), work_.packet_bytes,
                static_cast<std::uint32_t>(work_.packet_bytes));
        }
    }

private:
    void answered() override {
        shared_.outcome.finished = events().now();
        send();
    }

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
