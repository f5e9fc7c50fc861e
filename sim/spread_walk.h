#pragma once

#include <map>
#include <tuple>
#include <vector>

#include "sim/fabric_shares.h"
#include "sim/machine.h"
#include "sim/use_table.h"

namespace sim {

/// What a leg over NVLink to many places costs, without a walk to each of them: hundreds of initiators with hundreds of
/// places, each over hundreds of ways, would take minutes.
///
/// The parts of the walks are the same for many. Each is walked once, by the models' own arithmetic:
///
///     the initiator's hub, up to its links                  for each leg
///     a link in one direction, a switch                     for each kind of burst
///     the hub of the place, and all that is behind it       for each place and kind of burst
///
/// and `FabricShares` says how often each link is crossed. A limit on bytes in flight of the initiator's hub is held as
/// long as the way behind it takes, on the mean.
class SpreadWalk {
public:
    explicit SpreadWalk(Machine& machine);

    /// Whether walks to this place can be put together here.
    static bool covers(const models::Leg& place) { return place.aperture == models::Aperture::kFabric; }

    /// Begins a leg of bursts of `bytes` from the GPU `initiator`, by the port of its hub that `engine` is at.
    void begin(models::Engine& engine, const std::string& initiator, std::uint64_t bytes);
    /// A place to which `share` of the bursts go.
    void add(const models::Leg& place, double share);
    /// The latency to a place and the share of the bursts that go there.
    struct Way {
        double latency;
        double share;
    };
    /// Adds to `uses` what a byte of the leg costs; the ways to the places, in their order.
    std::vector<Way> end(UseTable& uses);
    /// The initiator's hub, and a switch of each kind that is passed, with their latency.
    const std::vector<std::pair<std::string, models::Picoseconds>>& stages() const { return stages_; }

private:
    /// What a walk of a part of the way adds.
    struct Cost {
        std::vector<ResourceUse> uses; ///< of a burst
        double latency = 0;
    };
    using BurstKind = std::tuple<std::uint64_t, bool, std::uint32_t>; ///< bytes, write, granule
    struct FabricCosts {
        std::vector<std::uint32_t> begin; ///< in `uses`, by link and end, and one more
        std::vector<ResourceUse> uses;    ///< of a byte
        FabricShares::Latencies latencies;
    };
    /// Owner of the window, memory, which window, kind of burst, and what changes the memory's part of it.
    using FarKind = std::tuple<std::uint16_t, std::uint16_t, bool, BurstKind, float, bool, bool, bool>;

    Cost cost_of(const models::PathTrace& path) const;
    const FabricCosts& fabric_costs(const models::Leg& leg);
    const Cost& far_cost(const models::Leg& place);
    BurstKind kind(const models::Leg& leg) const { return {bytes_, leg.write, leg.granule}; }

    Machine& machine_;
    FabricShares shares_;
    std::map<BurstKind, FabricCosts> fabric_;
    std::map<FarKind, Cost> far_;
    std::vector<unsigned> entry_; ///< of the machine's file, by part
    std::vector<double> weights_; ///< of the leg that has begun, by GPU number

    struct Place {
        std::size_t gpu; ///< number
        double share;
        const Cost* far;
    };
    std::vector<Place> places_;
    models::Engine* engine_ = nullptr;
    std::size_t initiator_ = 0;
    std::uint64_t bytes_ = 0;
    models::Leg first_; ///< place
    std::vector<std::pair<std::string, models::Picoseconds>> stages_;
};

} // namespace sim
