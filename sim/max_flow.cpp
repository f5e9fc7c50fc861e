#include "sim/max_flow.h"

#include <algorithm>
#include <limits>

namespace sim {

std::uint64_t MaxFlow::run(std::size_t source, std::size_t sink) {
    std::uint64_t total = 0;
    while (label(source, sink)) {
        current_ = first_;
        while (const std::uint64_t more = push(static_cast<std::uint32_t>(source), static_cast<std::uint32_t>(sink),
                                               std::numeric_limits<std::uint64_t>::max())) {
            total += more;
        }
    }
    return total;
}

/// Levels by distance from the source; false when the sink is cut off.
bool MaxFlow::label(std::size_t source, std::size_t sink) {
    level_.assign(first_.size(), kNone);
    level_[source] = 0;
    std::vector<std::uint32_t> order{static_cast<std::uint32_t>(source)};
    for (std::size_t i = 0; i < order.size(); ++i) {
        for (std::uint32_t e = first_[order[i]]; e != kNone; e = edges_[e].next) {
            if (edges_[e].left > 0 && level_[edges_[e].to] == kNone) {
                level_[edges_[e].to] = level_[order[i]] + 1;
                order.push_back(edges_[e].to);
            }
        }
    }
    return level_[sink] != kNone;
}

/// Recursion is as deep as the shortest path is long.
std::uint64_t MaxFlow::push(std::uint32_t here, std::uint32_t sink, std::uint64_t wanted) {
    if (here == sink) {
        return wanted;
    }
    std::uint64_t done = 0;
    for (std::uint32_t& e = current_[here]; e != kNone; e = edges_[e].next) {
        if (edges_[e].left > 0 && level_[edges_[e].to] == level_[here] + 1) {
            const std::uint64_t sent = push(edges_[e].to, sink, std::min(wanted - done, edges_[e].left));
            edges_[e].left -= sent;
            edges_[e ^ 1].left += sent;
            done += sent;
            if (done == wanted) {
                return done; // this edge may still have room
            }
        }
    }
    return done;
}

} // namespace sim
