#pragma once

#include <span>
#include <vector>

#include "sim/fluid_network.h"

namespace sim {

/// The weighted max-min fair rates of a network's flows: no flow can have more without taking from one that has, for
/// its weight, no more already (Bertsekas and Gallager, Data Networks, 6.5.2).
///
/// Progressive filling, one bottleneck after the other. All flows rise together, flow f at weight(f) x level. The next
/// resource to be full is the one with the lowest
///
///     level = (capacity - what stopped flows take) / sum over its rising flows of seconds per byte x weight
///
/// Its flows stop there, and so does a flow that reaches its own limit. Stopping a flow never lowers the level of
/// another resource, so a heap of resources with levels that may be out of date is enough: one that has risen since
/// goes back. Work: uses x log(resources). Sums are compensated (Neumaier 1974), so that a million flows that come off
/// a resource leave no rounding behind. Deterministic: ties go by index.
class MaxMinSolver {
public:
    using Index = FluidNetwork::Index;
    static constexpr Index kOwnLimit = ~Index{0}; ///< the flow's `rate_max`, not a resource

    /// `network` outlives the solver; nothing is added to it in between.
    explicit MaxMinSolver(const FluidNetwork& network);

    /// Gives rates to all flows. Precondition, here and below: each uses a resource or has a limit of its own.
    void solve();
    /// Gives rates to `flows`, each named once, as if there were no others; the rates of others stay. The work grows
    /// with what these flows use, not with the network.
    void solve(std::span<const Index> flows);

    double rate(Index flow) const { return rates_[flow]; } ///< bytes a second
    /// What stopped the flow: a full resource, or `kOwnLimit`.
    Index limit(Index flow) const { return limits_[flow]; }
    /// Share of a second that the flows of the last `solve` took of a resource.
    double load(Index resource) const;

private:
    /// A sum that keeps what rounding took from it.
    struct Sum {
        double value = 0;
        double lost = 0;

        void add(double summand) {
            const double sum = value + summand;
            const double back = sum - value;
            lost += (value - (sum - back)) + (summand - back); // Knuth's two-sum
            value = sum;
        }
        double total() const { return value + lost; }
    };
    struct Resource {
        Sum taken;             ///< by flows that stopped
        Sum rising;            ///< seconds a level that flows take which have not
        Index flows = 0;       ///< that have not stopped
        Index round = 0;       ///< the solve that this state is of
        std::size_t begin = 0; ///< of its flows in `users_`
        std::size_t end = 0;
    };
    struct Entry {
        double level;
        Index index;
        bool operator<(const Entry& other) const { // std::push_heap keeps the largest on top
            return level != other.level ? level > other.level : index > other.index;
        }
    };

    void gather(std::span<const Index> flows);
    void stop(Index flow, double rate, Index limit);
    double level(Index resource) const;

    const FluidNetwork& network_;
    Index round_ = 0;
    std::vector<double> rates_;
    std::vector<Index> limits_;
    std::vector<Index> stopped_; ///< by flow: the round in which it stopped
    std::vector<Resource> resources_;
    std::vector<Index> touched_; ///< resources that the flows of this round use
    std::vector<Index> users_;   ///< their flows, resource by resource
    std::vector<Entry> full_;    ///< heap of resources by the level at which they are full
    std::vector<Entry> own_;     ///< flows by the level of their own limit, lowest first
};

} // namespace sim
