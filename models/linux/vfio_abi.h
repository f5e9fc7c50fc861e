#pragma once

#include <cstddef>
#include <cstdint>

/// Structs and numbers of VFIO that the modelled kernel answers but the EGM logic never uses. Source: Linux
/// include/uapi/linux/vfio.h. The others are in egm/uapi/vfio.h.
namespace models::linux::abi {

inline constexpr unsigned long kVfioDeviceGetIrqInfo = 0x3B6D; ///< VfioIrqInfo
inline constexpr unsigned long kVfioDeviceSetIrqs = 0x3B6E;    ///< VfioIrqSet

inline constexpr std::uint32_t kVfioPciIntxIrqIndex = 0;
inline constexpr std::uint32_t kVfioPciMsiIrqIndex = 1;
inline constexpr std::uint32_t kVfioPciErrIrqIndex = 3;
inline constexpr std::uint32_t kVfioPciReqIrqIndex = 4;

inline constexpr std::uint32_t kVfioIrqInfoEventfd = 1u << 0;
inline constexpr std::uint32_t kVfioIrqInfoMaskable = 1u << 1;
inline constexpr std::uint32_t kVfioIrqInfoAutomasked = 1u << 2;
inline constexpr std::uint32_t kVfioIrqInfoNoresize = 1u << 3;

struct VfioIrqInfo {
    std::uint32_t argsz;
    std::uint32_t flags;
    std::uint32_t index; ///< in
    std::uint32_t count; ///< out: interrupts of that kind
};
static_assert(sizeof(VfioIrqInfo) == 16);

inline constexpr std::uint32_t kVfioIrqSetDataNone = 1u << 0;
inline constexpr std::uint32_t kVfioIrqSetDataBool = 1u << 1;
inline constexpr std::uint32_t kVfioIrqSetDataEventfd = 1u << 2;
inline constexpr std::uint32_t kVfioIrqSetActionMask = 1u << 3;
inline constexpr std::uint32_t kVfioIrqSetActionUnmask = 1u << 4;
inline constexpr std::uint32_t kVfioIrqSetActionTrigger = 1u << 5;

/// Followed by `count` bytes or eventfds, as `flags` says.
struct VfioIrqSet {
    std::uint32_t argsz;
    std::uint32_t flags;
    std::uint32_t index;
    std::uint32_t start;
    std::uint32_t count;
};
static_assert(sizeof(VfioIrqSet) == 20);

struct VfioIoeventfd {
    std::uint32_t argsz;
    std::uint32_t flags; ///< the access's size in bytes: 1, 2, 4 or 8
    std::uint64_t offset;
    std::uint64_t data;
    std::int32_t fd; ///< -1 takes one away
    std::uint32_t reserved;
};
static_assert(sizeof(VfioIoeventfd) == 32);

inline constexpr std::uint32_t kVfioDeviceFeatureMask = 0xFFFF;
inline constexpr std::uint32_t kVfioDeviceFeatureGet = 1u << 16;
inline constexpr std::uint32_t kVfioDeviceFeatureSet = 1u << 17;
inline constexpr std::uint32_t kVfioDeviceFeatureProbe = 1u << 18;

inline constexpr std::uint32_t kVfioFeatureLowPowerEntry = 3;
inline constexpr std::uint32_t kVfioFeatureLowPowerExit = 5;
inline constexpr std::uint32_t kVfioFeatureDmaBuf = 11;

/// Behind VfioDeviceFeature for kVfioFeatureDmaBuf; `nr_ranges` VfioRegionDmaRange follow.
struct VfioDeviceFeatureDmaBuf {
    std::uint32_t region_index;
    std::uint32_t open_flags;
    std::uint32_t flags; ///< 0
    std::uint32_t nr_ranges;
};
static_assert(sizeof(VfioDeviceFeatureDmaBuf) == 16);

struct VfioRegionDmaRange {
    std::uint64_t offset; ///< in the device region
    std::uint64_t length;
};
static_assert(sizeof(VfioRegionDmaRange) == 16);

/// Capability 2 of VFIO_IOMMU_GET_INFO.
struct VfioIommuType1InfoCapMigration {
    std::uint16_t id;
    std::uint16_t version;
    std::uint32_t next;
    std::uint32_t flags;
    std::uint32_t pad;
    std::uint64_t pgsize_bitmap;
    std::uint64_t max_dirty_bitmap_size; ///< bytes
};
static_assert(sizeof(VfioIommuType1InfoCapMigration) == 32);

} // namespace models::linux::abi
