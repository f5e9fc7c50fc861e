#include "sim/stream_plan.h"

#include <algorithm>

#include "sim/stream_planner_parts.h"
#include "sim/tenants.h"

namespace sim {

using models::Leg;
using models::StreamJob;

StreamPlanner::StreamPlanner(const Scenario& scenario, Machine& machine)
    : scenario_(scenario), machine_(machine),
      tenants_(scenario.software.sharing.empty() ? std::vector<std::string>{} : tenant_names(scenario)) {}

std::uint16_t StreamPlanner::tenant_number(const Stream& stream) const {
    if (tenants_.empty()) {
        return 0;
    }
    const auto found = std::find(tenants_.begin(), tenants_.end(), tenant_of(scenario_, stream));
    return found == tenants_.end() ? 0 : static_cast<std::uint16_t>(found - tenants_.begin() + 1);
}

tl::expected<Leg, std::string> StreamPlanner::leg(const Stream& stream, const Side& side, const MemoryName& memory,
                                                  bool write, HostOs* host, PlannedStream& planned) {
    const auto found = leg_path(scenario_.topology, machine_.routing(), stream, side.part, side.engine, memory);
    if (!found.path) {
        return tl::unexpected(found.why_not);
    }
    const auto piece = place(stream, memory, host);
    if (!piece) {
        return tl::unexpected(piece.error());
    }
    Leg leg;
    leg.write = write;
    leg.aperture = found.path->aperture;
    leg.destination = static_cast<std::uint16_t>(found.path->destination);
    leg.memory = static_cast<std::uint16_t>(found.path->memory);
    leg.tenant = tenant_number(stream);
    leg.into_carveout = found.path->into_carveout;
    leg.coherent = side.engine == Engine::kCpu;
    leg.postable = write && side.engine == Engine::kSm;
    leg.working_set = stream.working_set_bytes;
    planned.mappings.push_back(mapping(stream, side, memory, *found.path, *piece, host, planned));
    leg.mapping = planned.mappings.back().get();
    switch (side.engine) {
    case Engine::kCpu:
        leg.granule = static_cast<std::uint32_t>(machine_.cpu(side.part).spec->line_bytes);
        machine_.cpu(side.part).mmu->set_working_set(leg.mapping->space(), stream.working_set_bytes);
        break;
    case Engine::kSm:
        leg.granule = static_cast<std::uint32_t>(machine_.gpu(side.part).spec->payload_bytes);
        break;
    case Engine::kCopyEngine:
        leg.granule = static_cast<std::uint32_t>(machine_.gpu(side.part).spec->copy_engine.payload_bytes);
        break;
    case Engine::kNic:
        leg.granule = static_cast<std::uint32_t>(machine_.nic(side.part).spec->payload_bytes);
        break;
    }
    if (piece->region != nullptr && piece->region->pxm < 0) {
        // Ordinary memory of a legacy VM is populated when it is touched: do so now, in the thread that may wait.
        for (std::uint64_t at = 0; at < leg.working_set;) {
            const auto touched = leg.mapping->at(at);
            at += touched ? std::max<std::uint64_t>(touched->block_bytes, 4096) : leg.working_set;
        }
    }
    set_caches(stream, side, memory, leg);
    return leg;
}

/// A leg with a place in each of `memories`.
tl::expected<Leg, std::string> StreamPlanner::spread_leg(const Stream& stream, const Side& side,
                                                         std::span<const MemoryName> memories, bool write, HostOs* host,
                                                         PlannedStream& planned) {
    auto first = leg(stream, side, memories.front(), write, host, planned);
    if (!first) {
        return first;
    }
    first->others.reserve(memories.size() - 1);
    for (const MemoryName& memory : memories.subspan(1)) {
        auto other = leg(stream, side, memory, write, host, planned);
        if (!other) {
            return other;
        }
        first->others.push_back(std::move(*other));
    }
    return first;
}

tl::expected<PlannedStream, std::string> StreamPlanner::plan(const Stream& stream, HostOs* host) {
    PlannedStream planned;
    planned.stream = &stream;
    planned.job.name = stream.name;
    planned.job.seed = scenario_.seed;
    planned.job.rate_cap = stream.rate_cap_bytes_per_second;
    const auto side_of = [&](const std::string& part, Engine engine) {
        Side side{part, engine};
        switch (engine) {
        case Engine::kCpu:
            side.module = machine_.cpu(part).cores.get();
            side.translator = machine_.cpu(part).mmu.get();
            break;
        case Engine::kSm:
            side.module = machine_.gpu(part).sm.get();
            side.translator = machine_.gpu(part).gmmu.get();
            break;
        case Engine::kCopyEngine:
            side.module = machine_.gpu(part).copy_engine.get();
            side.translator = machine_.gpu(part).gmmu.get();
            break;
        case Engine::kNic:
            side.module = machine_.nic(part).engine.get();
            side.translator = machine_.nic(part).mmu.get();
            break;
        }
        return side;
    };
    const Side side = side_of(stream.initiator, stream.engine);
    planned.engine = side.module;
    planned.translator = side.translator;
    if (stream.operation == Operation::kPingPong) {
        planned.is_latency = true;
        planned.job.pattern = StreamJob::Pattern::kPingPong;
        planned.job.burst_bytes = 64;
        planned.window = "one turn at a time";
        Side peer = side;
        if (const std::size_t dot = stream.peer.rfind('.'); dot != std::string::npos) {
            const std::string part = stream.peer.substr(0, dot);
            peer = side_of(part, std::holds_alternative<models::GpuSpec>(scenario_.topology.find(part)->spec)
                                     ? Engine::kSm
                                     : Engine::kCpu);
        }
        const bool same_socket = side.engine == Engine::kCpu && peer.engine == Engine::kCpu && side.part == peer.part;
        for (const Side* who : {&side, static_cast<const Side*>(&peer)}) {
            auto leg = this->leg(stream, *who, stream.source, false, host, planned);
            if (!leg) {
                return tl::unexpected(leg.error());
            }
            StreamJob::Turn turn{who->module, std::move(*leg), false};
            turn.leg.hits.clear();
            turn.leg.home_share = 1; // a flag that is fought over lives in the caches of its home
            const bool gpu = is_gpu(who->engine);
            const bool mixed = is_gpu(side.engine) != is_gpu(peer.engine);
            const bool in_hbm = stream.source.kind == MemoryName::Kind::kHbm;
            const bool own_hbm = stream.source.kind == MemoryName::Kind::kHbm && stream.source.part == who->part;
            if (gpu) {
                const models::GpuSpec& spec = *machine_.gpu(who->part).spec;
                turn.leg.l2_hit = own_hbm;
                turn.leg.overhead = (in_hbm ? spec.l2_atomic_overhead : 0) + (mixed ? spec.handover_latency : 0);
            } else if (same_socket || (home_cpu(scenario_.topology, stream.source.part) == who->part && !in_hbm)) {
                // Between cores of a socket, or taken back from the own fabric, where a GPU's atomic was performed.
                const models::CpuSpec& cpu = *machine_.cpu(who->part).spec;
                turn.local = true;
                turn.leg.overhead = cpu.core_to_core_latency +
                                    (in_hbm || stream.source.part != who->part ? cpu.remote_home_latency : 0);
            }
            planned.job.turns.push_back(std::move(turn));
        }
        return planned;
    }
    planned.is_latency = stream.operation == Operation::kPointerChase;
    switch (stream.operation) {
    case Operation::kStreamCopy:
    case Operation::kStreamScale:
        planned.bytes_per_unit_byte = 2;
        break;
    case Operation::kStreamAdd:
    case Operation::kStreamTriad:
        planned.bytes_per_unit_byte = 3;
        break;
    default:
        break;
    }
    for (unsigned i = 0; i < reads_of(stream.operation); ++i) {
        auto read = spread_leg(stream, side, stream.sources(), false, host, planned);
        if (!read) {
            return tl::unexpected(read.error());
        }
        planned.job.reads.push_back(std::move(*read));
    }
    if (writes(stream.operation)) {
        const auto targets = stream.target.kind == MemoryName::Kind::kNone ? stream.sources() : stream.targets();
        auto write = spread_leg(stream, side, targets, true, host, planned);
        if (!write) {
            return tl::unexpected(write.error());
        }
        planned.job.write = std::move(*write);
    }
    set_windows(stream, side, host, planned);
    set_gates(stream, side, planned);
    return planned;
}

} // namespace sim
