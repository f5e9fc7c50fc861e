#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sim/address_plan.h"
#include "sim/topology.h"

namespace sim {

/// Where each GPU's memory and its socket's EGM lie in the address space of the NVLink fabric, as the fabric manager
/// assigns it and the driver checks it. An access to remote EGM carries
///
///     fabric address = SPA - owner's EGM base + begin of the owner's EGM window
///
/// Hopper tells owners apart by address: windows are multiples of 512 GiB in 47 bits, one such space for HBM and one
/// for EGM, which has a peer id of its own. Blackwell's EGM windows begin at multiples of 16 TiB (bits 46:44), of which
/// there are eight, and its HBM windows at multiples of 4 TiB: there the entry of the remap table names the owner, and
/// the address need be unique only within a node. GPUs that are joined without a switch use the fixed windows of a
/// direct connection. docs/decisions/0010-fabric-windows.md has the sources and what we infer from them.
struct FabricWindows {
    struct Window {
        std::uint64_t begin = 0;
        std::uint64_t size = 0; ///< of the memory behind it; 0 = none

        std::uint64_t end() const { return begin + size; }
    };
    struct Gpu {
        std::optional<unsigned> remap_entry; ///< that names it; without one its addresses do
        Window hbm;
        Window egm;
    };
    enum class Space { kHbm, kEgm };

    std::map<std::string, Gpu> gpus;  ///< by part; those with NVLinks only
    std::vector<std::string> misfits; ///< what does not fit, a sentence each

    /// The GPU that answers to `address`, and the byte of its memory or carveout. `remap_entry` as in `Gpu`; a direct
    /// neighbour is named by the link, so it has no answer here.
    struct Owner {
        std::string gpu;
        std::uint64_t offset;
    };
    std::optional<Owner> owner(Space space, std::optional<unsigned> remap_entry, std::uint64_t address) const;
};

FabricWindows plan_fabric_windows(const Topology& topology, const AddressPlan& plan);

} // namespace sim
