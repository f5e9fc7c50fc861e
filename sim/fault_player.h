#pragma once

#include <optional>
#include <set>
#include <string>

#include "sim/fault_state.h"
#include "sim/machine.h"
#include "sim/stream_plan.h"

namespace sim {

/// Breaks and mends links of a machine while traffic runs, and lets routes follow after the time of detection.
///
/// Real NVLink: an uncorrectable error of a link is fatal for the GPU contexts that use it (the driver reports it, and
/// the applications end); the fabric manager routes around a dead trunk or switch when the partition is set up again.
/// Here what a dead link would carry is lost, its initiator asks again after `retry`, and a stream ends only when no
/// way is left: an optimistic view, which shows the dip and what is left after it.
class FaultPlayer {
public:
    /// All outlive this.
    FaultPlayer(Machine& machine, const FaultPlan& plan) : machine_(machine), plan_(plan) {}
    ~FaultPlayer() { mend(); }
    FaultPlayer(const FaultPlayer&) = delete;
    FaultPlayer& operator=(const FaultPlayer&) = delete;

    /// When something happens, after the group's start.
    std::set<models::Picoseconds> times() const;
    /// To be called at each of them: does what happens then and says it: "nvl0-3 down".
    std::string act(models::Picoseconds time);
    /// Why a stream can go on no longer: whom it does not reach. Empty: it can.
    std::string cut(const PlannedStream& stream) const;
    /// Everything is as before: another group begins.
    void mend();

private:
    FaultState state(models::Picoseconds time) const { return fault_state(plan_, machine_.topology(), time); }
    void apply(const FaultState& state);
    void follow(const FaultState& state);
    bool leaves_nothing(const FabricFault& fault, const FaultState& state) const;
    bool has_switch(const std::vector<std::string>& group) const;

    Machine& machine_;
    const FaultPlan& plan_;
    bool acted_ = false;
    std::optional<FaultState> routed_; ///< what routes follow; none: nothing is out of order
    std::string broken_;               ///< in words, then, each with its place in the file
    std::optional<Topology> topology_;
    std::optional<Routing> routing_;
};

} // namespace sim
