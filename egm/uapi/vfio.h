#pragma once

#include <cstddef>
#include <cstdint>

/// VFIO containers, groups, devices and the type1 IOMMU. Source: Linux include/uapi/linux/vfio.h and
/// drivers/vfio/vfio_iommu_type1.c.
///
/// Paths: /dev/vfio/vfio (container), /dev/vfio/<group>, /dev/vfio/devices/vfio<N> (device node for iommufd);
/// /sys/bus/pci/devices/<BDF>/iommu_group (symlink ending in "/<group>") and .../vfio-dev/vfio<N>.
///
/// `argsz` is always the first field: the size in bytes of the struct the caller passes.
namespace egm::uapi {

// On a container.
inline constexpr unsigned long kVfioGetApiVersion = 0x3B64;  ///< argument 0; answers kVfioApiVersion
inline constexpr unsigned long kVfioCheckExtension = 0x3B65; ///< argument: extension by value; answers 0 or 1
inline constexpr unsigned long kVfioSetIommu = 0x3B66;       ///< argument: kVfioType1v2Iommu and the like, by value

// On a group.
inline constexpr unsigned long kVfioGroupGetStatus = 0x3B67;      ///< VfioGroupStatus
inline constexpr unsigned long kVfioGroupSetContainer = 0x3B68;   ///< int*: the container's fd
inline constexpr unsigned long kVfioGroupUnsetContainer = 0x3B69; ///< argument 0
inline constexpr unsigned long kVfioGroupGetDeviceFd = 0x3B6A;    ///< const char*: the BDF; answers a device fd

// On a device.
inline constexpr unsigned long kVfioDeviceGetInfo = 0x3B6B;       ///< VfioDeviceInfo
inline constexpr unsigned long kVfioDeviceGetRegionInfo = 0x3B6C; ///< VfioRegionInfo
inline constexpr unsigned long kVfioDeviceReset = 0x3B6F;         ///< argument 0
inline constexpr unsigned long kVfioDeviceIoeventfd = 0x3B74;
inline constexpr unsigned long kVfioDeviceFeature = 0x3B75;         ///< VfioDeviceFeature
inline constexpr unsigned long kVfioDeviceBindIommufd = 0x3B76;     ///< VfioDeviceBindIommufd
inline constexpr unsigned long kVfioDeviceAttachIommufdPt = 0x3B77; ///< VfioDeviceAttachIommufdPt
inline constexpr unsigned long kVfioDeviceDetachIommufdPt = 0x3B78; ///< VfioDeviceDetachIommufdPt

// On a container whose IOMMU is set.
inline constexpr unsigned long kVfioIommuGetInfo = 0x3B70;    ///< VfioIommuType1Info
inline constexpr unsigned long kVfioIommuMapDma = 0x3B71;     ///< VfioIommuType1DmaMap
inline constexpr unsigned long kVfioIommuUnmapDma = 0x3B72;   ///< VfioIommuType1DmaUnmap
inline constexpr unsigned long kVfioIommuDirtyPages = 0x3B75; ///< same number as DEVICE_FEATURE, other kind of fd

inline constexpr int kVfioApiVersion = 0;

inline constexpr unsigned long kVfioType1Iommu = 1;
inline constexpr unsigned long kVfioType1v2Iommu = 3;
inline constexpr unsigned long kVfioDmaCcIommu = 4;
inline constexpr unsigned long kVfioType1NestingIommu = 6;
inline constexpr unsigned long kVfioUnmapAll = 9;
inline constexpr unsigned long kVfioUpdateVaddr = 10;

/// Head of every capability in the chain behind an info struct.
struct VfioInfoCapHeader {
    std::uint16_t id;
    std::uint16_t version;
    std::uint32_t next; ///< offset of the next header from the start of the info struct; 0 ends the chain
};
static_assert(sizeof(VfioInfoCapHeader) == 8);
static_assert(offsetof(VfioInfoCapHeader, version) == 2);
static_assert(offsetof(VfioInfoCapHeader, next) == 4);

inline constexpr std::uint32_t kVfioGroupFlagsViable = 1u << 0;
inline constexpr std::uint32_t kVfioGroupFlagsContainerSet = 1u << 1;

struct VfioGroupStatus {
    std::uint32_t argsz;
    std::uint32_t flags;
};
static_assert(sizeof(VfioGroupStatus) == 8);
static_assert(offsetof(VfioGroupStatus, flags) == 4);

inline constexpr std::uint32_t kVfioDeviceFlagsReset = 1u << 0;
inline constexpr std::uint32_t kVfioDeviceFlagsPci = 1u << 1;
inline constexpr std::uint32_t kVfioDeviceFlagsCaps = 1u << 7;

struct VfioDeviceInfo {
    std::uint32_t argsz;
    std::uint32_t flags;
    std::uint32_t num_regions;
    std::uint32_t num_irqs;
    std::uint32_t cap_offset; ///< of the first capability; valid with kVfioDeviceFlagsCaps
    std::uint32_t pad;
};
static_assert(sizeof(VfioDeviceInfo) == 24);
static_assert(offsetof(VfioDeviceInfo, flags) == 4);
static_assert(offsetof(VfioDeviceInfo, num_regions) == 8);
static_assert(offsetof(VfioDeviceInfo, num_irqs) == 12);
static_assert(offsetof(VfioDeviceInfo, cap_offset) == 16);
/// The part of VfioDeviceInfo that every kernel has: the least `argsz`.
inline constexpr std::uint32_t kVfioDeviceInfoSizeMin = 16;

inline constexpr std::uint32_t kVfioRegionInfoFlagRead = 1u << 0;
inline constexpr std::uint32_t kVfioRegionInfoFlagWrite = 1u << 1;
inline constexpr std::uint32_t kVfioRegionInfoFlagMmap = 1u << 2;
inline constexpr std::uint32_t kVfioRegionInfoFlagCaps = 1u << 3;

inline constexpr std::uint32_t kVfioPciBar0RegionIndex = 0;
inline constexpr std::uint32_t kVfioPciBar2RegionIndex = 2; ///< nvgrace-gpu "resmem", GH200 only
inline constexpr std::uint32_t kVfioPciBar4RegionIndex = 4; ///< nvgrace-gpu "usemem": cacheable GPU memory
inline constexpr std::uint32_t kVfioPciRomRegionIndex = 6;
inline constexpr std::uint32_t kVfioPciConfigRegionIndex = 7;
inline constexpr std::uint32_t kVfioPciVgaRegionIndex = 8;
inline constexpr std::uint32_t kVfioPciNumRegions = 9;
inline constexpr std::uint32_t kVfioPciNumIrqs = 5;

struct VfioRegionInfo {
    std::uint32_t argsz; ///< out: bytes needed for the capabilities too
    std::uint32_t flags;
    std::uint32_t index;      ///< in
    std::uint32_t cap_offset; ///< valid with kVfioRegionInfoFlagCaps and a large enough `argsz`
    std::uint64_t size;       ///< bytes
    std::uint64_t offset;     ///< of the device region in the device's file
};
static_assert(sizeof(VfioRegionInfo) == 32);
static_assert(offsetof(VfioRegionInfo, flags) == 4);
static_assert(offsetof(VfioRegionInfo, index) == 8);
static_assert(offsetof(VfioRegionInfo, cap_offset) == 12);
static_assert(offsetof(VfioRegionInfo, size) == 16);
static_assert(offsetof(VfioRegionInfo, offset) == 24);

inline constexpr std::uint16_t kVfioRegionInfoCapSparseMmap = 1;
inline constexpr std::uint16_t kVfioRegionInfoCapType = 2;

struct VfioRegionSparseMmapArea {
    std::uint64_t offset; ///< within the device region
    std::uint64_t size;
};
static_assert(sizeof(VfioRegionSparseMmapArea) == 16);
static_assert(offsetof(VfioRegionSparseMmapArea, size) == 8);

/// Followed by `nr_areas` areas.
struct VfioRegionInfoCapSparseMmap {
    VfioInfoCapHeader header;
    std::uint32_t nr_areas;
    std::uint32_t reserved;
};
static_assert(sizeof(VfioRegionInfoCapSparseMmap) == 16);
static_assert(offsetof(VfioRegionInfoCapSparseMmap, nr_areas) == 8);

inline constexpr std::uint32_t kVfioRegionTypePciVendor = 1u << 31; ///< with the vendor's PCI id in the low 16 bits

struct VfioRegionInfoCapType {
    VfioInfoCapHeader header;
    std::uint32_t type;
    std::uint32_t subtype;
};
static_assert(sizeof(VfioRegionInfoCapType) == 16);
static_assert(offsetof(VfioRegionInfoCapType, type) == 8);
static_assert(offsetof(VfioRegionInfoCapType, subtype) == 12);

inline constexpr std::uint32_t kVfioDeviceFeatureGet = 1u << 16;
inline constexpr std::uint32_t kVfioDeviceFeatureDmaBuf = 11; ///< GET answers a dma-buf's fd; Linux 6.19 and later

/// Followed by the feature's data.
struct VfioDeviceFeature {
    std::uint32_t argsz;
    std::uint32_t flags; ///< feature in the low 16 bits, then GET 1 << 16, SET 1 << 17, PROBE 1 << 18
};
static_assert(sizeof(VfioDeviceFeature) == 8);
static_assert(offsetof(VfioDeviceFeature, flags) == 4);

/// Data of kVfioDeviceFeatureDmaBuf, followed by `nr_ranges` ranges.
struct VfioDeviceFeatureDmaBuf {
    std::uint32_t region_index;
    std::uint32_t open_flags; ///< as open(2)
    std::uint32_t flags;      ///< 0
    std::uint32_t nr_ranges;
};
static_assert(sizeof(VfioDeviceFeatureDmaBuf) == 16);
static_assert(offsetof(VfioDeviceFeatureDmaBuf, open_flags) == 4);
static_assert(offsetof(VfioDeviceFeatureDmaBuf, flags) == 8);
static_assert(offsetof(VfioDeviceFeatureDmaBuf, nr_ranges) == 12);

struct VfioRegionDmaRange {
    std::uint64_t offset; ///< within the device region
    std::uint64_t length;
};
static_assert(sizeof(VfioRegionDmaRange) == 16);
static_assert(offsetof(VfioRegionDmaRange, length) == 8);

struct VfioDeviceBindIommufd {
    std::uint32_t argsz;
    std::uint32_t flags; ///< 0
    std::int32_t iommufd;
    std::uint32_t out_devid;
};
static_assert(sizeof(VfioDeviceBindIommufd) == 16);
static_assert(offsetof(VfioDeviceBindIommufd, flags) == 4);
static_assert(offsetof(VfioDeviceBindIommufd, iommufd) == 8);
static_assert(offsetof(VfioDeviceBindIommufd, out_devid) == 12);

/// The form without a PASID; newer kernels append a u32 that `flags` announces.
struct VfioDeviceAttachIommufdPt {
    std::uint32_t argsz;
    std::uint32_t flags; ///< 0
    std::uint32_t pt_id; ///< in: an IOAS or a HWPT; out: the HWPT in use
};
static_assert(sizeof(VfioDeviceAttachIommufdPt) == 12);
static_assert(offsetof(VfioDeviceAttachIommufdPt, flags) == 4);
static_assert(offsetof(VfioDeviceAttachIommufdPt, pt_id) == 8);

struct VfioDeviceDetachIommufdPt {
    std::uint32_t argsz;
    std::uint32_t flags; ///< 0
};
static_assert(sizeof(VfioDeviceDetachIommufdPt) == 8);
static_assert(offsetof(VfioDeviceDetachIommufdPt, flags) == 4);

inline constexpr std::uint32_t kVfioIommuInfoPgsizes = 1u << 0;
inline constexpr std::uint32_t kVfioIommuInfoCaps = 1u << 1;

struct VfioIommuType1Info {
    std::uint32_t argsz; ///< out: bytes needed for the capabilities too
    std::uint32_t flags;
    std::uint64_t iova_pgsizes; ///< bitmap of page sizes
    std::uint32_t cap_offset;   ///< valid with kVfioIommuInfoCaps and a large enough `argsz`
    std::uint32_t pad;
};
static_assert(sizeof(VfioIommuType1Info) == 24);
static_assert(offsetof(VfioIommuType1Info, flags) == 4);
static_assert(offsetof(VfioIommuType1Info, iova_pgsizes) == 8);
static_assert(offsetof(VfioIommuType1Info, cap_offset) == 16);
/// The part of VfioIommuType1Info that every kernel has: the least `argsz`.
inline constexpr std::uint32_t kVfioIommuType1InfoSizeMin = 16;

inline constexpr std::uint16_t kVfioIommuType1InfoCapIovaRange = 1;
inline constexpr std::uint16_t kVfioIommuType1InfoCapMigration = 2;
inline constexpr std::uint16_t kVfioIommuType1InfoCapDmaAvail = 3;

struct VfioIovaRange {
    std::uint64_t start;
    std::uint64_t end; ///< inclusive
};
static_assert(sizeof(VfioIovaRange) == 16);
static_assert(offsetof(VfioIovaRange, end) == 8);

/// Followed by `nr_iovas` ranges.
struct VfioIommuType1InfoCapIovaRange {
    VfioInfoCapHeader header;
    std::uint32_t nr_iovas;
    std::uint32_t reserved;
};
static_assert(sizeof(VfioIommuType1InfoCapIovaRange) == 16);
static_assert(offsetof(VfioIommuType1InfoCapIovaRange, nr_iovas) == 8);

struct VfioIommuType1InfoDmaAvail {
    VfioInfoCapHeader header;
    std::uint32_t avail; ///< mappings that the container still takes
};
static_assert(sizeof(VfioIommuType1InfoDmaAvail) == 12);
static_assert(offsetof(VfioIommuType1InfoDmaAvail, avail) == 8);

inline constexpr std::uint32_t kVfioDmaMapFlagRead = 1u << 0;
inline constexpr std::uint32_t kVfioDmaMapFlagWrite = 1u << 1;
inline constexpr std::uint32_t kVfioDmaMapFlagVaddr = 1u << 2;

struct VfioIommuType1DmaMap {
    std::uint32_t argsz;
    std::uint32_t flags;
    std::uint64_t vaddr; ///< HVA
    std::uint64_t iova;
    std::uint64_t size; ///< bytes
};
static_assert(sizeof(VfioIommuType1DmaMap) == 32);
static_assert(offsetof(VfioIommuType1DmaMap, flags) == 4);
static_assert(offsetof(VfioIommuType1DmaMap, vaddr) == 8);
static_assert(offsetof(VfioIommuType1DmaMap, iova) == 16);
static_assert(offsetof(VfioIommuType1DmaMap, size) == 24);

inline constexpr std::uint32_t kVfioDmaUnmapFlagGetDirtyBitmap = 1u << 0;
inline constexpr std::uint32_t kVfioDmaUnmapFlagAll = 1u << 1;
inline constexpr std::uint32_t kVfioDmaUnmapFlagVaddr = 1u << 2;

/// Without the dirty-bitmap data that may follow.
struct VfioIommuType1DmaUnmap {
    std::uint32_t argsz;
    std::uint32_t flags;
    std::uint64_t iova;
    std::uint64_t size; ///< in: bytes; out: bytes that were mapped there
};
static_assert(sizeof(VfioIommuType1DmaUnmap) == 24);
static_assert(offsetof(VfioIommuType1DmaUnmap, flags) == 4);
static_assert(offsetof(VfioIommuType1DmaUnmap, iova) == 8);
static_assert(offsetof(VfioIommuType1DmaUnmap, size) == 16);

/// Mappings a container takes by default (module parameter dma_entry_limit).
inline constexpr std::uint32_t kVfioDmaEntryLimit = 65535;

} // namespace egm::uapi
