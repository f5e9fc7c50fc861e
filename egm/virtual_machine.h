#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "egm/address.h"
#include "egm/block_size.h"
#include "egm/gpu_memory.h"
#include "egm/guest_layout.h"
#include "egm/region_allocator.h"
#include "egm/result.h"
#include "egm/retired_ranges.h"
#include "egm/vm_request.h"

namespace egm {

/// One piece of a VM's memory, from the carveout to the guest: linear all the way.
struct GuestRegion {
    int pxm = -1;                  ///< of the carveout; -1 for ordinary memory
    std::uint64_t file_offset = 0; ///< in the carveout
    std::uint64_t size = 0;        ///< bytes
    Hva hva;
    Ipa ipa;
    int guest_node = 0;
    std::vector<RetiredRange> retired; ///< offsets in the carveout, inside the region
    std::vector<BlockShare>
        blocks; ///< stage-2 blocks, if the carveout's SPA is 1 GiB aligned; none for ordinary memory
    std::uint64_t largest_block = 0; ///< bytes; 0 for ordinary memory, where the kernel chooses as it goes
    std::string why_not_larger;      ///< a sentence; empty when the host page size allows no larger one
    Losses losses;                   ///< of the carveout
    bool dma_mapped = true;          ///< false: devices do not reach it by DMA, see `VirtualMachine::dma_notes`
};

/// A VM that is ready for its guest. Owns what was acquired for it: the destructor undoes all of it in reverse.
class VirtualMachine {
public:
    VirtualMachine(VirtualMachine&&) noexcept;
    VirtualMachine& operator=(VirtualMachine&&) noexcept;
    ~VirtualMachine();

    const std::string& name() const;
    unsigned vcpus() const;
    IommuMode iommu() const;
    const std::vector<GuestRegion>& regions() const; ///< in the order of the request
    const GuestLayout& layout() const;
    const std::vector<std::string>& gpu_bdfs() const;
    /// The coherent memory of its GPUs, in the order of the request; a GPU without such memory has no entry.
    const std::vector<GuestGpuMemory>& gpu_memory() const;
    /// Why devices do not reach the VM's memory by DMA although nothing failed, a sentence each.
    const std::vector<std::string>& dma_notes() const;
    int vm_fd() const; ///< of KVM, owned by this object

private:
    friend class BringUp;
    struct State;

    explicit VirtualMachine(std::unique_ptr<State> state);

    std::unique_ptr<State> state_;
};

} // namespace egm
