#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "models/packet.h"
#include "sim/topology.h"
#include "sim/topology_graph.h"

namespace sim {

/// The ways through a machine: for every part that routes, every network and every destination, the neighbours that lie
/// on a shortest path, with the number of links to each.
///
/// A neighbour is named by the edge to it: a link (index into `Topology::links`), or the attachment of a part `at`
/// another. Shortest is fewest crossings over links and switches that are not down. CPUs and PCIe switches pass system
/// traffic on, switches fabric traffic, NICs, CPUs and switches RDMA traffic; nothing else passes on what is not its
/// own.
///
/// A part has few sets of neighbours and many destinations, so each set is kept once.
class Routing {
public:
    struct Hop {
        bool attachment = false; ///< true: `edge` is the index of the attached part
        std::size_t edge = 0;
        unsigned weight = 1; ///< links side by side

        bool operator==(const Hop&) const = default;
    };
    struct Route {
        models::Aperture network;
        std::size_t destination; ///< part: a memory, or in the fabric a GPU
        std::span<const Hop> hops;
    };
    enum class Faults { kHeeded, kIgnored }; ///< whether what is `down` carries nothing

    explicit Routing(const Topology& topology, Faults faults = Faults::kHeeded);

    /// Routes out of part `from`, by network and destination. Parts that do not route have none.
    std::vector<Route> from(std::size_t part) const;
    /// Those of them that may leave by `link`, each with all of its hops.
    std::vector<Route> from(std::size_t part, std::size_t link) const;
    /// The next hops towards `to`, in a fixed order; empty if it is not reached.
    std::span<const Hop> hops(std::size_t from, models::Aperture network, std::size_t to) const;
    bool reaches(std::size_t from, models::Aperture network, std::size_t to) const {
        return !hops(from, network, to).empty();
    }
    /// Crossings of links and attachments on the way; none if it is not reached.
    std::optional<std::size_t> crossings(std::size_t from, models::Aperture network, std::size_t to) const;
    const TopologyGraph& graph() const { return graph_; }
    /// Most crossings from any part to any destination that it reaches.
    std::size_t longest() const { return longest_; }

private:
    struct Entry {
        std::uint32_t destination;
        std::uint32_t set; ///< index in `sets_`
    };
    using Table = std::vector<std::vector<Entry>>; ///< by part, sorted by destination

    struct Search;

    std::size_t table_of(models::Aperture network) const;
    void route_to(Search& search, models::Aperture network, std::size_t destination);
    std::uint32_t intern(std::size_t part, const std::vector<Hop>& hops);

    const Topology& topology_;
    const TopologyGraph graph_;
    const Faults faults_;
    std::array<Table, 3> tables_;                     ///< system, fabric, RDMA
    std::vector<std::vector<Hop>> sets_;              ///< each non-empty
    std::vector<std::vector<std::uint32_t>> sets_of_; ///< by part
    std::size_t longest_ = 0;
};

/// Index of the part called `name` in `topology.parts`; none if there is no such part.
std::optional<std::size_t> part_index(const Topology& topology, const std::string& name);

} // namespace sim
