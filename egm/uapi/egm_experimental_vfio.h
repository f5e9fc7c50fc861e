#pragma once

#include <cstddef>
#include <cstdint>

#include "egm/uapi/vfio.h"

/// EXPERIMENTAL. A carveout as a device region of its GPUs' VFIO devices, which reviewers of the EGM driver asked for
/// in the place of a character device (review of "Add virtualization support for EGM", March 2026). No kernel has it
/// and its numbers are not fixed: those that are ours are named "Experimental" and will change.
///
/// The device region follows those of PCI (index 9 and up). VFIO_DEVICE_GET_REGION_INFO answers its size, its place in
/// the device's file, and two capabilities: the type (vendor-specific, NVIDIA, subtype below) and the carveout.
namespace egm::uapi {

inline constexpr std::uint32_t kVfioPciVendorNvidia = 0x10de;
inline constexpr std::uint32_t kVfioRegionSubtypeExperimentalEgm = 0xE6;
inline constexpr std::uint16_t kVfioRegionInfoCapExperimentalEgm = 0xE6E6;

/// Followed by `nr_retired` times `EgmRetiredPage`.
struct VfioRegionInfoCapExperimentalEgm {
    VfioInfoCapHeader header;
    std::uint32_t pxm; ///< proximity domain: GPUs that show the same one share the carveout
    std::uint32_t nr_retired;
};
static_assert(sizeof(VfioRegionInfoCapExperimentalEgm) == 16);
static_assert(offsetof(VfioRegionInfoCapExperimentalEgm, pxm) == 8);
static_assert(offsetof(VfioRegionInfoCapExperimentalEgm, nr_retired) == 12);

} // namespace egm::uapi
