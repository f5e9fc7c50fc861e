#pragma once

#include <algorithm>
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
    /// Calls `visit(network, destination, hops)` for each route of `from` that may take `link` to `next`, with the hops
    /// that `next` would take; none where `next` is the destination.
    template <class Visit>
    void follow(std::size_t from, std::size_t link, std::size_t next, Visit visit) const;
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

template <class Visit>
void Routing::follow(std::size_t from, std::size_t link, std::size_t next, Visit visit) const {
    std::vector<std::uint32_t> leaving; // the sets of hops that have this link
    for (const std::uint32_t set : sets_of_[from]) {
        if (std::any_of(sets_[set].begin(), sets_[set].end(),
                        [&](const Hop& hop) { return !hop.attachment && hop.edge == link; })) {
            leaving.push_back(set);
        }
    }
    for (const models::Aperture network :
         {models::Aperture::kSystem, models::Aperture::kFabric, models::Aperture::kRdma}) {
        const Table& table = tables_[table_of(network)];
        auto there = table[next].begin();
        for (const Entry& entry : table[from]) {
            if (std::find(leaving.begin(), leaving.end(), entry.set) == leaving.end()) {
                continue;
            }
            while (there != table[next].end() && there->destination < entry.destination) {
                ++there;
            }
            const bool goes_on = there != table[next].end() && there->destination == entry.destination;
            visit(network, std::size_t{entry.destination},
                  goes_on ? std::span<const Hop>(sets_[there->set]) : std::span<const Hop>());
        }
    }
}

/// Index of the part called `name` in `topology.parts`; none if there is no such part.
std::optional<std::size_t> part_index(const Topology& topology, const std::string& name);

} // namespace sim
