#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "sim/routing.h"
#include "sim/topology.h"

namespace sim {

/// Over which links of the NVLink fabric, and how often, the packets of one GPU to many others go: what `Router` does
/// burst by burst, worked out for all destinations at once.
///
///     share of a link = sum over the destinations behind it: weight x what reaches the part x links of this hop / of
///     all
///
/// Destinations that leave a part by the same hops go on together, so that the work grows with the links that are used,
/// not with the ways, of which there are hundreds to each destination of a two-level fabric.
class FabricShares {
public:
    /// Both outlive this.
    FabricShares(const Topology& topology, const Routing& routing);

    /// GPUs in the order of the topology.
    std::size_t gpus() const { return gpus_.size(); }
    /// Number of a GPU among the GPUs. Precondition: `part` is one.
    std::size_t gpu_number(std::size_t part) const { return number_[part]; }

    /// Latencies there and back, by link and by part: of each link, and of each switch that passes a packet on.
    struct Latencies {
        std::vector<double> links;
        std::vector<double> parts;
    };

    /// Works out the packets of `source`, of which `weights` go to each GPU (by number; zero to itself). Precondition:
    /// whoever has a weight is reached.
    void run(std::size_t source, std::span<const double> weights, const Latencies& latencies);

    /// A link and the end it is entered at (0: `Link::a`).
    struct Crossing {
        std::uint32_t link;
        std::uint32_t end;
    };
    /// Those of the last run, in a fixed order; with the weight that takes each.
    std::span<const Crossing> crossings() const { return crossings_; }
    double share(const Crossing& crossing) const { return shares_[2 * crossing.link + crossing.end]; }
    /// Of the slowest way to a GPU, by number.
    double latency(std::size_t gpu) const { return latency_[gpu]; }

private:
    /// Neighbouring GPUs that a part reaches by the same hops.
    struct Run {
        std::uint32_t begin, end; ///< GPU numbers
        std::span<const Routing::Hop> hops;
        double links; ///< of all hops
    };
    /// What has come to a part: by GPU number, within [begin, end).
    struct Arrived {
        std::uint32_t part = 0;
        std::uint32_t begin = 0, end = 0;
        std::vector<double> weights, latencies;
    };

    void pass_on(const Arrived& here, const Latencies& latencies);
    void pass(const Arrived& here, const Run& run, const Routing::Hop& hop, const Latencies& latencies);
    Arrived& arrived_at(std::uint32_t part);

    const Topology& topology_;
    const Routing& routing_;
    std::vector<std::uint32_t> gpus_;    ///< parts
    std::vector<std::uint32_t> number_;  ///< by part
    std::vector<std::vector<Run>> runs_; ///< by part
    std::vector<double> shares_;         ///< by link and end
    std::vector<Crossing> crossings_;
    std::vector<double> latency_;
    std::vector<Arrived> now_, next_; ///< the parts one crossing further on; kept for their memory
    std::size_t now_count_ = 0, next_count_ = 0;
    std::vector<std::uint32_t> place_; ///< by part, in `next_`, and one more; 0: not there
};

} // namespace sim
