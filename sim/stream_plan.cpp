#include "sim/stream_plan.h"

#include <algorithm>
#include <cassert>
#include <fmt/format.h>

#include "sim/host_kernel.h"
#include "sim/mappings.h"

namespace sim {

using models::Aperture;
using models::Leg;
using models::Mapping;
using models::StreamJob;

namespace {

constexpr std::uint64_t kGpuPageBytes = 2 * egm::kMiB; ///< cudaMalloc, EGM and fabric mappings
constexpr std::uint64_t kBurstBytesMax = 8192;
constexpr unsigned kBurstsInWindow = 4;  ///< of one worker, at least
constexpr unsigned kBurstsInFlight = 32; ///< of a stream, at least: so that the burst size does not show in the result

bool is_gpu(Engine engine) { return engine == Engine::kSm || engine == Engine::kCopyEngine; }

bool is_random(Operation operation) {
    return operation == Operation::kRandomRead || operation == Operation::kRandomWrite ||
           operation == Operation::kPointerChase;
}

unsigned reads_of(Operation operation) {
    switch (operation) {
    case Operation::kWrite:
    case Operation::kRandomWrite:
        return 0;
    case Operation::kStreamAdd:
    case Operation::kStreamTriad:
        return 2;
    default:
        return 1;
    }
}

bool writes(Operation operation) {
    switch (operation) {
    case Operation::kRead:
    case Operation::kRandomRead:
    case Operation::kPointerChase:
    case Operation::kPingPong:
        return false;
    default:
        return true;
    }
}

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

/// A stretch of memory that a stream was given.
struct StreamPlanner::Piece {
    std::uint64_t offset = 0;                 ///< from the first byte of the memory (native) or region (VM)
    egm::Spa spa;                             ///< native
    const egm::GuestRegion* region = nullptr; ///< VM
};

/// Who acts: the stream's initiator, or the peer of a ping-pong.
struct StreamPlanner::Side {
    std::string part;
    Engine engine = Engine::kCpu;
    models::Engine* module = nullptr;
    models::Translator* translator = nullptr;
};

const egm::VirtualMachine* StreamPlanner::vm_of(const Stream& stream, HostOs& host, std::size_t& index) const {
    const auto& setups = scenario_.software.vms;
    for (std::size_t i = 0; i < setups.size(); ++i) {
        const VmSetup& vm = setups[i];
        const bool has_gpu = std::find(vm.gpus.begin(), vm.gpus.end(), stream.initiator) != vm.gpus.end();
        const bool has_memory = std::any_of(vm.memory.begin(), vm.memory.end(), [&](const RegionSetup& region) {
            return region.memory.rfind(home_cpu(scenario_.topology, stream.initiator) + ".", 0) == 0;
        });
        if (stream.vm.empty() ? (is_gpu(stream.engine) ? has_gpu : has_memory) : stream.vm == vm.name) {
            index = i;
            return &host.machines()[i];
        }
    }
    return nullptr;
}

tl::expected<StreamPlanner::Piece, std::string> StreamPlanner::place(const Stream& stream, const MemoryName& memory,
                                                                     HostOs* host) {
    const Topology& topology = scenario_.topology;
    const bool is_hbm = memory.kind == MemoryName::Kind::kHbm;
    const std::uint64_t bytes = egm::align_up(stream.working_set_bytes, kGpuPageBytes);
    Piece piece;
    egm::Range<egm::Spa> native =
        is_hbm ? machine_.plan().hbm.at(memory.part) : machine_.plan().dram.at(memory.part).all;
    std::uint64_t begin = 0;
    std::uint64_t end = native.size;
    std::string owner = "native";
    if (host != nullptr) {
        std::size_t index = 0;
        const egm::VirtualMachine* const vm = vm_of(stream, *host, index);
        if (vm == nullptr) {
            return tl::unexpected(fmt::format("no VM has {}", stream.initiator));
        }
        const VmSetup& setup = scenario_.software.vms[index];
        owner = setup.name;
        if (is_hbm) {
            if (std::find(setup.gpus.begin(), setup.gpus.end(), memory.part) == setup.gpus.end()) {
                return tl::unexpected(fmt::format("{} does not have {}", setup.name, memory.part));
            }
        } else {
            const int pxm = topology.egm ? machine_.plan().dram.at(memory.part).pxm : -1;
            for (const egm::GuestRegion& region : vm->regions()) {
                if (region.pxm == pxm) {
                    piece.region = &region;
                }
            }
            if (piece.region == nullptr) {
                return tl::unexpected(fmt::format("{} has no memory of {}", setup.name, memory.part));
            }
            // The longest stretch between retired blocks.
            begin = end = 0;
            std::uint64_t free = 0;
            auto holes = piece.region->retired;
            holes.push_back({piece.region->file_offset + piece.region->size, 0});
            for (const egm::RetiredRange& hole : holes) {
                const std::uint64_t until = hole.offset - piece.region->file_offset;
                if (until > free && until - free > end - begin) {
                    begin = egm::align_up(free, kGpuPageBytes);
                    end = until;
                }
                free = until + hole.size;
            }
        }
    }
    std::uint64_t& used = used_[owner + "/" + memory.part + (is_hbm ? ".hbm" : "")];
    if (bytes > end - begin) {
        return tl::unexpected(
            fmt::format("working set of {} MiB does not fit into the {} MiB of {} that {} has in one piece",
                        bytes / egm::kMiB, (end - begin) / egm::kMiB, memory.part, owner));
    }
    if (begin + used + bytes > end) {
        used = 0; // arrays of one group may overlap when they fill the memory
    }
    piece.offset = begin + used;
    piece.spa = native.begin + piece.offset;
    used += bytes;
    return piece;
}

std::unique_ptr<Mapping> StreamPlanner::mapping(const Stream& stream, const Side& side, const MemoryName& memory,
                                                const LegPath& path, const Piece& piece, HostOs* host,
                                                PlannedStream& planned) {
    const SoftwareSetup& software = scenario_.software;
    const std::uint32_t space = ++spaces_;
    const bool is_hbm = memory.kind == MemoryName::Kind::kHbm;
    const bool gpu = is_gpu(side.engine);
    const std::uint64_t cpu_page = stream.page_bytes != 0 ? stream.page_bytes
                                   : host == nullptr      ? software.host_page_bytes
                                                          : software.guest_page_bytes;
    const std::uint64_t gpu_page = stream.page_bytes != 0 && !path.by_ats ? stream.page_bytes : kGpuPageBytes;
    const auto own = Mapping::Tables::kOwn;
    if (gpu && (path.aperture == Aperture::kEgm || path.into_carveout)) {
        // What the GPU's page tables hold: address minus EGM base. In a VM the guest driver subtracts the base it was
        // told, the IPA of its memory node.
        const std::uint64_t offset = piece.offset;
        return std::make_unique<LinearMapping>(space, own, offset, offset, gpu_page);
    }
    if (is_hbm) {
        if (gpu || side.engine == Engine::kNic) {
            return std::make_unique<LinearMapping>(space, own, piece.spa.value, piece.spa.value, gpu_page);
        }
        // A CPU's view of HBM. In a VM: the GPU's usemem region, which faults in by the largest block (Linux 6.19).
        const std::uint64_t block = host == nullptr ? 0 : egm::block_size_max(software.host_page_bytes);
        return std::make_unique<LinearMapping>(space, own, piece.spa.value, piece.spa.value, cpu_page, block);
    }
    const bool behind_smmu = side.engine == Engine::kNic || path.by_ats;
    const auto tables = behind_smmu ? Mapping::Tables::kSmmu : own;
    if (behind_smmu && host != nullptr) {
        planned.assumptions.push_back("SMMU: TLB size, walkers and time per page-table access");
    }
    if (behind_smmu && is_random(stream.operation) && stream.operation != Operation::kPointerChase) {
        planned.assumptions.push_back("number of translation requests in flight");
    }
    if (host == nullptr) {
        const std::uint64_t page = gpu && !path.by_ats ? gpu_page : cpu_page;
        return std::make_unique<LinearMapping>(space, tables, piece.spa.value, piece.spa.value, page);
    }
    std::size_t index = 0;
    const egm::VirtualMachine& vm = *vm_of(stream, *host, index);
    const egm::Ipa ipa = piece.region->ipa + piece.offset;
    if (side.engine == Engine::kCpu) {
        planned.assumptions.push_back("nested page walk of a core: walk caches of 64 entries");
        return std::make_unique<GuestMapping>(space, tables, host->kernel(), GuestMapping::Stage2::kKvm, vm.vm_fd(), "",
                                              ipa, cpu_page);
    }
    const std::string bdf = gpu ? gpu_bdf(scenario_.topology, side.part) : vm.gpu_bdfs().at(0);
    const std::uint64_t page = gpu && !path.by_ats ? gpu_page : cpu_page;
    return std::make_unique<GuestMapping>(space, tables, host->kernel(), GuestMapping::Stage2::kSmmu, vm.vm_fd(), bdf,
                                          ipa, page);
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
            const double share = chase_hit_share(cache.capacity_bytes, size);
            if (share > served) {
                leg.hits.push_back({share - served, cache.latency});
                served = share;
            }
        }
    }
    // A cache at the memory's home: the L2 in front of HBM, a core's cache that still holds what it wrote.
    if (memory.kind == MemoryName::Kind::kHbm) {
        if (memory.part != side.part && random_read) {
            leg.home_share = chase_hit_share(machine_.gpu(memory.part).spec->l2.capacity_bytes, size);
        }
    } else if (is_gpu(side.engine)) {
        const double share = chase_hit_share(machine_.cpu(memory.part).spec->owner_cache_bytes, size);
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
            for (Leg& leg : job.reads) {
                const bool dram = std::holds_alternative<models::CpuSpec>(
                    scenario_.topology.find(scenario_.topology.parts[leg.memory].at)->spec);
                leg.service_scale = dram ? static_cast<float>(1 / (1 - lost)) : 1;
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
        while (burst > 64 &&
               (burst * legs * kBurstsInWindow > window || burst * legs * kBurstsInFlight > window * job.workers)) {
            burst /= 2;
        }
    }
    job.burst_bytes = std::max<std::uint64_t>(std::min({burst, page, window / legs, stream.working_set_bytes}), 16);
}

/// The copy engine's own limits and the NIC's port rate, by what is moved whither.
void StreamPlanner::set_gate(const Side& side, const MemoryName& source, const MemoryName& target,
                             PlannedStream& planned) {
    Leg& leg = planned.job.reads.empty() ? *planned.job.write : planned.job.reads[0];
    if (side.engine == Engine::kNic) {
        leg.gate = &machine_.nic(side.part).wire;
        leg.gate_rate = machine_.nic(side.part).spec->bytes_per_second;
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
    const auto set = [](Leg& limited, models::Server& gate, std::uint64_t rate) {
        if (rate != 0) {
            limited.gate = &gate;
            limited.gate_rate = rate;
        }
    };
    if (own(source) && own(target)) {
        set(leg, gpu.copy_local, ce.local_bytes_per_second);
    } else {
        if (!planned.job.reads.empty()) {
            Leg& read = planned.job.reads[0];
            if (system(source)) {
                set(read, gpu.copy_system_read, ce.system_read_bytes_per_second);
            } else if (!own(source)) {
                set(read, gpu.copy_fabric, ce.fabric_bytes_per_second);
            }
        }
        if (planned.job.write) {
            if (system(target)) {
                set(*planned.job.write, gpu.copy_system_write, ce.system_write_bytes_per_second);
            } else if (!own(target)) {
                set(*planned.job.write, gpu.copy_fabric, ce.fabric_bytes_per_second);
            }
        }
    }
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
            const bool own_hbm = stream.source.kind == MemoryName::Kind::kHbm && stream.source.part == who->part;
            if (gpu) {
                const models::GpuSpec& spec = *machine_.gpu(who->part).spec;
                turn.leg.l2_hit = own_hbm;
                turn.leg.overhead = own_hbm ? spec.l2_atomic_overhead : spec.system_atomic_overhead;
            } else if (same_socket || home_cpu(scenario_.topology, stream.source.part) == who->part) {
                // Between cores of a socket, or taken back from the own fabric, where a GPU's atomic was performed.
                turn.local = same_socket || stream.source.kind != MemoryName::Kind::kHbm;
                turn.leg.overhead = turn.local ? machine_.cpu(who->part).spec->core_to_core_latency : 0;
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
        auto read = leg(stream, side, stream.source, false, host, planned);
        if (!read) {
            return tl::unexpected(read.error());
        }
        planned.job.reads.push_back(std::move(*read));
    }
    if (writes(stream.operation)) {
        const MemoryName& target = stream.target.kind == MemoryName::Kind::kNone ? stream.source : stream.target;
        auto write = leg(stream, side, target, true, host, planned);
        if (!write) {
            return tl::unexpected(write.error());
        }
        planned.job.write = std::move(*write);
    }
    set_windows(stream, side, host, planned);
    set_gate(side, stream.source, stream.target, planned);
    return planned;
}

} // namespace sim
