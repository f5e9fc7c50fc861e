#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// The parameters of every part, as plain data: what a topology sets and a model reads.
///
/// Units: bytes, bytes a second (each direction of a link), picoseconds. Each field's default is "absent"; presets in
/// `topologies/presets/` give the figures and `docs/timing.md` their sources.
namespace models {

using Picoseconds = std::uint64_t;

/// LPDDR5X, HBM or DDR behind one controller: half-duplex, so reads and writes share its time.
struct MemorySpec {
    std::uint64_t capacity_bytes = 0;
    std::uint64_t read_bytes_per_second = 0;  ///< sustained, reads only
    std::uint64_t write_bytes_per_second = 0; ///< sustained, writes only
    Picoseconds read_latency = 0;             ///< idle controller: request in to data out
    Picoseconds write_latency = 0;            ///< request in to acknowledgement out
    unsigned channels = 1;                    ///< independent channels that switch direction on their own
    Picoseconds turnaround = 0;               ///< a channel's dead time when it changes between reading and writing
    std::uint64_t batch_bytes = 1;            ///< bytes a channel serves before it may change direction
    Picoseconds queueing_quantum = 0;         ///< reads: service time of one bank, see `LoadedServer::queueing_delay`
    Picoseconds write_queueing_quantum = 0;   ///< the same for writes, which the controller may buffer
    double queueing_depth = 1;                ///< jobs that wait at one bank at most, on average under full load

    bool operator==(const MemorySpec&) const = default;
};

/// One cache level, as far as latency needs it.
struct CacheSpec {
    std::string name;
    std::uint64_t capacity_bytes = 0;
    Picoseconds latency = 0; ///< load to use on a hit

    bool operator==(const CacheSpec&) const = default;
};

/// System MMU with the walkers and TLB that serve ATS requests and DMA devices.
struct SmmuSpec {
    unsigned tlb_entries = 0;
    Picoseconds tlb_latency = 0;     ///< a request that hits the TLB
    unsigned walkers = 1;            ///< page walks at a time
    Picoseconds walk_access = 0;     ///< one page-table access of a walk that its walk caches do not hold
    unsigned stage2_tlb_entries = 0; ///< 0 = as many as `tlb_entries`

    bool operator==(const SmmuSpec&) const = default;
};

/// A CPU socket: cores, coherent fabric, SMMU. Grace, or the x86 host of a legacy machine.
struct CpuSpec {
    unsigned cores = 0;
    std::uint64_t line_bytes = 64;
    std::uint64_t core_read_window_bytes = 0;      ///< loads in flight of one core, prefetches included
    std::uint64_t core_read_bytes_per_second = 0;  ///< how fast a core issues the loads of one window
    std::uint64_t core_write_window_bytes = 0;     ///< stores in flight of one core
    std::uint64_t core_write_bytes_per_second = 0; ///< how fast a core issues stores
    std::uint64_t remote_read_window_bytes =
        0;                          ///< whole socket: reads in flight to memory behind a coherent link; 0 = no limit
    Picoseconds core_latency = 0;   ///< core to fabric and back, misses of the private caches included
    Picoseconds fabric_latency = 0; ///< crossing the coherent fabric, there and back
    Picoseconds core_to_core_latency = 0; ///< a modified line moves from one core of the socket to another
    Picoseconds remote_home_latency = 0;  ///< what that takes longer when the line's home is behind a link
    double all_core_clock = 1;            ///< clock with several cores busy, relative to one alone, (0, 1]
    unsigned threads_knee = 0;            ///< readers beyond this number disturb each other in memory; 0 = never
    double threads_loss = 0;              ///< read bandwidth lost with very many readers, 0..1
    std::vector<CacheSpec> caches;        ///< smallest first
    std::uint64_t owner_cache_bytes =
        0; ///< lines a core initialised last and still holds, served to a GPU without DRAM
    std::uint64_t pinned_cache_bytes = 0;   ///< the same of a pinned buffer
    std::uint64_t prefetch_reach_bytes = 0; ///< a chase that is walked again and again is foreseen up to this size
    Picoseconds prefetch_latency = 0;       ///< load to use of a line that was foreseen
    unsigned tlb_entries = 0;               ///< last-level TLB of a core
    unsigned walk_cache_entries =
        64; ///< of a core: as many stage-2 blocks or fewer, and a nested walk finds them all there
    SmmuSpec smmu;
    bool ats = false; ///< GPUs may use CPU page tables by ATS

    bool operator==(const CpuSpec&) const = default;
};

/// Copy engines of a GPU. A rate of 0 means that nothing but the path limits it.
struct CopyEngineSpec {
    unsigned engines = 1;
    std::uint64_t window_bytes = 0;                  ///< requests in flight of one engine
    std::uint64_t payload_bytes = 256;               ///< of one packet
    std::uint64_t local_bytes_per_second = 0;        ///< copy within the own HBM, payload counted once
    std::uint64_t system_read_bytes_per_second = 0;  ///< from CPU memory
    std::uint64_t system_write_bytes_per_second = 0; ///< to CPU memory
    std::uint64_t fabric_bytes_per_second = 0;       ///< to or from another GPU's memory window

