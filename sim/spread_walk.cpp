#include "sim/spread_walk.h"

#include <cassert>

namespace sim {

using models::Leg;
using models::PathTrace;

SpreadWalk::SpreadWalk(Machine& machine)
    : machine_(machine), shares_(machine.topology(), machine.routing()), weights_(shares_.gpus()) {
    for (const Part& part : machine.topology().parts) {
        entry_.push_back(machine.provenance(part.name).number);
    }
}

SpreadWalk::Cost SpreadWalk::cost_of(const PathTrace& path) const {
    Cost cost;
    for (const PathTrace::Use& use : path.uses) {
        cost.uses.emplace_back(machine_.index_of(use.server), use.picoseconds);
    }
    for (const PathTrace::Hold& hold : path.holds) {
        cost.uses.emplace_back(machine_.index_of(hold.pool),
                               hold.byte_picoseconds / static_cast<double>(hold.pool->limit_bytes()));
    }
    cost.latency = static_cast<double>(path.latency);
    return cost;
}

/// Every link and switch of the fabric walked alone.
const SpreadWalk::FabricCosts& SpreadWalk::fabric_costs(const Leg& leg) {
    const auto [known, fresh] = fabric_.try_emplace(kind(leg));
    FabricCosts& costs = known->second;
    if (!fresh) {
        return costs;
    }
    const Topology& topology = machine_.topology();
    costs.latencies.links.resize(topology.links.size());
    costs.latencies.parts.resize(topology.parts.size());
    Leg burst = leg;
    burst.others.clear();
    for (std::size_t link = 0; link < topology.links.size(); ++link) {
        for (unsigned end = 0; end < 2; ++end) {
            costs.begin.push_back(static_cast<std::uint32_t>(costs.uses.size()));
            if (topology.links[link].kind != LinkKind::kNvlink) {
                continue;
            }
            const Cost cost = cost_of(engine_->trace_part(burst, bytes_, machine_.link(link), end, 1));
            for (const auto& [resource, picoseconds] : cost.uses) {
                costs.uses.emplace_back(resource, picoseconds / static_cast<double>(bytes_));
            }
            costs.latencies.links[link] = cost.latency;
        }
    }
    costs.begin.push_back(static_cast<std::uint32_t>(costs.uses.size()));
    for (std::size_t part = 0; part < topology.parts.size(); ++part) {
        if (!std::holds_alternative<models::SwitchSpec>(topology.parts[part].spec)) {
            continue;
        }
        for (const Routing::Route& route : machine_.routing().from(part)) {
            if (route.network == models::Aperture::kFabric) { // any destination that it knows: its own part is the same
                burst.destination = static_cast<std::uint16_t>(route.destination);
                const PathTrace path = engine_->trace_part(burst, bytes_, *machine_.router(topology.parts[part].name),
                                                           models::NvSwitch::kFirstLink, 1);
                assert(path.uses.empty() && path.holds.empty() && "a switch only takes time");
                costs.latencies.parts[part] = static_cast<double>(path.latency);
                break;
            }
        }
    }
    return costs;
}

/// From the hub of the place on.
const SpreadWalk::Cost& SpreadWalk::far_cost(const Leg& place) {
    const FarKind key{place.destination,   place.memory,         place.into_carveout, kind(place),
                      place.service_scale, place.home_share > 0, place.coherent,      place.postable};
    const auto [known, fresh] = far_.try_emplace(key);
    if (fresh) {
        Leg burst = place;
        burst.others.clear();
        models::GpuHub& hub = *machine_.gpu(machine_.topology().parts[place.destination].name).hub;
        known->second = cost_of(engine_->trace_part(burst, bytes_, hub, models::GpuHub::kFirstLink, ~0u));
    }
    return known->second;
}

void SpreadWalk::begin(models::Engine& engine, const std::string& initiator, std::uint64_t bytes) {
    assert(places_.empty());
    engine_ = &engine;
    initiator_ = *machine_.topology().index_of(initiator);
    bytes_ = bytes;
}

void SpreadWalk::add(const Leg& place, double share) {
    if (places_.empty()) {
        first_ = place;
        first_.others.clear();
    }
    const std::size_t gpu = shares_.gpu_number(place.destination);
    weights_[gpu] += share;
    places_.push_back({gpu, share, &far_cost(place)});
}

std::vector<SpreadWalk::Way> SpreadWalk::end(UseTable& uses) {
    const FabricCosts& fabric = fabric_costs(first_);
    shares_.run(initiator_, weights_, fabric.latencies);
    const double size = static_cast<double>(bytes_);
    const auto add = [&](const std::vector<ResourceUse>& costs, double share) {
        for (const auto& [resource, picoseconds] : costs) {
            uses.add(resource, share * picoseconds / size);
        }
    };
    for (const FabricShares::Crossing& crossing : shares_.crossings()) {
        const double share = shares_.share(crossing);
        const std::size_t which = 2 * crossing.link + crossing.end;
        for (std::uint32_t i = fabric.begin[which]; i < fabric.begin[which + 1]; ++i) {
            uses.add(fabric.uses[i].first, share * fabric.uses[i].second);
        }
    }
    std::vector<Way> ways;
    double behind = 0; // the initiator's hub, on the mean
    double total = 0;
    for (const Place& place : places_) {
        add(place.far->uses, place.share);
        ways.push_back({shares_.latency(place.gpu) + place.far->latency, place.share});
        behind += place.share * ways.back().latency;
        total += place.share;
    }
    const PathTrace near = engine_->trace_path(first_, bytes_, 1);
    const Cost own = cost_of(near);
    for (const PathTrace::Hold& hold : near.holds) { // as long as what the part walk has not seen
        uses.add(machine_.index_of(hold.pool), behind / static_cast<double>(hold.pool->limit_bytes()));
    }
    add(own.uses, total);
    for (Way& way : ways) {
        way.latency = near.holds.empty() ? way.latency + own.latency : own.latency; // posted: acknowledged there
    }
    stages_ = near.stages;
    std::vector<bool> passed(machine_.entries() + 1); // one switch of each entry
    for (const FabricShares::Crossing& crossing : shares_.crossings()) {
        const std::size_t next = crossing.end == 0 ? machine_.routing().graph().end_b(crossing.link)
                                                   : machine_.routing().graph().end_a(crossing.link);
        if (fabric.latencies.parts[next] > 0 && !passed[entry_[next]]) {
            passed[entry_[next]] = true;
            stages_.emplace_back(machine_.topology().parts[next].name,
                                 static_cast<models::Picoseconds>(fabric.latencies.parts[next]));
        }
    }
    std::fill(weights_.begin(), weights_.end(), 0);
    places_.clear();
    return ways;
}

} // namespace sim
