#include <algorithm>

#include <fmt/format.h>

#include "sim/stream_planner_parts.h"

namespace sim {

using models::Leg;
using models::Mapping;
using models::StreamJob;

namespace {

constexpr std::uint64_t kBurstBytesMax = 8192;
constexpr std::uint64_t kSpreadBurstBytesMax = 65536;
constexpr unsigned kBurstsInWindow = 4;  ///< of one worker, at least
constexpr unsigned kBurstsInFlight = 32; ///< of a stream, at least: so that the burst size does not show in the result

/// Without exp(): the same bits on every machine. h = exp(-(1 - h) x) is iterated from 0, with exp by its series.
double exponential(double x) {
    double result = 1;
    double term = 1;
    const double small = x / 1024;
    for (int i = 1; i < 12; ++i) {
        term *= small / i;
        result += term;
    }
    for (int i = 0; i < 10; ++i) {
        result *= result;
    }
    return result;
}

} // namespace

double chase_hit_share(std::uint64_t capacity, std::uint64_t working_set) {
    if (working_set <= capacity) {
        return 1;
    }
    const double ratio = static_cast<double>(working_set) / static_cast<double>(capacity);
    if (ratio > 50) {
        return 0;
    }
    double share = 0;
    for (int i = 0; i < 200; ++i) {
        share = exponential(-(1 - share) * ratio);
    }
    return share;
}

double StreamPlanner::cached_share(std::uint64_t capacity, std::uint64_t working_set) {
    const auto [known, fresh] = shares_.try_emplace({capacity, working_set});
    if (fresh) {
        known->second = chase_hit_share(capacity, working_set);
    }
    return known->second;
}

/// Which accesses the initiator's own caches serve, and which a cache at the memory's home.
void StreamPlanner::set_caches(const Stream& stream, const Side& side, const MemoryName& memory, Leg& leg) {
    const std::uint64_t size = stream.working_set_bytes;
    const bool random_read = stream.operation == Operation::kPointerChase || stream.operation == Operation::kRandomRead;
    std::vector<models::CacheSpec> caches;
    if (side.engine == Engine::kCpu) {
        caches = machine_.cpu(side.part).spec->caches;
    } else if (side.engine == Engine::kSm) {
        const models::GpuSpec& gpu = *machine_.gpu(side.part).spec;
        if (!stream.bypass_l1) {
            caches.push_back(gpu.l1);
        }
        if (memory.kind == MemoryName::Kind::kHbm && memory.part == side.part) {
            caches.push_back(gpu.l2); // memory of others is not kept in this L2
            leg.l2_hit = !random_read && !leg.write && size <= gpu.l2.capacity_bytes;
        }
    }
    if (random_read) {
        double served = 0;
        for (const models::CacheSpec& cache : caches) {
            const double share = cached_share(cache.capacity_bytes, size);
            if (share > served) {
                leg.hits.push_back({share - served, cache.latency});
                served = share;
            }
        }
    }
    // A cache at the memory's home: the L2 in front of HBM, a core's cache that still holds what it wrote.
    if (memory.kind == MemoryName::Kind::kHbm) {
        if (memory.part != side.part && random_read) {
            leg.home_share = cached_share(machine_.gpu(memory.part).spec->l2.capacity_bytes, size);
        }
    } else if (is_gpu(side.engine)) {
        const double share = cached_share(machine_.cpu(memory.part).spec->owner_cache_bytes, size);
        leg.home_share = random_read || share >= 1 ? share : 0; // a stream longer than the cache finds nothing there
    }
}

/// Workers, windows and rates of an engine.
void StreamPlanner::set_windows(const Stream& stream, const Side& side, HostOs* host, PlannedStream& planned) {
    StreamJob& job = planned.job;
    const unsigned legs = std::max(reads_of(stream.operation), 1u);
    if (side.engine == Engine::kCpu) {
        const models::CpuSpec& cpu = *machine_.cpu(side.part).spec;
        unsigned threads = cpu.cores;
        if (host != nullptr) {
            std::size_t index = 0;
            if (vm_of(stream, *host, index) != nullptr && scenario_.software.vms[index].vcpus != 0) {
                threads = std::min(threads, scenario_.software.vms[index].vcpus);
            }
        }
        job.workers = stream.threads != 0 ? stream.threads : threads;
        job.shared_cursor = false;
        job.read_window = cpu.core_read_window_bytes;
        job.write_window = cpu.core_write_window_bytes;
        job.read_rate = cpu.core_read_bytes_per_second;
        job.write_rate = cpu.core_write_bytes_per_second;
        job.batch = true;
        planned.window = fmt::format("{} cores with {} B of loads in flight each", job.workers, job.read_window);
        if (job.workers > cpu.threads_knee && cpu.threads_knee != 0) {
            const double lost = cpu.threads_loss * (1 - static_cast<double>(cpu.threads_knee) / job.workers);
            const auto slow_down = [&](Leg& leg) {
                const bool dram = std::holds_alternative<models::CpuSpec>(
                    scenario_.topology.find(scenario_.topology.parts[leg.memory].at)->spec);
                leg.service_scale = dram ? static_cast<float>(1 / (1 - lost)) : 1;
            };
            for (Leg& leg : job.reads) {
                slow_down(leg);
                std::for_each(leg.others.begin(), leg.others.end(), slow_down);
            }
        }
    } else if (side.engine == Engine::kSm) {
        const models::GpuSpec& gpu = *machine_.gpu(side.part).spec;
        const unsigned threads = stream.threads != 0 ? stream.threads : 1024;
        const unsigned resident = gpu.sms * std::max(gpu.threads_per_sm / threads, 1u);
        job.workers = std::min(stream.blocks != 0 ? stream.blocks : 2 * gpu.sms, resident);
        job.read_window = threads * gpu.load_bytes_per_thread * stream.unroll;
        job.write_window = std::min<std::uint64_t>(gpu.block_write_window_bytes, job.read_window);
        job.read_rate = gpu.block_issue_bytes_per_second;
        job.write_rate = gpu.block_issue_bytes_per_second;
        job.batch = true;
        job.overhead = gpu.block_overhead;
        planned.window = fmt::format("{} blocks with {} B of loads in flight each", job.workers, job.read_window);
    } else if (side.engine == Engine::kCopyEngine) {
        const models::CopyEngineSpec& ce = machine_.gpu(side.part).spec->copy_engine;
        job.read_window = job.write_window = ce.window_bytes;
        planned.window = fmt::format("{} B in flight of a copy engine", ce.window_bytes);
    } else {
        const models::NicSpec& nic = *machine_.nic(side.part).spec;
        job.read_window = job.write_window = nic.window_bytes;
        planned.window = fmt::format("{} B in flight of the NIC", nic.window_bytes);
    }
    if (stream.operation == Operation::kPointerChase) {
        job.workers = std::max(stream.threads, 1u);
        job.pattern = StreamJob::Pattern::kChase;
        job.burst_bytes = job.read_window = job.reads[0].granule;
        job.batch = false;
        job.read_rate = 0;
        job.overhead = 0;
        planned.window = "one access at a time";
        return;
    }
    if (is_random(stream.operation)) {
        job.pattern = StreamJob::Pattern::kRandom;
        job.burst_bytes = job.reads.empty() ? job.write->granule : job.reads[0].granule;
        return;
    }
    std::uint64_t page = kGpuPageBytes;
    for (const auto& mapping : planned.mappings) {
        if (const auto leaf = mapping->at(0); leaf && mapping->tables() == Mapping::Tables::kSmmu) {
            page = std::min(page, models::tlb_reach(*leaf));
        }
    }
    const std::uint64_t window = job.reads.empty() ? job.write_window
                                 : job.write       ? std::min(job.read_window, job.write_window)
                                                   : job.read_window;
    std::uint64_t burst = stream.burst_bytes;
    if (burst == 0) {
        burst = kBurstBytesMax;
        if (side.engine == Engine::kSm) { // trackers of the hub count whole bursts
            const std::uint64_t trackers = machine_.gpu(side.part).spec->system_read_window_bytes;
            while (trackers != 0 && burst * kBurstsInFlight / 2 > trackers) {
                burst /= 2;
            }
        }
        // A cap of so many bytes a second is not met in larger steps than what it allows in two microseconds.
        const std::uint64_t step = std::max<std::uint64_t>(stream.rate_cap_bytes_per_second / 500'000, 64);
        while (stream.rate_cap_bytes_per_second != 0 && burst > step) {
            burst /= 2;
        }
        // The places of a spread mix what comes to each of them, as finer bursts would: one burst a window will do.
        const bool spread = !stream.source_spread.empty() || !stream.target_spread.empty();
        const unsigned bursts = spread ? 1 : kBurstsInWindow;
        while (spread && burst * legs < window && burst < kSpreadBurstBytesMax) {
            burst *= 2;
        }
        while (burst > 64 &&
               (burst * legs * bursts > window || burst * legs * kBurstsInFlight > window * job.workers)) {
            burst /= 2;
        }
    }
    job.burst_bytes = std::max<std::uint64_t>(std::min({burst, page, window / legs, stream.working_set_bytes}), 16);
}

/// Gates of all places of a stream's legs.
void StreamPlanner::set_gates(const Stream& stream, const Side& side, PlannedStream& planned) {
    StreamJob& job = planned.job;
    Leg* const read = job.reads.empty() ? nullptr : &job.reads[0];
    Leg* const write = job.write ? &*job.write : nullptr;
    const auto sources = stream.sources();
    const auto targets = stream.target.kind == MemoryName::Kind::kNone && write != nullptr ? sources : stream.targets();
    const auto place = [](Leg* leg, std::size_t i) {
        return leg == nullptr || i >= leg->places() ? nullptr : i == 0 ? leg : &leg->others[i - 1];
    };
    for (std::size_t i = 0; i < std::max(sources.size(), targets.size()); ++i) {
        set_gate(side, sources[i % sources.size()], targets[i % targets.size()], place(read, i), place(write, i));
    }
}

/// The copy engine's own limits and the NIC's port rate, by what is moved whither; `read` or `write` may be null.
void StreamPlanner::set_gate(const Side& side, const MemoryName& source, const MemoryName& target, Leg* read,
                             Leg* write) {
    const auto set = [](Leg* limited, models::Server& gate, std::uint64_t rate) {
        if (limited != nullptr && rate != 0) {
            limited->gate = &gate;
            limited->gate_rate = rate;
        }
    };
    if (side.engine == Engine::kNic) {
        Machine::Nic& nic = machine_.nic(side.part);
        set(read != nullptr ? read : write, nic.wire, nic.spec->bytes_per_second);
        return;
    }
    if (side.engine != Engine::kCopyEngine) {
        return;
    }
    Machine::Gpu& gpu = machine_.gpu(side.part);
    const models::CopyEngineSpec& ce = gpu.spec->copy_engine;
    const auto own = [&](const MemoryName& name) {
        return name.kind == MemoryName::Kind::kNone || (name.kind == MemoryName::Kind::kHbm && name.part == side.part);
    };
    const auto system = [&](const MemoryName& name) {
        return name.kind != MemoryName::Kind::kNone && name.kind != MemoryName::Kind::kHbm &&
               home_cpu(scenario_.topology, side.part) == name.part;
    };
    if (own(source) && own(target)) {
        set(read != nullptr ? read : write, gpu.copy_local, ce.local_bytes_per_second);
        return;
    }
    if (system(source)) {
        set(read, gpu.copy_system_read, ce.system_read_bytes_per_second);
    } else if (!own(source)) {
        set(read, gpu.copy_fabric, ce.fabric_bytes_per_second);
    }
    if (system(target)) {
        set(write, gpu.copy_system_write, ce.system_write_bytes_per_second);
    } else if (!own(target)) {
        set(write, gpu.copy_fabric, ce.fabric_bytes_per_second);
    }
}

} // namespace sim
