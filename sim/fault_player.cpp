#include "sim/fault_player.h"

#include <algorithm>

#include <fmt/format.h>

#include "sim/leg_path.h"

namespace sim {

using models::Picoseconds;

namespace {

/// "nvl0-3 down", "nvl0-1 lost 2 links".
std::string in_words(const FabricFault& fault) {
    return fault.lanes == 0 ? fault.what + " down" : fmt::format("{} lost {} links", fault.what, fault.lanes);
}

} // namespace

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

void FaultPlayer::apply(const FaultState& state) {
    for (std::size_t link = 0; link < state.lost.size(); ++link) {
        const bool dead = state.dead_links.count(link) != 0;
        machine_.link(link).set_dead(dead);
        machine_.link(link).set_lost(dead ? 0 : state.lost[link]);
    }
}

void FaultPlayer::follow(const FaultState& state) {
    if (routed_ && *routed_ == state) {
        return;
    }
    routed_ = state;
    topology_ = with_faults(machine_.topology(), state);
    routing_.emplace(*topology_);
    machine_.set_fabric_routes(*routing_);
}

std::string FaultPlayer::act(Picoseconds time) {
    acted_ = true;
    std::string said;
    const auto say = [&](const std::string& what) { said += (said.empty() ? "" : ", ") + what; };
    bool routes = false;
    for (const FabricFault& fault : plan_.faults) {
        if (fault.at == time) {
            say(in_words(fault));
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
        const FaultState followed = state(known);
        broken_.clear();
        for (const FabricFault& fault : plan_.faults) {
            if (fault.holds(known) && leaves_nothing(fault, followed)) {
                broken_ += fmt::format("{}{} ({}:{})", broken_.empty() ? "" : ", ", in_words(fault), fault.where.file,
                                       fault.where.line);
            }
        }
        follow(followed);
        say("routes follow");
    }
    return said;
}

/// A bundle may lose its last link by several faults, none of which takes it out of order alone.
bool FaultPlayer::leaves_nothing(const FabricFault& fault, const FaultState& state) const {
    return fault.lanes == 0 || std::any_of(fault.links.begin(), fault.links.end(), [&](std::size_t link) {
               return state.lost[link] >= machine_.topology().links[link].spec.count;
           });
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
            if (place.group != 0 && !has_switch(stream.stream->group)) {
                return fmt::format("no NVSwitch is left that reaches all of the group of {}: {}",
                                   stream.stream->initiator, broken_);
            }
            if (place.aperture == models::Aperture::kFabric &&
                !routing_->reaches(from, models::Aperture::kFabric, place.destination)) {
                return fmt::format("{} no longer reaches {} over NVLink: {}", stream.stream->initiator,
                                   topology_->parts[place.destination].name, broken_);
            }
        }
    }
    return {};
}

/// Any will do: the hub asks the group by each switch in turn.
bool FaultPlayer::has_switch(const std::vector<std::string>& group) const {
    std::set<std::string> common = switches_of(*topology_, *routing_, group.front());
    for (const std::string& gpu : group) {
        const std::set<std::string> its = switches_of(*topology_, *routing_, gpu);
        std::erase_if(common, [&](const std::string& one) { return its.count(one) == 0; });
    }
    return !common.empty();
}

void FaultPlayer::mend() {
    if (!acted_) {
        return;
    }
    acted_ = false;
    FaultState whole;
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