    bool operator==(const CopyEngineSpec&) const = default;
};

/// A GPU: SM array, copy engines, L2, GMMU, hub.
struct GpuSpec {
    /// Which bases the driver lets its fabric windows have.
    enum class FabricAddresses { kAny, kHopper, kBlackwell } fabric_addresses = FabricAddresses::kAny;
    unsigned sms = 0;
    unsigned threads_per_sm = 2048;                 ///< resident at most
    std::uint64_t payload_bytes = 128;              ///< of one SM load or store packet
    std::uint64_t load_bytes_per_thread = 16;       ///< in flight, before unrolling
    std::uint64_t block_issue_bytes_per_second = 0; ///< how fast one block issues the loads of its window
    Picoseconds block_overhead = 0;                 ///< loop and synchronisation of a block, once a window
    std::uint64_t block_write_window_bytes = 0;     ///< stores in flight of one block
    CacheSpec l1;                                   ///< of one SM
    CacheSpec l2;                                   ///< latency: SM to L2 hit and back
    std::uint64_t l2_bytes_per_second = 0;          ///< hit bandwidth
    unsigned l2_partitions = 1;     ///< `l2` is one of these; an SM's own one keeps copies of the others
    Picoseconds l2_far_latency = 0; ///< SM to a hit in another partition and back
    std::uint64_t l2_crossing_bytes_per_second = 0; ///< hits in another partition; 0 = no limit of their own
    Picoseconds kernel_launch = 0;                  ///< first block started to last block ended, beyond their work
    Picoseconds l2_atomic_overhead = 0;             ///< a compare-exchange performed in the L2, beyond a read hit
    Picoseconds handover_latency = 0;               ///< a line changes hands between a CPU and this GPU, to and fro
    Picoseconds inbound_latency = 0;                ///< hub and L2 lookup for requests that come in over a link
    std::uint64_t inbound_bytes_per_second = 0;     ///< coherent requests of a CPU into this GPU's memory
    Picoseconds inbound_queueing_quantum = 0;       ///< as `MemorySpec::queueing_quantum`
    double inbound_queueing_depth = 1;
    std::uint64_t system_read_window_bytes = 0; ///< SM reads in flight to CPU memory; 0 = no limit of their own
    std::uint64_t hub_read_window_bytes = 0;    ///< all reads in flight from the hub to CPU memory; 0 = no limit
    std::uint64_t hub_write_window_bytes = 0;   ///< all writes in flight from the hub to CPU memory; 0 = no limit
    std::uint64_t posted_write_bytes = 0;       ///< posted-write buffer of the hub
    Picoseconds posted_write_latency = 0;       ///< hub takes a write into that buffer and acknowledges it
    unsigned gmmu_tlb_entries = 0;
    Picoseconds gmmu_walk_latency = 0;
    unsigned ats_cache_entries = 0; ///< translations of CPU pages kept in the GPU
    Picoseconds ats_request_latency =
        0;                         ///< translation request to the SMMU and its answer, without the SMMU's own time
    unsigned ats_requests_max = 1; ///< translation requests in flight
    CopyEngineSpec copy_engine;

    bool operator==(const GpuSpec&) const = default;
};

/// NVLink-C2C, NVLink, Grace-to-Grace link, PCIe, UPI or a network cable: full duplex.
struct LinkSpec {
    std::uint64_t line_bytes_per_second = 0; ///< one link of the bundle, each direction, headers included
    unsigned count = 1;                      ///< links of the bundle
    double efficiency = 1.0;                 ///< share of the line rate left after framing, credits and CRC, (0, 1]
    Picoseconds latency = 0;                 ///< one way
    std::uint64_t header_bytes = 0;          ///< on each request, acknowledgement and read response
    std::uint64_t write_header_bytes = 0;    ///< on each write with its data
    bool store_and_forward = false;          ///< true: the far end sees a packet when its last byte has arrived
    std::uint64_t buffer_bytes =
        0; ///< room at each far end for one link of the bundle and each virtual lane; 0 = without end

    bool operator==(const LinkSpec&) const = default;
};

struct SwitchSpec {
    unsigned ports = 0;
    std::uint64_t port_bytes_per_second = 0; ///< each port, each direction
    Picoseconds latency = 0;                 ///< port to port

    bool operator==(const SwitchSpec&) const = default;
};

struct NicSpec {
    std::uint64_t bytes_per_second = 0; ///< each direction
    std::uint64_t window_bytes = 0;     ///< requests in flight to memory
    std::uint64_t payload_bytes = 256;
    Picoseconds latency = 0;                   ///< message processing, each message
    unsigned ats_cache_entries = 64;           ///< translations kept in the NIC
    Picoseconds ats_request_latency = 100'000; ///< as of a GPU; inside the socket
    unsigned ats_requests_max = 16;            ///< translation requests in flight

    bool operator==(const NicSpec&) const = default;
};

/// How tenants (VMs) share a resource.
struct SharingSpec {
    enum class Order {
        kFirstCome,     ///< whoever came first
        kWeightedFair,  ///< bytes in proportion to the weights of those who wait
        kStrictPriority ///< the highest priority that waits; within one, whoever came first
    } order = Order::kFirstCome;

    struct Share {
        std::uint32_t weight = 1;                 ///< > 0
        std::uint32_t priority = 0;               ///< higher goes first
        std::uint64_t cap_bytes_per_second = 0;   ///< of data, never exceeded; 0 = none
        std::uint64_t floor_bytes_per_second = 0; ///< of data: goes before all others as long as it got less; 0 = none
    };
    std::vector<Share> tenants; ///< by `Transit::tenant`; who is not in it has a plain `Share`
};

} // namespace models
