#include "sim/routing.h"

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/breadth_first_search.hpp>
#include <boost/graph/filtered_graph.hpp>

namespace sim {

namespace {

using models::Aperture;

struct EdgeInfo {
    Routing::Hop hop;
    std::optional<LinkKind> link; ///< empty: an attachment
};
using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS, boost::no_property, EdgeInfo>;
using Edge = boost::graph_traits<Graph>::edge_descriptor;

bool carries(Aperture network, const std::optional<LinkKind>& link) {
    if (network == Aperture::kFabric) {
        return link == LinkKind::kNvlink;
    }
    if (link == LinkKind::kNvlink) {
        return false;
    }
    return link != LinkKind::kNetwork || network == Aperture::kRdma;
}

bool passes_on(Aperture network, const Part& part) {
    const bool is_cpu = std::holds_alternative<models::CpuSpec>(part.spec);
    switch (network) {
    case Aperture::kSystem:
        return is_cpu;
    case Aperture::kFabric:
        return std::holds_alternative<models::SwitchSpec>(part.spec);
    case Aperture::kRdma:
        return is_cpu || std::holds_alternative<models::NicSpec>(part.spec);
    case Aperture::kEgm:
        break;
    }
    return false;
}

/// Keeps, of a search that starts at `destination`, the edges that traffic towards it may use.
struct Usable {
    const Graph* graph = nullptr;
    const Topology* topology = nullptr;
    Aperture network = Aperture::kSystem;
    std::size_t destination = 0;

    bool operator()(const Edge& edge) const {
        const std::size_t from = source(edge, *graph);
        const Part& part = topology->parts[from];
        // The HBM of a GPU is reached through the GPU, whose own traffic is not passed on for others.
        const bool gpu_of_destination = network != Aperture::kFabric &&
                                        std::holds_alternative<models::GpuSpec>(part.spec) &&
                                        topology->parts[destination].at == part.name;
        return carries(network, (*graph)[edge].link) &&
               (from == destination || gpu_of_destination || passes_on(network, part));
    }
};

bool is_destination(Aperture network, const Part& part) {
    return network == Aperture::kFabric ? std::holds_alternative<models::GpuSpec>(part.spec)
                                        : std::holds_alternative<models::MemorySpec>(part.spec);
}

} // namespace

Routing::Routing(const Topology& topology) : routes_(topology.parts.size()) {
    const std::size_t count = topology.parts.size();
    Graph graph(count);
    for (std::size_t i = 0; i < topology.links.size(); ++i) {
        const Link& link = topology.links[i];
        const std::size_t a = *part_index(topology, link.a);
        const std::size_t b = *part_index(topology, link.b);
        const EdgeInfo info{{false, i, link.spec.count}, link.kind};
        add_edge(a, b, info, graph);
        add_edge(b, a, info, graph);
    }
    for (std::size_t i = 0; i < count; ++i) {
        if (!topology.parts[i].at.empty()) {
            const std::size_t home = *part_index(topology, topology.parts[i].at);
            const EdgeInfo info{{true, i, 1}, std::nullopt};
            add_edge(i, home, info, graph);
            add_edge(home, i, info, graph);
        }
    }
    for (const Aperture network : {Aperture::kSystem, Aperture::kFabric, Aperture::kRdma}) {
        for (std::size_t destination = 0; destination < count; ++destination) {
            if (!is_destination(network, topology.parts[destination])) {
                continue;
            }
            const boost::filtered_graph<Graph, Usable> usable(graph, {&graph, &topology, network, destination});
            constexpr std::size_t kFar = ~std::size_t{0};
            std::vector<std::size_t> distance(count, kFar);
            distance[destination] = 0;
            boost::breadth_first_search(usable, destination,
                                        boost::visitor(boost::make_bfs_visitor(
                                            boost::record_distances(distance.data(), boost::on_tree_edge()))));
            for (std::size_t from = 0; from < count; ++from) {
                if (distance[from] == kFar || from == destination) {
                    continue;
                }
                longest_ = std::max(longest_, distance[from]);
                for (const Edge& edge : boost::make_iterator_range(out_edges(from, graph))) {
                    const std::size_t next = target(edge, graph);
                    const bool may_enter =
                        next == destination || usable.m_edge_pred(boost::edge(next, from, graph).first);
                    if (carries(network, graph[edge].link) && may_enter && distance[next] + 1 == distance[from]) {
                        routes_[from][{network, destination}].push_back(graph[edge].hop);
                    }
                }
            }
        }
    }
}

bool Routing::reaches(std::size_t from, Aperture network, std::size_t to) const {
    return routes_[from].count({network, to}) != 0;
}

std::optional<std::size_t> part_index(const Topology& topology, const std::string& name) {
    for (std::size_t i = 0; i < topology.parts.size(); ++i) {
        if (topology.parts[i].name == name) {
            return i;
        }
    }
    return std::nullopt;
}

} // namespace sim
