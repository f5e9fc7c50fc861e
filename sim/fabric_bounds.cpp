#include "sim/fabric_bounds.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>

#include "sim/max_flow.h"
#include "sim/topology_graph.h"

namespace sim {

namespace {

class Bounds {
public:
    Bounds(const Topology& topology, FabricKind kind)
        : topology_(topology), graph_(topology),
          wanted_(kind == FabricKind::kNvlink ? LinkKind::kNvlink : LinkKind::kNetwork),
          member_kind_(kind == FabricKind::kNvlink ? 1 : 4), island_(topology.parts.size(), kNone) {}

    std::vector<FabricBounds> run() {
        std::vector<FabricBounds> all;
        for (std::size_t i = 0; i < topology_.parts.size(); ++i) {
            if (is_member(i) && island_[i] == kNone) {
                if (const auto members = explore(i); members.size() > 1) {
                    all.push_back(bounds(members));
                }
            }
        }
        return all;
    }

private:
    static constexpr std::uint32_t kNone = ~0u;

    bool is_member(std::size_t part) const { return topology_.parts[part].spec.index() == member_kind_; }
    bool is_switch(std::size_t part) const {
        return std::holds_alternative<models::SwitchSpec>(topology_.parts[part].spec);
    }
    bool carries(const TopologyGraph::Neighbour& near) const {
        const Link& link = topology_.links[near.link];
        return link.kind == wanted_ && !link.down && !topology_.parts[near.part].down;
    }
    std::uint64_t rate(const TopologyGraph::Neighbour& near) const {
        const models::LinkSpec& link = topology_.links[near.link].spec;
        return link.line_bytes_per_second * link.count;
    }

    /// The members of the island of `start`; every part of it gets the same mark.
    std::vector<std::size_t> explore(std::size_t start) {
        std::vector<std::size_t> order{start}, members;
        island_[start] = static_cast<std::uint32_t>(start);
        for (std::size_t i = 0; i < order.size(); ++i) {
            for (const auto& near : graph_.neighbours(order[i])) {
                if (carries(near) && !topology_.parts[order[i]].down && island_[near.part] == kNone) {
                    island_[near.part] = static_cast<std::uint32_t>(start);
                    order.push_back(near.part);
                }
            }
        }
        std::sort(order.begin(), order.end());
        std::copy_if(order.begin(), order.end(), std::back_inserter(members),
                     [this](std::size_t part) { return is_member(part); });
        parts_ = std::move(order);
        return members;
    }

    FabricBounds bounds(const std::vector<std::size_t>& members) {
        FabricBounds result;
        result.member_rate = std::numeric_limits<double>::infinity();
        for (const std::size_t member : members) {
            double own = 0;
            for (const auto& near : graph_.neighbours(member)) {
                own += carries(near) ? static_cast<double>(rate(near)) : 0;
            }
            result.members.push_back(topology_.parts[member].name);
            result.member_rate = std::min(result.member_rate, own);
            result.total_rate += 2 * own;
        }
        result.switches = static_cast<std::size_t>(
            std::count_if(parts_.begin(), parts_.end(), [this](std::size_t part) { return is_switch(part); }));
        const std::size_t half = members.size() / 2;
        const std::function<bool(std::size_t)> halvings[] = {[&](std::size_t i) { return i < half; },
                                                             [&](std::size_t i) { return i % 2 == 0; },
                                                             [&](std::size_t i) { return i / 2 % 2 == 0; }};
        result.bisection = std::numeric_limits<double>::infinity();
        for (const auto& first : halvings) {
            result.bisection = std::min(result.bisection, flow_between(members, first));
        }
        spread(members, result);
        return result;
    }

