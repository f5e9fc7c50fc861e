#pragma once

#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "models/packet.h"
#include "sim/topology.h"

namespace sim {

/// The ways through a machine: for every part that routes, every network and every destination, the neighbours that lie
/// on a shortest path, with the number of links to each.
///
/// A neighbour is named by the edge to it: a link (index into `Topology::links`), or the attachment of a part `at`
/// another. Shortest is fewest crossings. CPUs pass system traffic on, switches fabric traffic, NICs and CPUs RDMA
/// traffic; nothing else passes on what is not its own.
class Routing {
public:
    struct Hop {
        bool attachment = false; ///< true: `edge` is the index of the attached part
        std::size_t edge = 0;
        unsigned weight = 1; ///< links side by side
    };
    using Key = std::pair<models::Aperture, std::size_t>; ///< network, destination part

    explicit Routing(const Topology& topology);

    /// Routes out of part `from`, in a fixed order. Parts that do not route have none.
    const std::map<Key, std::vector<Hop>>& from(std::size_t part) const { return routes_[part]; }
    bool reaches(std::size_t from, models::Aperture network, std::size_t to) const;
    /// Most crossings from any part to any destination that it reaches.
    std::size_t longest() const { return longest_; }

private:
    std::vector<std::map<Key, std::vector<Hop>>> routes_;
    std::size_t longest_ = 0;
};

/// Index of the part called `name` in `topology.parts`; none if there is no such part.
std::optional<std::size_t> part_index(const Topology& topology, const std::string& name);

} // namespace sim
