#include "models/linux/egm_traits.h"

#include <limits>

namespace models::linux {

const EgmTraits& egm_traits(EgmShape shape) {
    constexpr std::uint64_t kWhole = std::numeric_limits<std::uint64_t>::max();
    constexpr std::uint64_t kFortyBits = (1ull << 40) - 1;
    static const EgmTraits kA{.second_open = SecondOpen::kCounted,
                              .clears_in_chunks = false,
                              .offset_honoured = false,
                              .bounded = false,
                              .offset_mask = kWhole,
                              .offset_checked_first = false,
                              .entry_for_every_page = false,
                              .drops_outside = false,
                              .ascending = false,
                              .limit_is_a_page = false,
                              .poison_hook = true,
                              .exports_dma_buf = false,
                              .needs_retired_table = true,
                              .needs_bound_gpu = true,
                              .module_fails_as_a_whole = false,
                              .pxm_window = false,
                              .gpu_devices_file = true,
                              .auxiliary_device = false};
    static const EgmTraits kB = [] {
        EgmTraits traits = kA;
        traits.second_open = SecondOpen::kCountedUnusable;
        traits.gpu_devices_file = false;
        traits.auxiliary_device = true;
        traits.poison_hook = false;
        return traits;
    }();
    static const EgmTraits kC = [] {
        EgmTraits traits = kB;
        traits.second_open = SecondOpen::kBusy;
        traits.clears_in_chunks = true;
        traits.offset_honoured = true;
        traits.bounded = true;
        traits.offset_mask = kFortyBits;
        traits.limit_is_a_page = true;
        traits.poison_hook = true;
        return traits;
    }();
    static const EgmTraits kD = [] {
        EgmTraits traits = kC;
        traits.exports_dma_buf = true;
        return traits;
    }();
    static const EgmTraits kE1 = [] {
        EgmTraits traits = kC;
        traits.second_open = SecondOpen::kWaitsCounted;
        traits.offset_mask = kWhole;
        traits.offset_checked_first = true;
        traits.entry_for_every_page = true;
        traits.drops_outside = true;
        traits.limit_is_a_page = false;
        traits.needs_bound_gpu = false;
        traits.auxiliary_device = false;
        traits.module_fails_as_a_whole = true;
        return traits;
    }();
    static const EgmTraits kE2 = [] {
        EgmTraits traits = kE1;
        traits.second_open = SecondOpen::kWaitsBusy;
        traits.ascending = true;
        traits.poison_hook = false;
        traits.needs_retired_table = false;
        traits.pxm_window = true;
        return traits;
    }();
    switch (shape) {
    case EgmShape::kA:
        return kA;
    case EgmShape::kB:
        return kB;
    case EgmShape::kC:
        return kC;
    case EgmShape::kD:
        return kD;
    case EgmShape::kE1:
        return kE1;
    case EgmShape::kE2:
        break;
    }
    return kE2;
}

} // namespace models::linux
