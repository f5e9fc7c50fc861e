#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "models/linux/call_costs.h"
#include "sim/fault_plan.h"
#include "sim/sweep_plan.h"
#include "sim/topology.h"

namespace sim {

enum class IommuBackend { kType1, kIommufdStrict, kIommufdTolerant };

/// EGM (or, on a machine without EGM, hugepage memory) of one socket given to a VM.
struct RegionSetup {
    std::string memory;            ///< "grace0.egm"; on legacy machines "x86-0.system"
    std::uint64_t size_bytes = 0;  ///< 0 = the whole carveout
    std::uint64_t file_offset = 0; ///< offset in the carveout; anything but 0 breaks the GPU's view
    Location where;
};

struct VmSetup {
    std::string name;
    unsigned vcpus = 0; ///< 0 = all cores of the sockets it has memory of
    std::vector<RegionSetup> memory;
    std::vector<std::string> gpus;     ///< part names
    std::uint64_t block_alignment = 0; ///< place HVA and IPA at multiples of this only; 0 = the best there is
    bool enforce_offset_zero = true;   ///< false: fault injection, let a wrong mapping through to the models
    Location where;
};

/// A fault put into the machine or the kernel on purpose.
struct FaultSetup {
    enum class Kind { kFailCall, kGpuNotReady, kRetiredPages } kind = Kind::kFailCall;
    std::uint64_t call_number = 0;      ///< kFailCall: the n-th door call of the bring-up, from 1
    int error_number = 0;               ///< kFailCall: errno
    std::string part;                   ///< kGpuNotReady: GPU; kRetiredPages: CPU
    std::vector<std::uint64_t> offsets; ///< kRetiredPages: bytes from the carveout's start, multiples of 64 KiB
    Location where;
};

/// How VMs and other tenants share some resources of the machine.
struct SharingSetup {
    models::SharingSpec::Order order = models::SharingSpec::Order::kFirstCome;
    std::map<std::string, models::SharingSpec::Share> tenants; ///< by name; all others have a plain share

