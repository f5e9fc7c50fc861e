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
    Turns turns;
    for (unsigned round = 0; round < rounds; ++round) {
        for (const Hop& hop : hops) {
            if (round < hop.weight) {
                turns.push_back(hop.port);
            }
        }
    }
    Route route;
    route.next = static_cast<std::uint32_t>(first_turn % turns.size());
    route.turns = intern(std::move(turns));
    auto& routes = routes_[static_cast<std::size_t>(aperture)];
    if (routes.size() <= destination) {
        routes.resize(destination + 1u);
    }
    routes[destination] = route;
}

/// Those found last are tried first: neighbouring destinations often share them.
std::uint32_t Router::intern(Turns turns) {
    const auto known = std::find(turns_.rbegin(), turns_.rend(), turns);
    if (known != turns_.rend()) {
        return static_cast<std::uint32_t>(turns_.rend() - known);
    }
    turns_.push_back(std::move(turns));
    return static_cast<std::uint32_t>(turns_.size());
}

Router::Route& Router::route(const Transit& packet) {
    auto& routes = routes_[static_cast<std::size_t>(packet.aperture)];
    assert(packet.destination < routes.size() && routes[packet.destination].turns != 0 &&
           "streams without a route are refused before time starts");
    return routes[packet.destination];
}

unsigned Router::choose(const Transit& packet) {
    Route& way = route(packet);
    const Turns& turns = turns_[way.turns - 1];
    const unsigned port = turns[way.next];
    if (++way.next == turns.size()) {
        way.next = 0;
    }
    return port;
}

void Router::trace_onward(Payload& payload, PathTrace& trace) {
    const Transit packet = transit(payload);
    const Turns& turns = turns_[route(packet).turns - 1];
    if (turns.size() == 1) {
        pass_on(turns[0], payload);
        transit(payload) = packet;
        return;
    }
    const Picoseconds latency = trace.latency;
    const double share = trace.share;
    const auto stages = trace.stages;
    Picoseconds longest = 0;
    auto longest_stages = stages;
    std::map<unsigned, unsigned> weights;
    for (const unsigned port : turns) {
        ++weights[port];
    }
    for (const auto& [port, weight] : weights) {
        transit(payload) = packet;
        trace.latency = 0;
        trace.stages = stages;
        trace.share = share * weight / static_cast<double>(turns.size());
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
