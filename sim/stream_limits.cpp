#include <algorithm>

#include <fmt/format.h>

#include "sim/cache_shares.h"
#include "sim/stream_planner_parts.h"

namespace sim {

using models::Leg;
using models::Mapping;
using models::StreamJob;

namespace {

constexpr std::uint64_t kBurstBytesMax = 8192;
constexpr std::uint64_t kSectorBytes = 64; ///< what a load of an SM brings into its L1, at least: two sectors of 32 B
constexpr std::uint64_t kChaseBytesMax = 128;
constexpr std::uint64_t kSpreadBurstBytesMax = 65536;
constexpr unsigned kBurstsInWindow = 4;  ///< of one worker, at least
constexpr unsigned kBurstsInFlight = 32; ///< of a stream, at least: so that the burst size does not show in the result

/// A read's turn to be issued again comes when the rest of its window has had its own: each byte of the window takes
/// its time at the issue rate, that of the burst itself as the tail of its data.
void add_issue_time(StreamJob& job) {
    if (job.read_rate != 0 && job.read_window > job.burst_bytes) {
        job.hold += (job.read_window - job.burst_bytes) * 1'000'000'000'000 / job.read_rate;
    }
}

/// A chase in an L2 of several partitions: the SM's own keeps copies of the others' lines, and replaces at random. What
/// it misses and is at home elsewhere is looked for there: each line comes by once a round, so that all of them stay or
/// none.
void add_l2_hits(const models::GpuSpec& gpu, std::uint64_t size, double served, Leg& leg) {
    const double near = chase_hit_share(gpu.l2.capacity_bytes, size);
    if (near > served) {
        leg.hits.push_back({near - served, gpu.l2.latency});
        served = near;
    }
    const double elsewhere = 1 - 1.0 / gpu.l2_partitions;
    if (served < 1 && elsewhere > 0 && size / gpu.l2_partitions <= gpu.l2.capacity_bytes) {
        leg.hits.push_back({elsewhere * (1 - served), gpu.l2_far_latency});
    }
}

} // namespace

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
    const models::GpuSpec* l2 = nullptr; // of this GPU, where it keeps the memory's lines
    if (side.engine == Engine::kCpu) {
        const models::CpuSpec& cpu = *machine_.cpu(side.part).spec;
        caches = cpu.caches;
        if (stream.operation == Operation::kPointerChase && size <= cpu.prefetch_reach_bytes) {
            for (models::CacheSpec& cache : caches) {
                cache.latency = std::min(cache.latency, cpu.prefetch_latency);
            }
        }
    } else if (side.engine == Engine::kSm) {
        const models::GpuSpec& gpu = *machine_.gpu(side.part).spec;
        if (!stream.bypass_l1) {
            caches.push_back(gpu.l1);
        }
        if (memory.kind == MemoryName::Kind::kHbm && memory.part == side.part) {
            l2 = &gpu; // memory of others is not kept in this L2
            leg.l2_hit = !random_read && !leg.write && size <= gpu.l2.capacity_bytes * gpu.l2_partitions;
            if (leg.l2_hit &&
                size > gpu.l2.capacity_bytes) { // the own partition has no room for copies of all the rest
                leg.l2_far = 1 - static_cast<float>(gpu.l2.capacity_bytes) / static_cast<float>(size);
            }
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
        if (l2 != nullptr) {
            add_l2_hits(*l2, size, served, leg);
        }
    }
    // A cache at the memory's home: the L2 in front of HBM, a core's cache that still holds what it wrote.
    if (memory.kind == MemoryName::Kind::kHbm) {
        if (memory.part != side.part && random_read) {
            const models::GpuSpec& owner = *machine_.gpu(memory.part).spec;
            leg.home_share = cached_share(owner.l2.capacity_bytes * owner.l2_partitions, size);
        }
    } else if (is_gpu(side.engine)) {
        const models::CpuSpec& cpu = *machine_.cpu(memory.part).spec;
        const bool pinned = stream.allocator == Allocator::kPinned && random_read;
        const double share = written_hit_share(pinned ? cpu.pinned_cache_bytes : cpu.owner_cache_bytes, size);
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
        const double clock = job.workers > 1 ? cpu.all_core_clock : 1;
        job.shared_cursor = false;
        job.read_window = cpu.core_read_window_bytes;
        job.write_window = cpu.core_write_window_bytes;
        job.read_rate = static_cast<std::uint64_t>(static_cast<double>(cpu.core_read_bytes_per_second) * clock);
        job.write_rate = static_cast<std::uint64_t>(static_cast<double>(cpu.core_write_bytes_per_second) * clock);
        planned.window = fmt::format("{} cores with {} B of loads in flight each", job.workers, job.read_window);
        if (job.workers > cpu.threads_knee && cpu.threads_knee != 0) {
            const double lost = cpu.threads_loss * (1 - static_cast<double>(cpu.threads_knee) / job.workers);
            const auto disturb = [&](Leg& leg) {
                const bool dram = std::holds_alternative<models::CpuSpec>(
                    scenario_.topology.find(scenario_.topology.parts[leg.memory].at)->spec);
                if (!dram || !leg.write) { // stores to DRAM are gathered by the controller
                    leg.service_scale = static_cast<float>(1 / (1 - lost));
                }
            };
            const auto disturb_all = [&](Leg& leg) {
                disturb(leg);
                std::for_each(leg.others.begin(), leg.others.end(), disturb);
            };
            std::for_each(job.reads.begin(), job.reads.end(), disturb_all);
            if (job.write) {
                disturb_all(*job.write);
            }
        }
    } else if (side.engine == Engine::kSm) {
        const models::GpuSpec& gpu = *machine_.gpu(side.part).spec;
        const unsigned threads = stream.threads != 0 ? stream.threads : 1024;
        const unsigned resident = gpu.sms * std::max(gpu.threads_per_sm / threads, 1u);
        job.workers = std::min(stream.blocks != 0 ? stream.blocks : 2 * gpu.sms, resident);
        job.read_window = std::max(threads * gpu.load_bytes_per_thread * stream.unroll, kSectorBytes);
        for (Leg& leg : job.reads) {
            if (!is_random(stream.operation) && job.read_window < leg.granule &&
                leg.aperture == models::Aperture::kSystem && !leg.l2_hit &&
                scenario_.topology.parts[leg.memory].at == side.part) { // the first access brings the line into the L2
                const double share = 1 - static_cast<double>(job.read_window) / leg.granule;
                leg.hits.push_back({share, gpu.l2.latency});
            }
        }
        job.write_window = std::min<std::uint64_t>(gpu.block_write_window_bytes, job.read_window);
        job.read_rate = gpu.block_issue_bytes_per_second;
        job.write_rate = gpu.block_issue_bytes_per_second;
        job.hold = gpu.block_overhead;
        if (stream.kernel_per_pass && !is_random(stream.operation)) {
            job.pass_bytes = stream.working_set_bytes;
            job.launch = gpu.kernel_launch;
        }
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
        // A message of a NIC is as small as a line here, not as large as a packet may be.
        job.burst_bytes = job.read_window = std::min<std::uint64_t>(job.reads[0].granule, kChaseBytesMax);
        job.read_rate = 0;
        job.hold = 0;
        planned.window = "one access at a time";
        return;
    }
    if (is_random(stream.operation)) {
        job.pattern = StreamJob::Pattern::kRandom;
        job.burst_bytes = job.reads.empty() ? job.write->granule : job.reads[0].granule;
        add_issue_time(job);
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
    add_issue_time(job);
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
