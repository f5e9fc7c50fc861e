#include "sim/work.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>

#include <fmt/format.h>

namespace sim {

using Index = WorkGraph::Index;

Index WorkGraph::add_path(Stream stream) {
    paths_.push_back(std::move(stream));
    return static_cast<Index>(paths_.size() - 1);
}

Index WorkGraph::transfer(Index path, std::uint64_t bytes) {
    assert(path < paths_.size() && bytes > 0);
    nodes_.push_back({.kind = Node::Kind::kTransfer, .path = path, .bytes = bytes});
    return static_cast<Index>(nodes_.size() - 1);
}

Index WorkGraph::compute(models::Picoseconds time) {
    nodes_.push_back({.kind = Node::Kind::kCompute, .time = time});
    return static_cast<Index>(nodes_.size() - 1);
}

Index WorkGraph::compute(std::uint64_t amount, double per_second) {
    assert(per_second > 0);
    return compute(static_cast<models::Picoseconds>(std::ceil(static_cast<double>(amount) * 1e12 / per_second)));
}

Index WorkGraph::barrier() {
    nodes_.push_back({.kind = Node::Kind::kBarrier});
    return static_cast<Index>(nodes_.size() - 1);
}

void WorkGraph::order(Index before, Index after) {
    assert(before < nodes_.size() && after < nodes_.size());
    orders_.push_back({before, after});
}

std::vector<Index> WorkGraph::cycle() const {
    const WorkFollowers followers(*this);
    std::vector<Index> missing = followers.waits_for();
    std::vector<Index> begun;
    for (Index i = 0; i < nodes_.size(); ++i) {
        if (missing[i] == 0) {
            begun.push_back(i);
        }
    }
    for (std::size_t next = 0; next < begun.size(); ++next) {
        for (const Index* one = followers.begin(begun[next]); one != followers.end(begun[next]); ++one) {
            if (--missing[*one] == 0) {
                begun.push_back(*one);
            }
        }
    }
    if (begun.size() == nodes_.size()) {
        return {};
    }
    // What is left waits for something that is left: going back from any of it ends in a circle.
    std::vector<Index> waits(nodes_.size(), static_cast<Index>(nodes_.size()));
    for (const Order& one : orders_) {
        if (missing[one.before] != 0 && missing[one.after] != 0) {
            waits[one.after] = one.before;
        }
    }
    const auto first = std::find_if(missing.begin(), missing.end(), [](Index count) { return count != 0; });
    std::vector<Index> way;
    std::vector<bool> seen(nodes_.size());
    Index here = static_cast<Index>(first - missing.begin());
    for (; !seen[here]; here = waits[here]) {
        seen[here] = true;
        way.push_back(here);
    }
    way.erase(way.begin(), std::find(way.begin(), way.end(), here));
    std::reverse(way.begin(), way.end());
    return way;
}

std::string WorkGraph::name(Index node) const {
    switch (nodes_[node].kind) {
    case Node::Kind::kTransfer:
        return fmt::format("{} #{}", paths_[nodes_[node].path].name, node);
    case Node::Kind::kCompute:
        return fmt::format("compute #{}", node);
    case Node::Kind::kBarrier:
        break;
    }
    return fmt::format("barrier #{}", node);
}

WorkFollowers::WorkFollowers(const WorkGraph& graph)
    : starts_(graph.nodes().size() + 1), followers_(graph.orders().size()), waits_for_(graph.nodes().size()) {
    for (const WorkGraph::Order& one : graph.orders()) {
        ++starts_[one.before + 1];
        ++waits_for_[one.after];
    }
    for (std::size_t i = 1; i < starts_.size(); ++i) {
        starts_[i] += starts_[i - 1];
    }
    std::vector<std::size_t> next(starts_.begin(), starts_.end() - 1);
    for (const WorkGraph::Order& one : graph.orders()) {
        followers_[next[one.before]++] = one.after;
    }
}

} // namespace sim
