#pragma once

#include <array>
#include <vector>

#include "models/port.h"

namespace models {

/// A component that passes packets between its ports by destination: CPU fabric, GPU hub, NVSwitch, NIC.
///
/// Routes are set before the simulation starts (`sim/routing`, over the machine's graph). Where several ports lead to a
/// destination equally well, bursts take them in turn, each as often as it has links; all destinations behind the same
/// ports share one turn, so that what follows each other leaves by different ports whatever it is for (decision 22).
/// Responses go the way their request came.
class Router : public Component {
public:
    using Component::Component;

    struct Hop {
        unsigned port;
        unsigned weight; ///< links behind the port, at least 1
    };

    /// `destination` is a part index. Replaces an earlier route. Precondition: `hops` is not empty.
    void set_route(Aperture aperture, std::uint16_t destination, const std::vector<Hop>& hops);

    /// There is no way to `destination` any more.
    void clear_route(Aperture aperture, std::uint16_t destination);

protected:
    bool knows(const Transit& packet) const {
        const auto& routes = routes_[static_cast<std::size_t>(packet.aperture)];
        return packet.destination < routes.size() && routes[packet.destination] != kNone;
    }
    /// Sends a request without a way back to `port`, lost.
    void turn_round(unsigned port, Payload& payload, Picoseconds delay);
    /// The port for this packet; advances the turn among equals.
    unsigned choose(const Transit& packet) {
        const std::uint32_t route = this->route(packet);
        return (route & kOnly) != 0 ? route & ~kOnly : next(turns_[route]);
    }
    /// A port that `choose` may name; nothing advances.
    unsigned first_hop(const Transit& packet) const {
        const std::uint32_t route = this->route(packet);
        return (route & kOnly) != 0 ? route & ~kOnly : turns_[route].ports[0];
    }
    /// As the request, for a trace: every way, each with its share. `pass_on` continues on each.
    void trace_onward(Payload& payload, PathTrace& trace);
    unsigned access(unsigned port, Payload& payload) override;

private:
    /// Rounds in which each port has its turns; each round begins one port further on. Were it always the same, who
    /// sends to n destinations in turn would reach each of them by the same port whenever n is a multiple of the ports.
    struct Turns {
        std::vector<unsigned> ports; ///< each as often as its weight
        std::size_t done = 0;        ///< of this round
        std::size_t first = 0;       ///< where this round began
    };

    static constexpr std::uint32_t kNone = ~std::uint32_t{0};
    static constexpr std::uint32_t kOnly = std::uint32_t{1} << 31; ///< one port alone: it is the rest of the number

    std::uint32_t route(const Transit& packet) const {
        assert(knows(packet) && "streams without a route are refused before time starts");
        return routes_[static_cast<std::size_t>(packet.aperture)][packet.destination];
    }
    static unsigned next(Turns& way);
    /// Each as often as its weight.
    std::vector<unsigned> ports_to(const Transit& packet) const;
    std::uint32_t intern(std::vector<unsigned> ports);

    /// By aperture and destination: a port with `kOnly`, index in `turns_`, or `kNone`.
    std::array<std::vector<std::uint32_t>, kApertures> routes_;
    std::vector<Turns> turns_;
};

} // namespace models
