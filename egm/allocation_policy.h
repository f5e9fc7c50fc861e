#pragma once

#include <cstdint>

#include "egm/address.h"

namespace egm {

/// How a machine's carveouts are shared out.
enum class Sharing {
    kWholeTray,          ///< all carveouts and all GPUs of the machine to one VM
    kVmPerSocket,        ///< each carveout with all of its GPUs to a VM of its own
    kRegionsPerCarveout, ///< as asked for: a VM may have regions of several carveouts, and a carveout several regions
};

/// What the regions of a VM that runs may do. Its firmware has told the guest where its EGM ends, so by default
/// nothing.
enum class LiveResize { kNone, kGrow, kGrowAndShrink };

/// The rules of a `RegionAllocator`.
struct AllocationPolicy {
    Sharing sharing = Sharing::kRegionsPerCarveout;
    /// A region that a GPU reaches starts at offset 0. False for a platform that programs a base for each VM (and, to
    /// inject a fault, for one that does not).
    bool offset_zero = true;
    /// All GPUs of a used carveout have the same owner: each of them can reach all of it.
    bool all_gpus_together = true;
    LiveResize live_resize = LiveResize::kNone;
    /// Regions take a multiple of this many bytes: a power of two; at least the host's page is used. The last region of
    /// a carveout may end with the carveout instead.
    std::uint64_t granule = 0;

    /// Today's products: guest memory equals the tray's EGM. Source: KubeVirt release-1.7, NVIDIA's branch.
    static AllocationPolicy whole_tray() { return {.sharing = Sharing::kWholeTray}; }
    static AllocationPolicy vm_per_socket() { return {.sharing = Sharing::kVmPerSocket}; }
    /// For a platform that programs a base for each VM. GPUs map EGM in pages of 2 MiB (open-gpu-kernel-modules
    /// 595.45.04, virt_mem_allocator_gm107.c): with this granule no two VMs share one.
    static AllocationPolicy base_per_vm() {
        return {.sharing = Sharing::kRegionsPerCarveout,
                .offset_zero = false,
                .all_gpus_together = false,
                .granule = 2 * kMiB};
    }
};

} // namespace egm
