#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "egm/address.h"
#include "egm/retired_ranges.h"

/// Where a guest's memory lies in its physical address space, and what its firmware tables say about it.
///
/// The rules are those of QEMU's arm64 "virt" machine, and the order of nodes is the one in which Linux reads the SRAT
/// table: first the nodes with CPUs and memory, one a socket; then eight initiator nodes a GPU (for the GPU's own
/// memory, MIG instances); then the nodes with memory alone. RAM lies from 0x4000'0000 on, node after node in that
/// order, without gaps. The high MMIO window follows the RAM, aligned to its own size.
namespace egm {

inline constexpr Ipa kGuestRamBase{0x4000'0000};
/// RAM of a guest on a machine without EGM starts here: an x86 IOMMU reserves a range below 4 GiB for interrupts.
inline constexpr Ipa kLegacyGuestRamBase{4 * kGiB};
inline constexpr int kInitiatorNodesPerGpu = 8;

/// One memory node asked for. Its memory is one region of a carveout, linear from the first byte to the last.
struct GuestNodeRequest {
    std::uint64_t size = 0;            ///< bytes
    std::uint64_t file_offset = 0;     ///< of the region in its carveout
    std::vector<RetiredRange> retired; ///< offsets in the carveout; what lies outside the region is cut off
    bool memory_only = false;          ///< never gets a vCPU
};

struct GuestGpuRequest {
    std::string bdf;      ///< on the host
    int memory_node = -1; ///< index of the node that is this GPU's EGM, or -1 for a GPU without EGM
    /// Its own memory comes online in the guest as NUMA nodes. A GPU with EGM always is.
    bool coherent = false;
    std::uint64_t mmio_bytes = kTiB; ///< its part of the high MMIO window
};

struct GuestLayoutRequest {
    std::vector<GuestNodeRequest> nodes;
    std::vector<GuestGpuRequest> gpus;
    Ipa ram_base = kGuestRamBase;
    unsigned vcpus = 0;                ///< 0 when it is not known: every node counts as one with vCPUs
    std::uint64_t high_mmio_bytes = 0; ///< a power of two; 0 for what the GPUs need, at least 4 TiB
};

/// vCPUs [first, first + count) of a guest.
struct VcpuRange {
    unsigned first = 0;
    unsigned count = 0;

    friend bool operator==(const VcpuRange&, const VcpuRange&) = default;
};

struct GuestMemoryNode {
    int node = 0;    ///< the guest's number of it
    VcpuRange vcpus; ///< none for a node with memory alone
    Range<Ipa> ram;
    std::vector<Range<Ipa>> holes;  ///< retired memory: left out of the guest's memory map, the mapping stays linear
    std::vector<Range<Ipa>> usable; ///< `ram` without `holes`
};

/// A GPU as the guest sees it: the values of its firmware properties nvidia,egm-base-pa, egm-size and egm-pxm.
struct GuestGpu {
    std::string bdf;
    Ipa egm_base;               ///< IPA of the node that is its EGM
    std::uint64_t egm_size = 0; ///< bytes; 0 for a GPU without EGM
    int egm_pxm = -1;           ///< the guest's node number
    int first_initiator_node = -1;
    int initiator_nodes = 0;
};

struct GuestLayout {
    std::vector<GuestMemoryNode> nodes; ///< in the order of the request
    std::vector<GuestGpu> gpus;         ///< in the order of the request
    int node_count = 0;                 ///< memory nodes and initiator nodes
    Range<Ipa> high_mmio;               ///< for the GPUs' own memory

    /// The width in bits that a guest address needs.
    unsigned address_bits() const;
};

/// vCPUs are shared out evenly over the nodes that may have some; nodes that get none, because there are fewer vCPUs
/// than nodes, are nodes with memory alone.
GuestLayout lay_out_guest(const GuestLayoutRequest& request);

} // namespace egm
