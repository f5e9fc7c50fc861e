#include "models/router.h"

#include <algorithm>
#include <cassert>

namespace models {

void Router::set_route(Aperture aperture, std::uint16_t destination, const std::vector<Hop>& hops) {
    assert(!hops.empty());
    unsigned rounds = 0;
    for (const Hop& hop : hops) {
        assert(hop.weight > 0 && hop.port < ports());
        rounds = std::max(rounds, hop.weight);
    }
    Route route;
    for (unsigned round = 0; round < rounds; ++round) {
        for (const Hop& hop : hops) {
            if (round < hop.weight) {
                route.turns.push_back(hop.port);
            }
        }
    }
    routes_[{aperture, destination}] = std::move(route);
}

unsigned Router::choose(const Transit& packet) {
    const auto found = routes_.find({packet.aperture, packet.destination});
    assert(found != routes_.end() && "streams without a route are refused before time starts");
    Route& route = found->second;
    const unsigned port = route.turns[route.next];
    route.next = (route.next + 1) % route.turns.size();
    return port;
}

void Router::trace_onward(Payload& payload, PathTrace& trace) {
    const Transit packet = transit(payload);
    const auto found = routes_.find({packet.aperture, packet.destination});
    assert(found != routes_.end());
    if (found->second.turns.size() == 1) {
        pass_on(found->second.turns[0], payload);
        transit(payload) = packet;
        return;
    }
    const Picoseconds latency = trace.latency;
    const double share = trace.share;
    const auto stages = trace.stages;
    Picoseconds longest = 0;
    auto longest_stages = stages;
    std::map<unsigned, unsigned> weights;
    for (const unsigned port : found->second.turns) {
        ++weights[port];
    }
    for (const auto& [port, weight] : weights) {
        transit(payload) = packet;
        trace.latency = 0;
        trace.stages = stages;
        trace.share = share * weight / static_cast<double>(found->second.turns.size());
        pass_on(port, payload);
        if (trace.latency >= longest) {
            longest = trace.latency;
            longest_stages = trace.stages;
        }
    }
    trace.share = share;
    trace.latency = latency + longest;
    trace.stages = std::move(longest_stages);
}

unsigned Router::access(unsigned, Payload& payload) { return pass_on(choose(transit(payload)), payload); }

} // namespace models
