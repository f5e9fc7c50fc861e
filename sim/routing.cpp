#include "sim/routing.h"

#include <algorithm>
#include <cassert>

namespace sim {

namespace {

using models::Aperture;

constexpr std::array<Aperture, 3> kNetworks{Aperture::kSystem, Aperture::kFabric, Aperture::kRdma};

bool carries(Aperture network, LinkKind link) {
    if (network == Aperture::kFabric) {
        return link == LinkKind::kNvlink;
    }
    return link != LinkKind::kNvlink && (link != LinkKind::kNetwork || network == Aperture::kRdma);
}

bool passes_on(Aperture network, const Part& part) {
    if (std::holds_alternative<models::SwitchSpec>(part.spec)) {
        return true; // which of its links carry this network decides
    }
    const bool is_cpu = std::holds_alternative<models::CpuSpec>(part.spec);
    return network == Aperture::kSystem ? is_cpu
           : network == Aperture::kRdma ? is_cpu || std::holds_alternative<models::NicSpec>(part.spec)
                                        : false;
}

bool is_destination(Aperture network, const Part& part) {
    return network == Aperture::kFabric ? std::holds_alternative<models::GpuSpec>(part.spec) ||
                                              std::holds_alternative<models::EndPointSpec>(part.spec)
                                        : std::holds_alternative<models::MemorySpec>(part.spec);
}

} // namespace

/// One breadth-first search after the other, from a destination outwards. A part is touched only if it is reached, so
/// that a search within a node costs what the node has.
struct Routing::Search {
    explicit Search(std::size_t parts) : distance(parts), round(parts) {}

    bool reached(std::size_t part) const { return round[part] == now; }
    void reach(std::size_t part, std::uint32_t far) {
        round[part] = now;
        distance[part] = far;
        order.push_back(static_cast<std::uint32_t>(part));
    }

