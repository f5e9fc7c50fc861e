#include "sim/topology_graph.h"

#include <cassert>
#include <numeric>

namespace sim {

TopologyGraph::TopologyGraph(const Topology& topology)
    : begin_(topology.parts.size() + 1), sitting_begin_(topology.parts.size() + 1) {
    const auto index = [&](const std::string& name) {
        const auto found = topology.index_of(name);
        assert(found && "names are resolved before");
        return static_cast<std::uint32_t>(*found);
    };
    ends_.reserve(topology.links.size());
    for (const Link& link : topology.links) {
        ends_.emplace_back(index(link.a), index(link.b));
        ++begin_[ends_.back().first + 1];
        ++begin_[ends_.back().second + 1];
    }
    std::partial_sum(begin_.begin(), begin_.end(), begin_.begin());
    neighbours_.resize(begin_.back());
    std::vector<std::uint32_t> next = begin_;
    for (std::uint32_t i = 0; i < ends_.size(); ++i) {
        neighbours_[next[ends_[i].first]++] = {i, ends_[i].second};
        neighbours_[next[ends_[i].second]++] = {i, ends_[i].first};
    }
    for (const Part& part : topology.parts) {
        if (!part.at.empty()) {
            ++sitting_begin_[index(part.at) + 1];
        }
    }
    std::partial_sum(sitting_begin_.begin(), sitting_begin_.end(), sitting_begin_.begin());
    sitting_.resize(sitting_begin_.back());
    next = sitting_begin_;
    for (std::uint32_t i = 0; i < topology.parts.size(); ++i) {
        if (!topology.parts[i].at.empty()) {
            sitting_[next[index(topology.parts[i].at)]++] = i;
        }
    }
}

} // namespace sim
