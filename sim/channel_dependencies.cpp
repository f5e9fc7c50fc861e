#include "sim/channel_dependencies.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <span>

#include <fmt/format.h>

namespace sim {

namespace {

using models::Aperture;

/// Which routes of a switch count.
enum class Routes {
    kAll,   ///< quickly found, and none too few
    kTaken, ///< those of packets that can come to the switch
};

class Finder {
public:
    Finder(const Topology& topology, const Routing& routing, Routes routes)
        : topology_(topology), routing_(routing), graph_(routing.graph()), next_(2 * topology.links.size()),
          used_(2 * topology.links.size()), routes_(routes), passing_(topology.parts.size()) {}

    ChannelDependencies run() {
        for (std::size_t part = 0; part < topology_.parts.size(); ++part) {
            if (routes_ == Routes::kTaken && !is_switch(part)) {
                send_from(part);
            }
        }
        for (std::size_t part = 0; part < topology_.parts.size(); ++part) {
            add_dependencies_at(part);
        }
        ChannelDependencies result;
        result.channels = static_cast<std::size_t>(std::count(used_.begin(), used_.end(), true));
        for (const auto& onward : next_) {
            result.dependencies += onward.size();
        }
        for (const std::uint32_t channel : find_cycle()) {
            result.cycle.push_back(name(channel));
        }
        return result;
    }

private:
    using Channel = std::uint32_t; ///< 2 x link, and 1 more for the direction from b to a

    Channel out_of(std::size_t part, std::size_t link) const {
        return static_cast<Channel>(2 * link + (graph_.end_a(link) == part ? 0 : 1));
    }
    std::string name(Channel channel) const {
        const Link& link = topology_.links[channel / 2];
        return channel % 2 == 0 ? fmt::format("{} {}>{}", link.name, link.a, link.b)
                                : fmt::format("{} {}>{}", link.name, link.b, link.a);
    }

    bool is_switch(std::size_t part) const {
        return std::holds_alternative<models::SwitchSpec>(topology_.parts[part].spec);
    }
    std::size_t passage(Aperture network, std::size_t to) const {
        return static_cast<std::size_t>(network) * topology_.parts.size() + to;
    }

    /// A switch knows ways to destinations whose packets never come to it: around what is down, over leaves that no
    /// shortest way takes. Only what an end point sends, and what follows from it, uses buffers.
    void send_from(std::size_t part) {
        for (const Routing::Route& route : routing_.from(part)) {
            for (const Routing::Hop& hop : route.hops) {
                pass(behind(part, hop), route.network, route.destination);
            }
        }
    }
    void pass(std::size_t part, Aperture network, std::size_t to) {
        if (!is_switch(part)) {
            return; // an end point sends to everybody
        }
        std::vector<bool>& passing = passing_[part];
        passing.resize(models::kApertures * topology_.parts.size());
        if (passing[passage(network, to)]) {
            return;
        }
        passing[passage(network, to)] = true;
        for (const Routing::Hop& hop : routing_.hops(part, network, to)) {
            pass(behind(part, hop), network, to);
        }
    }
    bool passes(std::size_t part, Aperture network, std::size_t to) const {
        return routes_ == Routes::kAll || !is_switch(part) ||
               (!passing_[part].empty() && passing_[part][passage(network, to)]);
    }
    /// The part at the other end of a hop from `part`.
    std::size_t behind(std::size_t part, const Routing::Hop& hop) const {
        if (!hop.attachment) {
            return graph_.end_a(hop.edge) == part ? graph_.end_b(hop.edge) : graph_.end_a(hop.edge);
        }
        return hop.edge == part ? *topology_.index_of(topology_.parts[part].at) : hop.edge;
    }

