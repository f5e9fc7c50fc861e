#include "sim/leg_path.h"

#include <algorithm>
#include <cassert>
#include <fmt/format.h>
#include <set>

namespace sim {

using models::Aperture;

std::string home_cpu(const Topology& topology, const std::string& name) { return topology.find(name)->cpu; }

std::size_t memory_at(const Topology& topology, const std::string& name) {
    const auto memory = topology.memory_of(name);
    assert(memory && "CPUs and GPUs without memory are refused with their topology");
    return *memory;
}

namespace {

/// The GPU whose fabric window serves the carveout of `cpu`: the one asked for, or the first of the socket.
std::optional<std::size_t> window_owner(const Topology& topology, const std::string& via, const std::string& cpu) {
    const auto gpus = topology.gpus.find(cpu);
    if (gpus == topology.gpus.end()) {
        return std::nullopt;
    }
    const auto owner = std::find_if(gpus->second.begin(), gpus->second.end(),
                                    [&](std::size_t gpu) { return via.empty() || topology.parts[gpu].name == via; });
    return owner == gpus->second.end() ? std::nullopt : std::optional(*owner);
}

} // namespace

std::set<std::string> switches_of(const Topology& topology, const Routing& routing, const std::string& gpu) {
    std::set<std::string> found;
    for (const auto& near : routing.graph().neighbours(*topology.index_of(gpu))) {
        const Part& other = topology.parts[near.part];
        if (topology.links[near.link].kind == LinkKind::kNvlink && !topology.links[near.link].down && !other.down &&
            std::holds_alternative<models::SwitchSpec>(other.spec)) {
            found.insert(other.name);
        }
    }
    return found;
}

std::string multicast_problem(const Topology& topology, const Routing& routing, const std::vector<std::string>& gpus) {
    const std::set<std::string> switches = switches_of(topology, routing, gpus.front());
    if (switches.empty()) {
        return fmt::format("no multicast group: {} hangs on no NVSwitch that is up", gpus.front());
    }
    for (const std::string& gpu : gpus) {
        if (switches_of(topology, routing, gpu) != switches) {
            return fmt::format("no multicast group: {} and {} do not hang on the same NVSwitches", gpus.front(), gpu);
        }
    }
    return {};
}

LegPathResult leg_path(const Topology& topology, const Routing& routing, const Stream& stream,
                       const std::string& initiator, Engine engine, const MemoryName& memory) {
    const std::size_t from = *part_index(topology, initiator);
    LegPath path;
    if (memory.kind == MemoryName::Kind::kMulticast) {
        const std::string why = multicast_problem(topology, routing, stream.group);
        if (!why.empty()) {
            return {{}, why};
        }
        path.destination = *part_index(topology, stream.group[stream.group.front() == initiator ? 1 : 0]);
        path.memory = memory_at(topology, topology.parts[path.destination].name);
    } else if (memory.kind == MemoryName::Kind::kEndPoint) {
        path.destination = path.memory = *part_index(topology, memory.part);
    } else {
        path.destination = path.memory = memory_at(topology, memory.part);
    }
    const bool is_gpu = engine == Engine::kSm || engine == Engine::kCopyEngine;
    if (memory.kind == MemoryName::Kind::kMulticast || memory.kind == MemoryName::Kind::kEndPoint) {
        path.aperture = Aperture::kFabric;
    } else if (engine == Engine::kNic) {
        path.aperture = Aperture::kRdma;
    } else if (is_gpu && memory.kind == MemoryName::Kind::kHbm && memory.part != initiator) {
        path.aperture = Aperture::kFabric;
        path.destination = *part_index(topology, memory.part);
    } else if (is_gpu && memory.kind == MemoryName::Kind::kEgm && stream.allocator != Allocator::kSystem) {
        const std::string& via = memory.via.empty() ? stream.via : memory.via;
        if (home_cpu(topology, initiator) == memory.part && via.empty()) {
            path.aperture = Aperture::kEgm;
        } else {
            const auto owner = window_owner(topology, via, memory.part);
            if (!owner) {
                return {{},
                        fmt::format("no GPU {}of {} could serve its EGM over NVLink", via.empty() ? "" : via + " ",
                                    memory.part)};
            }
            path.aperture = Aperture::kFabric;
            path.destination = *owner;
            path.into_carveout = true;
        }
    } else if (is_gpu && memory.kind != MemoryName::Kind::kHbm) {
        const auto& cpu = std::get<models::CpuSpec>(topology.find(memory.part)->spec);
        path.by_ats = cpu.ats && stream.allocator != Allocator::kPinned;
    }
    const Aperture network = path.aperture == Aperture::kEgm ? Aperture::kSystem : path.aperture;
    if (!routing.reaches(from, network, path.destination)) {
        const char* name = network == Aperture::kFabric ? "NVLink"
                           : network == Aperture::kRdma ? "the network"
                                                        : "links";
        return {{},
                fmt::format("{} does not reach {} over {}", initiator, topology.parts[path.destination].name, name)};
    }
    return {path, {}};
}

} // namespace sim
