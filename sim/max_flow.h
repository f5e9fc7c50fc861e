#pragma once

#include <cstdint>
#include <vector>

namespace sim {

/// The most that can flow from one node of a graph to another, by Dinic's algorithm.
class MaxFlow {
public:
    explicit MaxFlow(std::size_t nodes) : first_(nodes, kNone) {}

    void add_edge(std::size_t from, std::size_t to, std::uint64_t capacity) {
        add_half(from, to, capacity);
        add_half(to, from, 0);
    }

    /// To be called once: capacities are used up.
    std::uint64_t run(std::size_t source, std::size_t sink);

private:
    static constexpr std::uint32_t kNone = ~0u;

    struct Edge {
        std::uint32_t to;
        std::uint32_t next; ///< of the same node
        std::uint64_t left;
    };

    void add_half(std::size_t from, std::size_t to, std::uint64_t capacity) {
        edges_.push_back({static_cast<std::uint32_t>(to), first_[from], capacity});
        first_[from] = static_cast<std::uint32_t>(edges_.size() - 1);
    }
    bool label(std::size_t source, std::size_t sink);
    std::uint64_t push(std::uint32_t here, std::uint32_t sink, std::uint64_t wanted);

    std::vector<std::uint32_t> first_;
    std::vector<std::uint32_t> current_; ///< edge that each node tries next
    std::vector<std::uint32_t> level_;
    std::vector<Edge> edges_;
};

} // namespace sim