    std::vector<std::uint32_t> distance;
    std::vector<std::uint32_t> round; ///< of the search that reached the part last
    std::vector<std::uint32_t> order; ///< reached by this search
    std::vector<Hop> hops;
    std::uint32_t now = 0;
};

Routing::Routing(const Topology& topology, Faults faults)
    : topology_(topology), graph_(topology), faults_(faults), sets_of_(topology.parts.size()) {
    Search search(topology.parts.size());
    for (const Aperture network : kNetworks) {
        tables_[table_of(network)].resize(topology.parts.size());
        for (std::size_t destination = 0; destination < topology.parts.size(); ++destination) {
            if (is_destination(network, topology.parts[destination])) {
                route_to(search, network, destination);
            }
        }
    }
}

std::size_t Routing::table_of(Aperture network) const {
    assert(network != Aperture::kEgm && "a GPU's own EGM is system memory");
    return network == Aperture::kSystem ? 0 : network == Aperture::kFabric ? 1 : 2;
}

void Routing::route_to(Search& search, Aperture network, std::size_t destination) {
    const auto up = [&](const TopologyGraph::Neighbour& near) {
        const Link& link = topology_.links[near.link];
        return carries(network, link.kind) &&
               (faults_ == Faults::kIgnored || !(link.down || topology_.parts[near.part].down));
    };
    // The HBM of a GPU is reached through the GPU, whose own traffic is not passed on for others.
    const std::string& home = topology_.parts[destination].at;
    const auto gives_on = [&](std::size_t part) {
        return part == destination || passes_on(network, topology_.parts[part]) ||
               (network != Aperture::kFabric && topology_.parts[part].name == home &&
                std::holds_alternative<models::GpuSpec>(topology_.parts[part].spec));
    };
    const bool attached = network != Aperture::kFabric;
    ++search.now;
    search.order.clear();
    search.reach(destination, 0);
    for (std::size_t next = 0; next < search.order.size(); ++next) {
        const std::size_t here = search.order[next];
        if (!gives_on(here) || (faults_ == Faults::kHeeded && topology_.parts[here].down)) {
            continue;
        }
        const std::uint32_t far = search.distance[here] + 1;
        for (const auto& near : graph_.neighbours(here)) {
            if (!search.reached(near.part) && up(near)) {
                search.reach(near.part, far);
            }
        }
        if (attached) {
            for (const std::uint32_t part : graph_.sitting_on(here)) {
                if (!search.reached(part)) {
                    search.reach(part, far);
                }
            }
            const auto host =
                topology_.parts[here].at.empty() ? std::nullopt : topology_.index_of(topology_.parts[here].at);
            if (host && !search.reached(*host)) {
                search.reach(*host, far);
            }
        }
    }
    for (const std::uint32_t from : search.order) {
        if (from == destination) {
            continue;
        }
        const auto leads_there = [&](std::size_t next) {
            return search.reached(next) && search.distance[next] + 1 == search.distance[from] && gives_on(next);
        };
        search.hops.clear();
        for (const auto& near : graph_.neighbours(from)) {
            if (leads_there(near.part) && up(near)) {
                search.hops.push_back({false, near.link, topology_.links[near.link].spec.count});
            }
        }
        if (attached) {
            for (const std::uint32_t part : graph_.sitting_on(from)) {
                if (leads_there(part)) {
                    search.hops.push_back({true, part, 1});
                }
            }
            const auto host =
                topology_.parts[from].at.empty() ? std::nullopt : topology_.index_of(topology_.parts[from].at);
            if (host && leads_there(*host)) {
                search.hops.push_back({true, from, 1});
            }
        }
        longest_ = std::max<std::size_t>(longest_, search.distance[from]);
        tables_[table_of(network)][from].push_back(
            {static_cast<std::uint32_t>(destination), intern(from, search.hops)});
    }
}

/// The set that holds exactly `hops`. The one found last is tried first: neighbouring destinations often share it.
std::uint32_t Routing::intern(std::size_t part, const std::vector<Hop>& hops) {
    assert(!hops.empty() && "what a search has reached leads on");
    std::vector<std::uint32_t>& mine = sets_of_[part];
    for (std::size_t i = mine.size(); i-- > 0;) {
        if (sets_[mine[i]] == hops) {
            return mine[i];
        }
    }
    sets_.push_back(hops);
    mine.push_back(static_cast<std::uint32_t>(sets_.size() - 1));
    return mine.back();
}

std::vector<Routing::Route> Routing::from(std::size_t part) const {
    std::vector<Route> routes;
    for (const Aperture network : kNetworks) {
        for (const Entry& entry : tables_[table_of(network)][part]) {
            routes.push_back({network, entry.destination, sets_[entry.set]});
        }
    }
    return routes;
}

std::span<const Routing::Hop> Routing::hops(std::size_t from, Aperture network, std::size_t to) const {
    const auto& entries = tables_[table_of(network)][from];
    const auto found = std::lower_bound(entries.begin(), entries.end(), to, [](const Entry& entry, std::size_t wanted) {
        return entry.destination < wanted;
    });
    if (found == entries.end() || found->destination != to) {
        return {};
    }
    return sets_[found->set];
}

std::optional<std::size_t> Routing::crossings(std::size_t from, Aperture network, std::size_t to) const {
    std::size_t count = 0;
    for (std::size_t here = from; here != to; ++count) {
        const auto next = hops(here, network, to);
        if (next.empty()) {
            return std::nullopt;
        }
        const Hop& hop = next.front();
        if (!hop.attachment) {
            here = graph_.end_a(hop.edge) == here ? graph_.end_b(hop.edge) : graph_.end_a(hop.edge);
        } else if (hop.edge == here) {
            here = *topology_.index_of(topology_.parts[here].at);
        } else {
            here = hop.edge;
        }
    }
    return count;
}

std::optional<std::size_t> part_index(const Topology& topology, const std::string& name) {
    return topology.index_of(name);
}

} // namespace sim
