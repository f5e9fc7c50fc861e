#pragma once

#include <vector>

#include "sim/fluid_network.h"

namespace sim {

/// A fixed amount of work on a flow of a `FluidNetwork`.
struct FluidWork {
    static constexpr FluidNetwork::Index kNothing = ~FluidNetwork::Index{0};

    double bytes = 0;
    double latency = 0;                   ///< seconds from sending a byte to its arrival
    double start = 0;                     ///< seconds; not before
    FluidNetwork::Index after = kNothing; ///< not before this flow's last byte has arrived
};

/// A flow that does not begin before another one's last byte has arrived, beside `FluidWork::after`.
struct FluidOrder {
    FluidNetwork::Index before;
    FluidNetwork::Index after;
};

/// By flow, in seconds; infinity for what never begins or never arrives.
struct FluidTimes {
    std::vector<double> began;
    std::vector<double> arrived;
};

/// When the last byte of each flow arrives, in seconds, by flow: max-min fair rates, solved anew whenever flows start
/// or have sent their last byte and leave their share to others. Flows that end within a part in 10^12 of the time end
/// together. A flow that never gets a rate, or follows one that does not, never arrives: infinity.
///
/// Memories, links and switches add no time but `latency`: store-and-forward of packets is not in it.
/// Preconditions: one work for each flow of `network`; bytes and times are finite and not negative.
std::vector<double> fluid_finish_times(const FluidNetwork& network, const std::vector<FluidWork>& works);

/// The same for works in any partial order: a flow begins when all that it comes after have arrived. Further
/// precondition: the order has no cycle, or its flows never begin.
FluidTimes fluid_finish_times(const FluidNetwork& network, const std::vector<FluidWork>& works,
                              const std::vector<FluidOrder>& order);

} // namespace sim
