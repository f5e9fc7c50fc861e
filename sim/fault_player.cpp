#include "sim/fault_player.h"

#include <algorithm>

#include <fmt/format.h>

namespace sim {

using models::Picoseconds;

std::set<Picoseconds> FaultPlayer::times() const {
    std::set<Picoseconds> times;
    for (const FabricFault& fault : plan_.faults) {
        times.insert({fault.at, fault.at + plan_.detection});
        if (fault.until != 0) {
            times.insert({fault.until, fault.until + plan_.detection});
        }
    }
    return times;
}

FaultPlayer::State FaultPlayer::state(Picoseconds time) const {
    State state;
    state.lost.resize(machine_.topology().links.size());
    for (const FabricFault& fault : plan_.faults) {
        if (time < fault.at || (fault.until != 0 && time >= fault.until)) {
            continue;
        }
        if (fault.lanes == 0) { // a switch whose bundles are narrower still passes on
            state.dead_parts.insert(fault.parts.begin(), fault.parts.end());
        }
        for (const std::size_t link : fault.links) {
            if (fault.lanes == 0) {
                state.dead_links.insert(link);
            } else {
                state.lost[link] += fault.lanes;
            }
        }
    }
    for (std::size_t link = 0; link < state.lost.size(); ++link) {
        if (state.lost[link] >= machine_.topology().links[link].spec.count) {
            state.dead_links.insert(link); // several faults have taken all of it
        }
    }
    return state;
}

void FaultPlayer::apply(const State& state) {
    for (std::size_t link = 0; link < state.lost.size(); ++link) {
        const bool dead = state.dead_links.count(link) != 0;
        machine_.link(link).set_dead(dead);
        machine_.link(link).set_lost(dead ? 0 : state.lost[link]);
    }
}

void FaultPlayer::follow(const State& state) {
    if (routed_ && *routed_ == state) {
        return;
    }
    routed_ = state;
    topology_ = machine_.topology();
    for (const std::size_t part : state.dead_parts) {
        topology_->parts[part].down = true;
    }
    for (std::size_t link = 0; link < state.lost.size(); ++link) {
        Link& one = topology_->links[link];
        one.down = one.down || state.dead_links.count(link) != 0;
        one.spec.count -= std::min(state.lost[link], one.spec.count - 1);
    }
    routing_.emplace(*topology_);
    machine_.set_fabric_routes(*routing_);
}

std::string FaultPlayer::act(Picoseconds time) {
    std::string said;
    const auto say = [&](const std::string& what) { said += (said.empty() ? "" : ", ") + what; };
    bool routes = false;
    for (const FabricFault& fault : plan_.faults) {
        if (fault.at == time) {
            say(fault.lanes == 0 ? fault.what + " down" : fmt::format("{} lost {} links", fault.what, fault.lanes));
        }
        if (fault.until == time && fault.until != 0) {
            say(fault.what + " back");
        }
        routes =
            routes || fault.at + plan_.detection == time || (fault.until != 0 && fault.until + plan_.detection == time);
    }
    apply(state(time));
    if (routes) {
        const Picoseconds known = time - plan_.detection;
        broken_.clear();
        for (const FabricFault& fault : plan_.faults) {
            if (fault.at <= known && (fault.until == 0 || known < fault.until) && fault.lanes == 0) {
                broken_ += (broken_.empty() ? "" : ", ") + fault.what;
            }
        }
        follow(state(known));
        say("routes follow");
    }
    return said;
}

std::string FaultPlayer::cut(const PlannedStream& stream) const {
    if (!routing_) {
        return {};
    }
    const std::size_t from = *topology_->index_of(stream.stream->initiator);
    std::vector<const models::Leg*> legs;
    for (const models::Leg& leg : stream.job.reads) {
        legs.push_back(&leg);
    }
    if (stream.job.write) {
        legs.push_back(&*stream.job.write);
    }
    for (const models::Leg* leg : legs) {
        for (std::size_t i = 0; i < leg->places(); ++i) {
            const models::Leg& place = leg->place(i);
            if (place.aperture == models::Aperture::kFabric &&
                !routing_->reaches(from, models::Aperture::kFabric, place.destination)) {
                return fmt::format("{} no longer reaches {} over NVLink: {} down", stream.stream->initiator,
                                   topology_->parts[place.destination].name, broken_);
            }
        }
    }
    return {};
}

void FaultPlayer::mend() {
    State whole;
    whole.lost.resize(machine_.topology().links.size());
    apply(whole);
    if (routed_ && !(*routed_ == whole)) {
        machine_.set_fabric_routes(machine_.routing());
    }
    routed_.reset();
    routing_.reset();
    topology_.reset();
}

} // namespace sim
