#pragma once

#include <cassert>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace sim {

/// Flows over shared resources, as rates: no packets, no queues, no time. For `max_min.h` and `fluid_finish.h`.
///
/// A resource (a direction of a link, a memory, a pool of requests in flight) has so many seconds of its time to give
/// in each second: `capacity`, 1 for a sound one. A byte of a flow takes `seconds_per_byte` of each resource it uses. A
/// flow may have a limit of its own, such as window / latency (Little's law), and a weight.
///
/// Flat arrays, 12 bytes for each use of a resource by a flow.
class FluidNetwork {
public:
    using Index = std::uint32_t; ///< of a flow or a resource, in the order of their adding
    static constexpr double kUnlimited = std::numeric_limits<double>::infinity();

    /// Precondition: `capacity >= 0`; 0 is a resource that is out of order.
    Index add_resource(double capacity = 1) {
        assert(capacity >= 0);
        capacities_.push_back(capacity);
        return static_cast<Index>(capacities_.size() - 1);
    }

    /// A flow that uses nothing yet; `add_use` says what. Preconditions: `rate_max >= 0`, in bytes a second; `weight`
    /// is positive and finite.
    Index add_flow(double rate_max = kUnlimited, double weight = 1) {
        assert(rate_max >= 0 && weight > 0 && weight < kUnlimited);
        rates_max_.push_back(rate_max);
        weights_.push_back(weight);
        ends_.push_back(used_.size());
        return static_cast<Index>(rates_max_.size() - 1);
    }

    /// The flow that was added last uses `resource`; several uses of the same one add up. Preconditions: there is a
    /// flow; `seconds_per_byte` is finite and not negative.
    void add_use(Index resource, double seconds_per_byte) {
        assert(!ends_.empty() && resource < capacities_.size());
        assert(seconds_per_byte >= 0 && seconds_per_byte < kUnlimited);
        if (seconds_per_byte > 0) {
            used_.push_back(resource);
            costs_.push_back(seconds_per_byte);
            ends_.back() = used_.size();
        }
    }

    void reserve(std::size_t flows, std::size_t uses) {
        rates_max_.reserve(flows);
        weights_.reserve(flows);
        ends_.reserve(flows);
        used_.reserve(uses);
        costs_.reserve(uses);
    }

    std::size_t flows() const { return rates_max_.size(); }
    std::size_t resources() const { return capacities_.size(); }
    double capacity(Index resource) const { return capacities_[resource]; }
    double rate_max(Index flow) const { return rates_max_[flow]; }
    double weight(Index flow) const { return weights_[flow]; }
    /// The resources of a flow, and what a byte takes of each, in the same order.
    std::span<const Index> used(Index flow) const { return {used_.data() + begin(flow), ends_[flow] - begin(flow)}; }
    std::span<const double> costs(Index flow) const { return {costs_.data() + begin(flow), ends_[flow] - begin(flow)}; }

private:
    std::size_t begin(Index flow) const { return flow == 0 ? 0 : ends_[flow - 1]; }

    std::vector<double> capacities_;
    std::vector<double> rates_max_;
    std::vector<double> weights_;
    std::vector<std::size_t> ends_; ///< by flow: one past its last use
    std::vector<Index> used_;
    std::vector<double> costs_;
};

} // namespace sim
