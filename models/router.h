#pragma once

#include <array>
#include <vector>

#include "models/port.h"

namespace models {

/// A component that passes packets between its ports by destination: CPU fabric, GPU hub, NVSwitch, NIC.
///
/// Routes are set before the simulation starts (`sim/routing`, over the machine's graph). Where several ports lead to a
/// destination equally well, bursts take them in turn, each as often as it has links. Responses go the way their
/// request came.
class Router : public Component {
public:
    using Component::Component;

    struct Hop {
        unsigned port;
        unsigned weight; ///< links behind the port, at least 1
    };

    /// `destination` is a part index. Replaces an earlier route. `first_turn`: with which of the equals to begin; were
    /// it the same for all destinations, whoever sends to each of them in turn would fill one way after the other
    /// instead of all. Precondition: `hops` is not empty.
    void set_route(Aperture aperture, std::uint16_t destination, const std::vector<Hop>& hops,
                   std::size_t first_turn = 0);

protected:
    /// The port for this packet; advances the turn among equals.
    unsigned choose(const Transit& packet);
    /// A port that `choose` may name; nothing advances.
    unsigned first_hop(const Transit& packet) { return turns_[route(packet).turns - 1][0]; }
    /// As the request, for a trace: every way, each with its share. `pass_on` continues on each.
    void trace_onward(Payload& payload, PathTrace& trace);
    unsigned access(unsigned port, Payload& payload) override;

private:
    using Turns = std::vector<unsigned>; ///< ports, each as often as its weight

    struct Route {
        std::uint32_t turns = 0; ///< index in `turns_`, and one more; 0: no route
        std::uint32_t next = 0;  ///< whose turn it is
    };

    Route& route(const Transit& packet);
    std::uint32_t intern(Turns turns);

    std::array<std::vector<Route>, kApertures> routes_; ///< by aperture and destination
    std::vector<Turns> turns_;                          ///< many destinations share theirs
};

} // namespace models