    double flow_between(const std::vector<std::size_t>& members, const std::function<bool(std::size_t)>& is_first) {
        const std::size_t source = topology_.parts.size(), sink = source + 1;
        constexpr std::uint64_t kPlenty = std::numeric_limits<std::uint64_t>::max() / 4;
        MaxFlow flow(topology_.parts.size() + 2);
        std::vector<bool> sends(topology_.parts.size());
        for (std::size_t i = 0; i < members.size(); ++i) {
            sends[members[i]] = is_first(i);
            if (is_first(i)) {
                flow.add_edge(source, members[i], kPlenty);
            } else {
                flow.add_edge(members[i], sink, kPlenty);
            }
        }
        for (const std::size_t part : parts_) {
            for (const auto& near : graph_.neighbours(part)) {
                const bool from = is_switch(part) || sends[part];
                const bool to = is_switch(near.part) || !sends[near.part];
                if (carries(near) && from && to) {
                    flow.add_edge(part, near.part, rate(near));
                }
            }
        }
        return static_cast<double>(flow.run(source, sink));
    }

    /// All-to-all and path lengths: everybody sends 1 / (n - 1) to everybody, each part splits what it passes on over
    /// the shortest ways by their numbers of links, and the busiest direction of a link sets the pace.
    void spread(const std::vector<std::size_t>& members, FabricBounds& result) {
        const std::size_t parts = topology_.parts.size();
        std::vector<double> load(2 * topology_.links.size());
        std::vector<std::uint32_t> distance(parts);
        std::vector<double> amount(parts);
        std::vector<std::size_t> order;
        result.crossings_min = parts;
        for (const std::size_t destination : members) {
            std::fill(distance.begin(), distance.end(), kNone);
            std::fill(amount.begin(), amount.end(), 0.0);
            order.assign(1, destination);
            distance[destination] = 0;
            for (std::size_t i = 0; i < order.size(); ++i) {
                if (order[i] != destination && !is_switch(order[i])) {
                    continue;
                }
                for (const auto& near : graph_.neighbours(order[i])) {
                    if (carries(near) && distance[near.part] == kNone) {
                        distance[near.part] = distance[order[i]] + 1;
                        order.push_back(near.part);
                    }
                }
            }
            for (std::size_t i = order.size(); i-- > 1;) { // farthest first
                const std::size_t here = order[i];
                if (is_member(here)) {
                    amount[here] += 1.0 / static_cast<double>(members.size() - 1);
                    result.crossings_min = std::min<std::size_t>(result.crossings_min, distance[here]);
                    result.crossings_max = std::max<std::size_t>(result.crossings_max, distance[here]);
                }
                unsigned links = 0;
                const auto onward = [&](const TopologyGraph::Neighbour& near) {
                    return carries(near) && distance[near.part] + 1 == distance[here] &&
                           (near.part == destination || is_switch(near.part));
                };
                for (const auto& near : graph_.neighbours(here)) {
                    links += onward(near) ? topology_.links[near.link].spec.count : 0;
                }
                for (const auto& near : graph_.neighbours(here)) {
                    if (onward(near)) {
                        const double share = amount[here] * topology_.links[near.link].spec.count / links;
                        amount[near.part] += share;
                        load[2 * near.link + (graph_.end_a(near.link) == here ? 0 : 1)] += share;
                    }
                }
            }
        }
        result.all_to_all = std::numeric_limits<double>::infinity();
        for (std::size_t i = 0; i < load.size(); ++i) {
            if (load[i] > 0) {
                const models::LinkSpec& link = topology_.links[i / 2].spec;
                result.all_to_all =
                    std::min(result.all_to_all, static_cast<double>(link.line_bytes_per_second) * link.count / load[i]);
            }
        }
    }

    const Topology& topology_;
    const TopologyGraph graph_;
    const LinkKind wanted_;
    const std::size_t member_kind_; ///< index in `Part::spec`
    std::vector<std::uint32_t> island_;
    std::vector<std::size_t> parts_; ///< of the island explored last
};

} // namespace

std::vector<FabricBounds> fabric_bounds(const Topology& topology, FabricKind kind) {
    return Bounds(topology, kind).run();
}

} // namespace sim
