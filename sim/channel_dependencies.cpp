#include "sim/channel_dependencies.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <span>

#include <fmt/format.h>

namespace sim {

namespace {

using models::Aperture;

class Finder {
public:
    Finder(const Topology& topology, const Routing& routing)
        : topology_(topology), routing_(routing), graph_(routing.graph()), next_(2 * topology.links.size()),
          used_(2 * topology.links.size()) {}

    ChannelDependencies run() {
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

    /// The links out of `part` towards `to`, and those behind a device that sits there, which has no link of its own in
    /// between.
    void onward(std::size_t part, std::span<const Routing::Hop> hops, Aperture network, std::size_t to,
                std::vector<Channel>& into) {
        for (const Routing::Hop& hop : hops) {
            if (!hop.attachment) {
                into.push_back(out_of(part, hop.edge));
                continue;
            }
            const std::size_t far = hop.edge == part ? *topology_.index_of(topology_.parts[part].at) : hop.edge;
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
};

} // namespace

ChannelDependencies channel_dependencies(const Topology& topology, const Routing& routing) {
    return Finder(topology, routing).run();
}

} // namespace sim
