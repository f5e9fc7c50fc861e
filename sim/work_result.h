#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/lost_packets.h"
#include "sim/verdict.h"
#include "sim/work.h"

namespace sim {

/// What broke while a work ran, and what that cost.
struct WorkFaults {
    struct Event {
        models::Picoseconds time; ///< after the start of the work
        std::string what;
    };
    std::vector<Event> events;
    models::LostPackets lost; ///< on dead links; all were sent again
};

/// When the nodes of a work began and were over, by node, in picoseconds after the start of the work.
struct WorkTimes {
    static constexpr models::Picoseconds kNever = ~models::Picoseconds{0};

    std::vector<models::Picoseconds> began;
    std::vector<models::Picoseconds> over;
    models::Picoseconds finish = 0; ///< the last of `over`
    std::string fault;              ///< why it could not be finished; else empty
    bool interrupted = false;       ///< the user wanted out
    WorkFaults faults;
};

struct WorkResult {
    WorkTimes times;
    double bound_ps = 0;                         ///< no run may finish sooner: static loads and the longest chain
    std::optional<models::Picoseconds> fluid_ps; ///< `Fidelity::kAll` only
    std::uint64_t bytes = 0;                     ///< of all transfers
    Binding binding;
    Grade grade = Grade::kComposed;
    std::vector<std::string> reasons; ///< of the grade
    std::vector<WorkValue> values;    ///< of the work's figures

    /// Bytes a second; `work` is what this is the result of.
    double algbw(const Work& work) const {
        const std::uint64_t size = work.size_bytes != 0 ? work.size_bytes : bytes;
        return times.finish == 0 ? 0 : static_cast<double>(size) * 1e12 / static_cast<double>(times.finish);
    }
    double busbw(const Work& work) const { return algbw(work) * work.bus_factor; }
    double share_of_bound() const { return times.finish == 0 ? 0 : bound_ps / static_cast<double>(times.finish); }
};

} // namespace sim
