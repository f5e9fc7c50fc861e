#include "models/router.h"

#include <algorithm>
#include <cassert>
#include <map>

namespace models {

void Router::set_route(Aperture aperture, std::uint16_t destination, const std::vector<Hop>& hops) {
    assert(!hops.empty());
    unsigned rounds = 0;
    for (const Hop& hop : hops) {
        assert(hop.weight > 0 && hop.port < ports());
        rounds = std::max(rounds, hop.weight);
    }
    std::vector<unsigned> turns;
    for (unsigned round = 0; round < rounds; ++round) {
        for (const Hop& hop : hops) {
            if (round < hop.weight) {
                turns.push_back(hop.port);
            }
        }
    }
    auto& routes = routes_[static_cast<std::size_t>(aperture)];
    if (routes.size() <= destination) {
        routes.resize(destination + 1u, kNone);
    }
    routes[destination] = intern(std::move(turns));
}

void Router::clear_route(Aperture aperture, std::uint16_t destination) {
    auto& routes = routes_[static_cast<std::size_t>(aperture)];
    if (destination < routes.size()) {
        routes[destination] = kNone;
    }
}

void Router::turn_round(unsigned port, Payload& payload, Picoseconds delay) {
    Transit& packet = transit(payload);
    packet.lost = true;
    packet.tail = 0;
    payload.set_response_status(tlm::TLM_GENERIC_ERROR_RESPONSE);
    send_response(port, payload, delay);
}

/// Those found last are tried first: neighbouring destinations often share them.
std::uint32_t Router::intern(std::vector<unsigned> ports) {
    if (ports.size() == 1) {
        return ports[0] | kOnly;
    }
    const auto known =
        std::find_if(turns_.rbegin(), turns_.rend(), [&](const Turns& turns) { return turns.ports == ports; });
    if (known != turns_.rend()) {
        return static_cast<std::uint32_t>(turns_.rend() - known - 1);
    }
    turns_.push_back({std::move(ports), 0, 0});
    return static_cast<std::uint32_t>(turns_.size() - 1);
}

std::vector<unsigned> Router::ports_to(const Transit& packet) const {
    const std::uint32_t way = route(packet);
    return (way & kOnly) != 0 ? std::vector{way & ~kOnly} : turns_[way].ports;
}

unsigned Router::next(Turns& way) {
    const std::size_t count = way.ports.size();
    const std::size_t at = way.first + way.done;
    const unsigned port = way.ports[at < count ? at : at - count];
    if (++way.done == count) {
        way.done = 0;
        way.first = way.first + 1 == count ? 0 : way.first + 1;
    }
    return port;
}

void Router::trace_onward(Payload& payload, PathTrace& trace) {
    const Transit packet = transit(payload);
    const std::vector<unsigned> turns = ports_to(packet);
    if (turns.size() == 1) {
        pass_on(turns[0], payload);
        transit(payload) = packet;
        return;
    }
    const Picoseconds latency = trace.latency;
    const Picoseconds arrival = trace.arrival;
    const double share = trace.share;
    const auto stages = trace.stages;
    Picoseconds longest = 0;
    Picoseconds longest_arrival = 0;
    auto longest_stages = stages;
    std::map<unsigned, unsigned> weights;
    for (const unsigned port : turns) {
        ++weights[port];
    }
    for (const auto& [port, weight] : weights) {
        transit(payload) = packet;
        trace.latency = 0;
        trace.arrival = 0;
        trace.stages = stages;
        trace.share = share * weight / static_cast<double>(turns.size());
        pass_on(port, payload);
        if (trace.latency >= longest) {
            longest = trace.latency;
            longest_stages = trace.stages;
        }
        longest_arrival = std::max(longest_arrival, trace.arrival);
    }
    trace.share = share;
    trace.latency = latency + longest;
    trace.arrival = arrival + longest_arrival;
    trace.stages = std::move(longest_stages);
}

unsigned Router::access(unsigned, Payload& payload) { return pass_on(choose(transit(payload)), payload); }

} // namespace models
