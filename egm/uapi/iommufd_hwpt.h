#pragma once

#include <cstddef>
#include <cstdint>

/// iommufd, second half: hardware page tables (HWPT), nested translation and its queues. The request numbers are in
/// iommufd.h. Source: Linux include/uapi/linux/iommufd.h.
namespace egm::uapi {

inline constexpr std::uint32_t kIommuHwptAllocNestParent = 1u << 0;
inline constexpr std::uint32_t kIommuHwptAllocDirtyTracking = 1u << 1;
inline constexpr std::uint32_t kIommuHwptFaultIdValid = 1u << 2;
inline constexpr std::uint32_t kIommuHwptAllocPasid = 1u << 3;
/// With it `IommuHwInfo::data_type` asks for one type, else for the IOMMU's own (Linux 6.17 and later).
inline constexpr std::uint32_t kIommuHwInfoFlagInputType = 1u << 0;
inline constexpr std::uint32_t kIommuHwInfoTypeArmSmmuv3 = 2;
inline constexpr std::uint32_t kIommuHwInfoTypeTegra241Cmdqv = 3;
inline constexpr std::uint32_t kIommuHwptDataArmSmmuv3 = 2;
inline constexpr std::uint32_t kIommuViommuTypeArmSmmuv3 = 1;
inline constexpr std::uint32_t kIommuViommuTypeTegra241Cmdqv = 2;
inline constexpr std::uint32_t kIommuHwQueueTypeTegra241Cmdqv = 1;

struct IommuHwptAlloc {
    std::uint32_t size;
    std::uint32_t flags; ///< kIommuHwpt...
    std::uint32_t dev_id;
    std::uint32_t pt_id; ///< IOAS, or parent HWPT of a nested one
    std::uint32_t out_hwpt_id;
    std::uint32_t reserved; ///< 0
    std::uint32_t data_type;
    std::uint32_t data_len;
    std::uint64_t data_uptr;
    std::uint32_t fault_id;
    std::uint32_t reserved2; ///< 0
};
static_assert(sizeof(IommuHwptAlloc) == 48);
static_assert(offsetof(IommuHwptAlloc, size) == 0);
static_assert(offsetof(IommuHwptAlloc, flags) == 4);
static_assert(offsetof(IommuHwptAlloc, dev_id) == 8);
static_assert(offsetof(IommuHwptAlloc, pt_id) == 12);
static_assert(offsetof(IommuHwptAlloc, out_hwpt_id) == 16);
static_assert(offsetof(IommuHwptAlloc, reserved) == 20);
static_assert(offsetof(IommuHwptAlloc, data_type) == 24);
static_assert(offsetof(IommuHwptAlloc, data_len) == 28);
static_assert(offsetof(IommuHwptAlloc, data_uptr) == 32);
static_assert(offsetof(IommuHwptAlloc, fault_id) == 40);
static_assert(offsetof(IommuHwptAlloc, reserved2) == 44);

struct IommuHwInfo {
    std::uint32_t size;
    std::uint32_t flags; ///< 0 or kIommuHwInfoFlagInputType
    std::uint32_t dev_id;
    std::uint32_t data_len; ///< in: room; out: bytes there are
    std::uint64_t data_uptr;
    std::uint32_t out_data_type; ///< in with kIommuHwInfoFlagInputType; 0: the IOMMU tells nothing
    std::uint32_t reserved;      ///< 0; the low byte came to be the widest PASID in bits
    std::uint64_t out_capabilities;
};
static_assert(sizeof(IommuHwInfo) == 40);
static_assert(offsetof(IommuHwInfo, size) == 0);
static_assert(offsetof(IommuHwInfo, flags) == 4);
static_assert(offsetof(IommuHwInfo, dev_id) == 8);
static_assert(offsetof(IommuHwInfo, data_len) == 12);
static_assert(offsetof(IommuHwInfo, data_uptr) == 16);
static_assert(offsetof(IommuHwInfo, out_data_type) == 24);
static_assert(offsetof(IommuHwInfo, reserved) == 28);
static_assert(offsetof(IommuHwInfo, out_capabilities) == 32);

struct IommuHwptSetDirtyTracking {
    std::uint32_t size;
    std::uint32_t flags;
    std::uint32_t hwpt_id;
    std::uint32_t reserved; ///< 0
};
static_assert(sizeof(IommuHwptSetDirtyTracking) == 16);
static_assert(offsetof(IommuHwptSetDirtyTracking, size) == 0);
static_assert(offsetof(IommuHwptSetDirtyTracking, flags) == 4);
static_assert(offsetof(IommuHwptSetDirtyTracking, hwpt_id) == 8);
static_assert(offsetof(IommuHwptSetDirtyTracking, reserved) == 12);

struct IommuHwptGetDirtyBitmap {
    std::uint32_t size;
    std::uint32_t hwpt_id;
    std::uint32_t flags;
    std::uint32_t reserved; ///< 0
    std::uint64_t iova;
    std::uint64_t length;
    std::uint64_t page_size;
    std::uint64_t data; ///< pointer to the bitmap
};
static_assert(sizeof(IommuHwptGetDirtyBitmap) == 48);
static_assert(offsetof(IommuHwptGetDirtyBitmap, size) == 0);
static_assert(offsetof(IommuHwptGetDirtyBitmap, hwpt_id) == 4);
static_assert(offsetof(IommuHwptGetDirtyBitmap, flags) == 8);
static_assert(offsetof(IommuHwptGetDirtyBitmap, reserved) == 12);
static_assert(offsetof(IommuHwptGetDirtyBitmap, iova) == 16);
static_assert(offsetof(IommuHwptGetDirtyBitmap, length) == 24);
static_assert(offsetof(IommuHwptGetDirtyBitmap, page_size) == 32);
static_assert(offsetof(IommuHwptGetDirtyBitmap, data) == 40);

struct IommuHwptInvalidate {
    std::uint32_t size;
    std::uint32_t hwpt_id; ///< or a vIOMMU's
    std::uint64_t data_uptr;
    std::uint32_t data_type;
    std::uint32_t entry_len;
    std::uint32_t entry_num;
    std::uint32_t reserved; ///< 0
};
static_assert(sizeof(IommuHwptInvalidate) == 32);
static_assert(offsetof(IommuHwptInvalidate, size) == 0);
static_assert(offsetof(IommuHwptInvalidate, hwpt_id) == 4);
static_assert(offsetof(IommuHwptInvalidate, data_uptr) == 8);
static_assert(offsetof(IommuHwptInvalidate, data_type) == 16);
static_assert(offsetof(IommuHwptInvalidate, entry_len) == 20);
static_assert(offsetof(IommuHwptInvalidate, entry_num) == 24);
static_assert(offsetof(IommuHwptInvalidate, reserved) == 28);

struct IommuFaultAlloc {
    std::uint32_t size;
    std::uint32_t flags; ///< 0
    std::uint32_t out_fault_id;
    std::uint32_t out_fault_fd;
};
static_assert(sizeof(IommuFaultAlloc) == 16);
static_assert(offsetof(IommuFaultAlloc, size) == 0);
static_assert(offsetof(IommuFaultAlloc, flags) == 4);
static_assert(offsetof(IommuFaultAlloc, out_fault_id) == 8);
static_assert(offsetof(IommuFaultAlloc, out_fault_fd) == 12);

/// Data of kIommuHwInfoTypeTegra241Cmdqv: what the SMMU's queues for guests can do.
struct IommuHwInfoTegra241Cmdqv {
    std::uint32_t flags; ///< 0
    std::uint8_t version;
    std::uint8_t log2_vcmdqs; ///< of the number of queues
    std::uint8_t log2_vsids;  ///< of the number of StreamIDs that can be replaced
    std::uint8_t reserved;    ///< 0
};
static_assert(sizeof(IommuHwInfoTegra241Cmdqv) == 8);
static_assert(offsetof(IommuHwInfoTegra241Cmdqv, flags) == 0);
static_assert(offsetof(IommuHwInfoTegra241Cmdqv, version) == 4);
static_assert(offsetof(IommuHwInfoTegra241Cmdqv, log2_vcmdqs) == 5);
static_assert(offsetof(IommuHwInfoTegra241Cmdqv, log2_vsids) == 6);

/// Data of kIommuHwptDataArmSmmuv3: the first two words of the guest's stream table entry.
struct IommuHwptArmSmmuv3 {
    std::uint64_t ste[2]; ///< little-endian
};
static_assert(sizeof(IommuHwptArmSmmuv3) == 16);

/// Data of kIommuViommuTypeTegra241Cmdqv: where the guest's page of queue registers can be mapped from /dev/iommu.
struct IommuViommuTegra241Cmdqv {
    std::uint64_t out_vintf_mmap_offset;
    std::uint64_t out_vintf_mmap_length;
};
static_assert(sizeof(IommuViommuTegra241Cmdqv) == 16);
static_assert(offsetof(IommuViommuTegra241Cmdqv, out_vintf_mmap_length) == 8);

/// Kernels before the hardware queues end it after `out_viommu_id`.
struct IommuViommuAlloc {
    std::uint32_t size;
    std::uint32_t flags; ///< 0
    std::uint32_t type;
    std::uint32_t dev_id;
    std::uint32_t hwpt_id; ///< a nesting parent
    std::uint32_t out_viommu_id;
    std::uint32_t data_len;
    std::uint32_t reserved; ///< 0
    std::uint64_t data_uptr;
};
static_assert(sizeof(IommuViommuAlloc) == 40);
static_assert(offsetof(IommuViommuAlloc, size) == 0);
static_assert(offsetof(IommuViommuAlloc, flags) == 4);
static_assert(offsetof(IommuViommuAlloc, type) == 8);
static_assert(offsetof(IommuViommuAlloc, dev_id) == 12);
static_assert(offsetof(IommuViommuAlloc, hwpt_id) == 16);
static_assert(offsetof(IommuViommuAlloc, out_viommu_id) == 20);
static_assert(offsetof(IommuViommuAlloc, data_len) == 24);
static_assert(offsetof(IommuViommuAlloc, reserved) == 28);
static_assert(offsetof(IommuViommuAlloc, data_uptr) == 32);

struct IommuVdeviceAlloc {
    std::uint32_t size;
    std::uint32_t viommu_id;
    std::uint32_t dev_id;
    std::uint32_t out_vdevice_id;
    std::uint64_t virt_id; ///< the guest's StreamID
};
static_assert(sizeof(IommuVdeviceAlloc) == 24);
static_assert(offsetof(IommuVdeviceAlloc, size) == 0);
static_assert(offsetof(IommuVdeviceAlloc, viommu_id) == 4);
static_assert(offsetof(IommuVdeviceAlloc, dev_id) == 8);
static_assert(offsetof(IommuVdeviceAlloc, out_vdevice_id) == 12);
static_assert(offsetof(IommuVdeviceAlloc, virt_id) == 16);

struct IommuVeventqAlloc {
    std::uint32_t size;
    std::uint32_t flags; ///< 0
    std::uint32_t viommu_id;
    std::uint32_t type;
    std::uint32_t veventq_depth;
    std::uint32_t out_veventq_id;
    std::uint32_t out_veventq_fd;
    std::uint32_t reserved; ///< 0
};
static_assert(sizeof(IommuVeventqAlloc) == 32);
static_assert(offsetof(IommuVeventqAlloc, size) == 0);
static_assert(offsetof(IommuVeventqAlloc, flags) == 4);
static_assert(offsetof(IommuVeventqAlloc, viommu_id) == 8);
static_assert(offsetof(IommuVeventqAlloc, type) == 12);
static_assert(offsetof(IommuVeventqAlloc, veventq_depth) == 16);
static_assert(offsetof(IommuVeventqAlloc, out_veventq_id) == 20);
static_assert(offsetof(IommuVeventqAlloc, out_veventq_fd) == 24);
static_assert(offsetof(IommuVeventqAlloc, reserved) == 28);

struct IommuHwQueueAlloc {
    std::uint32_t size;
    std::uint32_t flags; ///< 0
    std::uint32_t viommu_id;
    std::uint32_t type;
    std::uint32_t index; ///< ascending from 0
    std::uint32_t out_hw_queue_id;
    std::uint64_t nesting_parent_iova; ///< aligned to `length`
    std::uint64_t length;              ///< bytes, a power of two
};
static_assert(sizeof(IommuHwQueueAlloc) == 40);
static_assert(offsetof(IommuHwQueueAlloc, size) == 0);
static_assert(offsetof(IommuHwQueueAlloc, flags) == 4);
static_assert(offsetof(IommuHwQueueAlloc, viommu_id) == 8);
static_assert(offsetof(IommuHwQueueAlloc, type) == 12);
static_assert(offsetof(IommuHwQueueAlloc, index) == 16);
static_assert(offsetof(IommuHwQueueAlloc, out_hw_queue_id) == 20);
static_assert(offsetof(IommuHwQueueAlloc, nesting_parent_iova) == 24);
static_assert(offsetof(IommuHwQueueAlloc, length) == 32);

} // namespace egm::uapi