    struct Outlet {
        std::size_t link; ///< index in `Topology::links`
        unsigned end;     ///< that sends: 0 = a
    };
    std::vector<Outlet> outlets;                         ///< directions of links
    std::vector<std::size_t> memories;                   ///< parts
    std::vector<std::pair<std::string, Location>> names; ///< of tenants as written
    Location where;
};

struct SoftwareSetup {
    std::uint64_t host_page_bytes = 64 << 10; ///< 4 KiB or 64 KiB
    std::uint64_t guest_page_bytes =
        64 << 10; ///< 4 KiB, 64 KiB, 2 MiB, 512 MiB or 1 GiB: what the guest's stage 1 maps with
    std::string egm_shape = "E2";
    int kernel_major = 6, kernel_minor = 18;
    bool retired_short_buffer_enospc = false; ///< too small a buffer for the retired pages: ENOSPC instead of 0
    IommuBackend iommu = IommuBackend::kType1;
    std::uint64_t hypervisor_bytes = 0; ///< left to the host of each socket with VMs; 0: `hypervisor_bytes_default`
    std::vector<VmSetup> vms;           ///< empty = bare metal only
    bool compare_native = true;         ///< with VMs: run the traffic on bare metal too
    std::vector<FaultSetup> faults;
    models::linux::CallCosts costs;
    std::vector<SharingSetup> sharing;
};

enum class Engine { kCpu, kSm, kCopyEngine, kNic, kEndPoint };

enum class Operation {
    kRead,
    kWrite,
    kCopy,
    kStreamCopy,
    kStreamScale,
    kStreamAdd,
    kStreamTriad,
    kRandomRead,
    kRandomWrite,
    kPointerChase,
    kPingPong,
};

enum class Allocator {
    kDefault,    ///< HBM: cudaMalloc; egm: EGM; system: what the initiator would use
    kCudaMalloc, ///< GMMU, 2 MiB pages
    kSystem,     ///< malloc: CPU page tables, ATS for a GPU
    kEgm,        ///< cuMemCreate on a HOST_NUMA node: GMMU, 2 MiB pages, peer aperture
    kPinned,     ///< cudaHostAlloc: GMMU maps host pages (the only way on a machine without ATS)
};

/// A memory as streams name it.
struct MemoryName {
    enum class Kind {
        kNone,
        kHbm,
        kEgm,
        kSystem,
        kEndPoint,  ///< an ideal end point, which keeps nothing
        kMulticast, ///< the HBM of all GPUs of `Stream::group` at once: read as their sum, written as copies
    } kind = Kind::kNone;
    std::string part; ///< "hopper0" of hopper0.hbm, "grace0" of grace0.egm and grace0.system
    std::string via;  ///< remote EGM: the GPU whose fabric window serves it; empty = as the stream says
};

struct Stream {
    std::string name;
    std::string initiator; ///< part name
    Engine engine = Engine::kCpu;
    Operation operation = Operation::kRead;
    MemoryName source;                     ///< kNone for writes
    MemoryName target;                     ///< kNone for reads
    std::vector<MemoryName> source_spread; ///< memories that its bursts take in turn, `source` first; empty: not spread
    std::vector<MemoryName> target_spread;
    Allocator allocator = Allocator::kDefault;
    std::string peer;   ///< ping-pong: the other initiator, "hopper0.sm"; empty = the same engine
    std::string vm;     ///< VM it runs in; empty = the first VM that has the initiator
    std::string tenant; ///< as whom it competes where resources are shared by a policy; empty = its VM
    std::string via;    ///< GPU whose fabric window serves remote EGM; empty = the first GPU of that socket
    std::uint64_t working_set_bytes = 8ull << 30;
    std::uint64_t burst_bytes = 0;               ///< simulated transaction size; 0 = chosen from the window
    std::uint64_t packet_bytes = 0;              ///< end point: of one packet on the wires
    std::vector<std::string> group;              ///< GPUs that kMulticast stands for
    std::uint64_t page_bytes = 0;                ///< 0 = what the allocator and the kernel give
    unsigned threads = 0;                        ///< CPU: threads; 0 = all cores (vCPUs). SM: threads a block; 0 = 1024
    unsigned blocks = 0;                         ///< SM: thread blocks; 0 = two an SM
    unsigned unroll = 1;                         ///< SM: loads in flight a thread, 1..16
    bool bypass_l1 = false;                      ///< SM: loads that the L1 does not keep, as coherent probes do
    bool kernel_per_pass = false;                ///< SM: each pass through the working set is a kernel of its own
    models::Picoseconds start = 0;               ///< after the group's start
    models::Picoseconds stop = 0;                ///< 0 = runs as long as the measurement
    std::uint64_t rate_cap_bytes_per_second = 0; ///< 0 = none
    Location where;

    /// All memories that it reads, or writes; one if it is not spread.
    std::span<const MemoryName> sources() const {
        return source_spread.empty() ? std::span(&source, 1) : std::span(source_spread);
    }
    std::span<const MemoryName> targets() const {
        return target_spread.empty() ? std::span(&target, 1) : std::span(target_spread);
    }
};

struct NvbandwidthCase; // sim/nvbandwidth.h
struct Work;            // sim/work.h

/// Streams that run together, or a fixed amount of work. Groups run one after another.
struct StreamGroup {
    std::string name;
    std::vector<Stream> streams;
    Location where;
    std::shared_ptr<const Work> work = {};                   ///< null for streams; with it there are none
    std::shared_ptr<const NvbandwidthCase> nvbandwidth = {}; ///< the test case that it measures cells of; else null
};

struct Measurement {
    bool of_sum = false;                          ///< steady when the sum of the group is; else when each stream is
    double relative_error = 0.005;                ///< stop when the 95 % confidence half-width is below this share
    models::Picoseconds time_max = 2'000'000'000; ///< 2 ms of simulated time at most, per group
};

/// A run: a machine, its software, and what the software does.
struct Scenario {
    std::string name;
    std::string description;
    std::string file;
    std::uint64_t seed = 1;
    Topology topology;
    SoftwareSetup software;
    std::vector<StreamGroup> groups; ///< shorthands expanded
    Measurement measurement;
    FaultPlan faults;
    std::optional<SweepPlan> sweep; ///< values to try, for `egmsim sweep`
};

} // namespace sim
