#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/topology.h"

namespace sim {

/// Who is joined to whom, by index: the links of a machine as lists of neighbours, and what sits on each part.
class TopologyGraph {
public:
    struct Neighbour {
        std::uint32_t link; ///< index in `Topology::links`
        std::uint32_t part; ///< index in `Topology::parts`: the far end
    };

    /// Precondition: every name in `topology` resolves.
    explicit TopologyGraph(const Topology& topology);

    /// In the order of the links in the file.
    std::span<const Neighbour> neighbours(std::size_t part) const {
        return {neighbours_.data() + begin_[part], begin_[part + 1] - begin_[part]};
    }
    /// The parts whose `at` is this one, in the order of the file.
    std::span<const std::uint32_t> sitting_on(std::size_t part) const {
        return {sitting_.data() + sitting_begin_[part], sitting_begin_[part + 1] - sitting_begin_[part]};
    }
    std::size_t end_a(std::size_t link) const { return ends_[link].first; }
    std::size_t end_b(std::size_t link) const { return ends_[link].second; }

private:
    std::vector<std::pair<std::uint32_t, std::uint32_t>> ends_;
    std::vector<std::uint32_t> begin_, sitting_begin_; ///< by part, and one more
    std::vector<Neighbour> neighbours_;
    std::vector<std::uint32_t> sitting_;
};

} // namespace sim
