#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "egm/carveout_source.h"
#include "egm/dma_mapper.h"

namespace egm {

/// The part of one carveout that a VM shall have. Each becomes one NUMA node of the guest, in the order given.
struct RegionRequest {
    int pxm = 0;
    std::uint64_t size = 0;        ///< bytes, a multiple of the host's page; 0 = the whole carveout
    std::uint64_t file_offset = 0; ///< in the carveout; anything but 0 is refused unless the request says otherwise
    /// With `size` 0: only as many of the largest blocks as fit, so that the guest's next node begins at such a block.
    bool whole_blocks = false;
    bool anywhere = false; ///< at whatever offset it fits best; `file_offset` counts for nothing
};

/// A VM as its owner wants it: with EGM (`regions`), or with ordinary memory on a machine without EGM.
struct VmRequest {
    std::string name;
    unsigned vcpus = 0;
    std::vector<RegionRequest> regions;
    std::vector<std::string> gpu_bdfs;
    IommuMode iommu = IommuMode::kType1;
    CarveoutForm carveouts = CarveoutForm::kCharDevice;
    /// False only to inject a fault: lets a mapping through that makes a GPU touch other memory than the CPU.
    bool enforce_offset_zero = true;
    /// Every GPU of a used carveout goes to this VM: each of them can reach all of it. False to share them out anyway.
    bool require_all_gpus = true;
    /// Mappings lie at multiples of this many bytes and of no larger power of two; 0 = the largest block the host's
    /// page size allows. Smaller values show what placement costs.
    std::uint64_t block_alignment = 0;
    /// Without `regions`: bytes of anonymous memory for a guest on a machine without EGM.
    std::uint64_t legacy_memory_bytes = 0;
};

/// Hears what the bring-up is doing. Steps do not nest; `end` comes for a failed step too.
class StepListener {
public:
    virtual ~StepListener() = default;
    /// `step`: "discover", "plan VM", "open carveout", "query retired pages", "map carveout", "map memory",
    /// "lay out guest memory", "open IOMMU", "open GPU", "map GPU memory", "create VM", "set memory slot", "map DMA".
    virtual void begin(std::string_view step, std::string_view object) = 0;
    virtual void end() = 0;
};

} // namespace egm
