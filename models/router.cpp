#include "models/router.h"

#include <algorithm>
#include <cassert>
#include <map>

namespace models {

void Router::set_route(Aperture aperture, std::uint16_t destination, const std::vector<Hop>& hops,
                       std::size_t first_turn) {
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
    route.next = first_turn % route.turns.size();
    auto& routes = routes_[static_cast<std::size_t>(aperture)];
    if (routes.size() <= destination) {
        routes.resize(destination + 1u);
    }
    routes[destination] = std::move(route);
}

Router::Route& Router::route(const Transit& packet) {
    auto& routes = routes_[static_cast<std::size_t>(packet.aperture)];
    assert(packet.destination < routes.size() && !routes[packet.destination].turns.empty() &&
           "streams without a route are refused before time starts");
    return routes[packet.destination];
}

unsigned Router::choose(const Transit& packet) {
    Route& way = route(packet);
    const unsigned port = way.turns[way.next];
    if (++way.next == way.turns.size()) {
        way.next = 0;
    }
    return port;
}

void Router::trace_onward(Payload& payload, PathTrace& trace) {
    const Transit packet = transit(payload);
    const auto& turns = route(packet).turns;
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