    /// The links out of `part` towards `to`, and those behind a device that sits there, which has no link of its own in
    /// between.
    void onward(std::size_t part, std::span<const Routing::Hop> hops, Aperture network, std::size_t to,
                std::vector<Channel>& into) {
        for (const Routing::Hop& hop : hops) {
            if (!hop.attachment) {
                into.push_back(out_of(part, hop.edge));
                continue;
            }
            const std::size_t far = behind(part, hop);
            if (far == to) {
                continue;
            }
            for (const Routing::Hop& second : routing_.hops(far, network, to)) {
                if (!second.attachment) {
                    into.push_back(out_of(far, second.edge));
                }
            }
        }
    }

    /// Every channel that comes into `part`, with the channels in which its packets go on.
    void add_dependencies_at(std::size_t part) {
        for (const auto& near : graph_.neighbours(part)) {
            const Channel in = out_of(near.part, near.link);
            std::vector<Channel>& list = next_[in];
            std::set<const Routing::Hop*> seen; // ways on by links only, which are the same for all their destinations
            routing_.follow(near.part, near.link, part,
                            [&](Aperture network, std::size_t destination, std::span<const Routing::Hop> ways) {
                                if (!passes(near.part, network, destination)) {
                                    return;
                                }
                                used_[in] = true;
                                if (destination == part && network == Aperture::kFabric) {
                                    add_egm(part, list);
                                } else if (!ways.empty() && (seen.insert(ways.data()).second || has_attachment(ways))) {
                                    onward(part, ways, network, destination, list);
                                }
                            });
            std::sort(list.begin(), list.end());
            list.erase(std::unique(list.begin(), list.end()), list.end());
        }
    }

    static bool has_attachment(std::span<const Routing::Hop> ways) {
        return std::any_of(ways.begin(), ways.end(), [](const Routing::Hop& hop) { return hop.attachment; });
    }

    /// Remote EGM leaves the fabric in its owner and goes on to the CPU's memory.
    void add_egm(std::size_t gpu, std::vector<Channel>& list) {
        const Part* cpu = topology_.find(topology_.parts[gpu].cpu);
        if (!topology_.egm || cpu == nullptr) {
            return;
        }
        for (const std::uint32_t memory : graph_.sitting_on(*topology_.index_of(cpu->name))) {
            onward(gpu, routing_.hops(gpu, Aperture::kSystem, memory), Aperture::kSystem, memory, list);
        }
    }

    /// Depth first, without recursion; the channels of the first cycle met.
    std::vector<Channel> find_cycle() const {
        enum : char { kNew, kOpen, kDone };
        std::vector<char> state(next_.size(), kNew);
        for (Channel start = 0; start < next_.size(); ++start) {
            if (state[start] != kNew) {
                continue;
            }
            std::vector<std::pair<Channel, std::size_t>> path{{start, 0}};
            state[start] = kOpen;
            while (!path.empty()) {
                auto& [channel, tried] = path.back();
                if (tried == next_[channel].size()) {
                    state[channel] = kDone;
                    path.pop_back();
                    continue;
                }
                const Channel to = next_[channel][tried++];
                if (state[to] == kOpen) {
                    std::vector<Channel> cycle;
                    auto from = std::find_if(path.begin(), path.end(), [&](const auto& at) { return at.first == to; });
                    std::transform(from, path.end(), std::back_inserter(cycle),
                                   [](const auto& at) { return at.first; });
                    return cycle;
                }
                if (state[to] == kNew) {
                    state[to] = kOpen;
                    path.emplace_back(to, 0);
                }
            }
        }
        return {};
    }

    const Topology& topology_;
    const Routing& routing_;
    const TopologyGraph& graph_;
    std::vector<std::vector<Channel>> next_; ///< by channel
    std::vector<bool> used_;
    const Routes routes_;
    std::vector<std::vector<bool>> passing_; ///< by switch, by `passage`: whether such packets come to it
};

} // namespace

ChannelDependencies channel_dependencies(const Topology& topology, const Routing& routing) {
    ChannelDependencies found = Finder(topology, routing, Routes::kAll).run();
    return found.cycle.empty() ? found : Finder(topology, routing, Routes::kTaken).run();
}

} // namespace sim
