#include "sim/leg_path.h"

#include <cassert>
#include <fmt/format.h>

namespace sim {

using models::Aperture;

std::string home_cpu(const Topology& topology, const std::string& name) { return topology.find(name)->cpu; }

std::size_t memory_at(const Topology& topology, const std::string& name) {
    for (std::size_t i = 0; i < topology.parts.size(); ++i) {
        if (topology.parts[i].at == name && std::holds_alternative<models::MemorySpec>(topology.parts[i].spec)) {
            return i;
        }
    }
    assert(false && "CPUs and GPUs without memory are refused with their topology");
    return 0;
}

namespace {

/// The GPU whose fabric window serves the carveout of `cpu`: the one asked for, or the first of the socket.
std::optional<std::size_t> window_owner(const Topology& topology, const Stream& stream, const std::string& cpu) {
    for (std::size_t i = 0; i < topology.parts.size(); ++i) {
        const Part& part = topology.parts[i];
        if (std::holds_alternative<models::GpuSpec>(part.spec) && home_cpu(topology, part.name) == cpu &&
            (stream.via.empty() || stream.via == part.name)) {
            return i;
        }
    }
    return std::nullopt;
}

} // namespace

LegPathResult leg_path(const Topology& topology, const Routing& routing, const Stream& stream,
                       const std::string& initiator, Engine engine, const MemoryName& memory) {
    const std::size_t from = *part_index(topology, initiator);
    LegPath path;
    path.memory = memory_at(topology, memory.part);
    path.destination = path.memory;
    const bool is_gpu = engine == Engine::kSm || engine == Engine::kCopyEngine;
    if (engine == Engine::kNic) {
        path.aperture = Aperture::kRdma;
    } else if (is_gpu && memory.kind == MemoryName::Kind::kHbm && memory.part != initiator) {
        path.aperture = Aperture::kFabric;
        path.destination = *part_index(topology, memory.part);
    } else if (is_gpu && memory.kind == MemoryName::Kind::kEgm && stream.allocator != Allocator::kSystem) {
        if (home_cpu(topology, initiator) == memory.part && stream.via.empty()) {
            path.aperture = Aperture::kEgm;
        } else {
            const auto owner = window_owner(topology, stream, memory.part);
            if (!owner) {
                return {{},
                        fmt::format("no GPU {}of {} could serve its EGM over NVLink",
                                    stream.via.empty() ? "" : stream.via + " ", memory.part)};
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
