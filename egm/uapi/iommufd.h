#pragma once

#include <cstddef>
#include <cstdint>

#include "egm/uapi/iommufd_hwpt.h"

/// iommufd: /dev/iommu and its objects. Source: Linux include/uapi/linux/iommufd.h and
/// Documentation/userspace-api/iommufd.rst.
///
/// `size` is always the first field: the bytes of the struct the caller passes. A shorter struct than the kernel needs
/// is EINVAL; a longer one with a non-zero tail is E2BIG. Reserved fields are 0, else EOPNOTSUPP.
namespace egm::uapi {

inline constexpr unsigned long kIommuDestroy = 0x3B80;
inline constexpr unsigned long kIommuIoasAlloc = 0x3B81;
inline constexpr unsigned long kIommuIoasAllowIovas = 0x3B82;
inline constexpr unsigned long kIommuIoasCopy = 0x3B83;
inline constexpr unsigned long kIommuIoasIovaRanges = 0x3B84;
inline constexpr unsigned long kIommuIoasMap = 0x3B85;
inline constexpr unsigned long kIommuIoasUnmap = 0x3B86;
inline constexpr unsigned long kIommuOption = 0x3B87;
inline constexpr unsigned long kIommuVfioIoas = 0x3B88;
inline constexpr unsigned long kIommuHwptAlloc = 0x3B89;
inline constexpr unsigned long kIommuGetHwInfo = 0x3B8A;
inline constexpr unsigned long kIommuHwptSetDirtyTracking = 0x3B8B;
inline constexpr unsigned long kIommuHwptGetDirtyBitmap = 0x3B8C;
inline constexpr unsigned long kIommuHwptInvalidate = 0x3B8D;
inline constexpr unsigned long kIommuFaultQueueAlloc = 0x3B8E;
inline constexpr unsigned long kIommuIoasMapFile = 0x3B8F;
inline constexpr unsigned long kIommuViommuAlloc = 0x3B90;
inline constexpr unsigned long kIommuVdeviceAlloc = 0x3B91;
inline constexpr unsigned long kIommuIoasChangeProcess = 0x3B92;
inline constexpr unsigned long kIommuVeventqAlloc = 0x3B93;
inline constexpr unsigned long kIommuHwQueueAlloc = 0x3B94;

inline constexpr std::uint32_t kIommuIoasMapFixedIova = 1u << 0;
inline constexpr std::uint32_t kIommuIoasMapWriteable = 1u << 1;
inline constexpr std::uint32_t kIommuIoasMapReadable = 1u << 2;

inline constexpr std::uint32_t kIommuOptionRlimitMode = 0; ///< 0: accounted by user (default), 1: by process
inline constexpr std::uint32_t kIommuOptionHugePages = 1;  ///< of one IOAS; default on
inline constexpr std::uint16_t kIommuOptionOpSet = 0;
inline constexpr std::uint16_t kIommuOptionOpGet = 1;

struct IommuDestroy {
    std::uint32_t size;
    std::uint32_t id;
};
static_assert(sizeof(IommuDestroy) == 8);
static_assert(offsetof(IommuDestroy, size) == 0);
static_assert(offsetof(IommuDestroy, id) == 4);

struct IommuIoasAlloc {
    std::uint32_t size;
    std::uint32_t flags; ///< 0
    std::uint32_t out_ioas_id;
};
static_assert(sizeof(IommuIoasAlloc) == 12);
static_assert(offsetof(IommuIoasAlloc, size) == 0);
static_assert(offsetof(IommuIoasAlloc, flags) == 4);
static_assert(offsetof(IommuIoasAlloc, out_ioas_id) == 8);

struct IommuIovaRange {
    std::uint64_t start;
    std::uint64_t last; ///< inclusive
};
static_assert(sizeof(IommuIovaRange) == 16);
static_assert(offsetof(IommuIovaRange, start) == 0);
static_assert(offsetof(IommuIovaRange, last) == 8);

struct IommuIoasAllowIovas {
    std::uint32_t size;
    std::uint32_t ioas_id;
    std::uint32_t num_iovas;
    std::uint32_t reserved;      ///< 0
    std::uint64_t allowed_iovas; ///< pointer to IommuIovaRange
};
static_assert(sizeof(IommuIoasAllowIovas) == 24);
static_assert(offsetof(IommuIoasAllowIovas, size) == 0);
static_assert(offsetof(IommuIoasAllowIovas, ioas_id) == 4);
static_assert(offsetof(IommuIoasAllowIovas, num_iovas) == 8);
static_assert(offsetof(IommuIoasAllowIovas, reserved) == 12);
static_assert(offsetof(IommuIoasAllowIovas, allowed_iovas) == 16);

struct IommuIoasCopy {
    std::uint32_t size;
    std::uint32_t flags; ///< as IommuIoasMap
    std::uint32_t dst_ioas_id;
    std::uint32_t src_ioas_id;
    std::uint64_t length;
    std::uint64_t dst_iova;
    std::uint64_t src_iova;
};
static_assert(sizeof(IommuIoasCopy) == 40);
static_assert(offsetof(IommuIoasCopy, size) == 0);
static_assert(offsetof(IommuIoasCopy, flags) == 4);
static_assert(offsetof(IommuIoasCopy, dst_ioas_id) == 8);
static_assert(offsetof(IommuIoasCopy, src_ioas_id) == 12);
static_assert(offsetof(IommuIoasCopy, length) == 16);
static_assert(offsetof(IommuIoasCopy, dst_iova) == 24);
static_assert(offsetof(IommuIoasCopy, src_iova) == 32);

struct IommuIoasIovaRanges {
    std::uint32_t size;
    std::uint32_t ioas_id;
    std::uint32_t num_iovas;          ///< in: room; out: ranges there are (EMSGSIZE when more)
    std::uint32_t reserved;           ///< 0
    std::uint64_t allowed_iovas;      ///< pointer to IommuIovaRange
    std::uint64_t out_iova_alignment; ///< bytes
};
static_assert(sizeof(IommuIoasIovaRanges) == 32);
static_assert(offsetof(IommuIoasIovaRanges, size) == 0);
static_assert(offsetof(IommuIoasIovaRanges, ioas_id) == 4);
static_assert(offsetof(IommuIoasIovaRanges, num_iovas) == 8);
static_assert(offsetof(IommuIoasIovaRanges, reserved) == 12);
static_assert(offsetof(IommuIoasIovaRanges, allowed_iovas) == 16);
static_assert(offsetof(IommuIoasIovaRanges, out_iova_alignment) == 24);

struct IommuIoasMap {
    std::uint32_t size;
    std::uint32_t flags; ///< kIommuIoasMap...
    std::uint32_t ioas_id;
    std::uint32_t reserved; ///< 0
    std::uint64_t user_va;  ///< HVA
    std::uint64_t length;   ///< bytes
    std::uint64_t iova;     ///< in with FIXED_IOVA, else out
};
static_assert(sizeof(IommuIoasMap) == 40);
static_assert(offsetof(IommuIoasMap, size) == 0);
static_assert(offsetof(IommuIoasMap, flags) == 4);
static_assert(offsetof(IommuIoasMap, ioas_id) == 8);
static_assert(offsetof(IommuIoasMap, reserved) == 12);
static_assert(offsetof(IommuIoasMap, user_va) == 16);
static_assert(offsetof(IommuIoasMap, length) == 24);
static_assert(offsetof(IommuIoasMap, iova) == 32);

/// With `iova` 0 and `length` 2^64-1: everything, and nothing there is a success.
struct IommuIoasUnmap {
    std::uint32_t size;
    std::uint32_t ioas_id;
    std::uint64_t iova;
    std::uint64_t length; ///< in: bytes; out: bytes unmapped
};
static_assert(sizeof(IommuIoasUnmap) == 24);
static_assert(offsetof(IommuIoasUnmap, size) == 0);
static_assert(offsetof(IommuIoasUnmap, ioas_id) == 4);
static_assert(offsetof(IommuIoasUnmap, iova) == 8);
static_assert(offsetof(IommuIoasUnmap, length) == 16);

struct IommuOption {
    std::uint32_t size;
    std::uint32_t option_id;
    std::uint16_t op;       ///< kIommuOptionOpSet, kIommuOptionOpGet
    std::uint16_t reserved; ///< 0
    std::uint32_t object_id;
    std::uint64_t val64;
};
static_assert(sizeof(IommuOption) == 24);
static_assert(offsetof(IommuOption, size) == 0);
static_assert(offsetof(IommuOption, option_id) == 4);
static_assert(offsetof(IommuOption, op) == 8);
static_assert(offsetof(IommuOption, reserved) == 10);
static_assert(offsetof(IommuOption, object_id) == 12);
static_assert(offsetof(IommuOption, val64) == 16);

struct IommuVfioIoas {
    std::uint32_t size;
    std::uint32_t ioas_id;
    std::uint16_t op;       ///< GET 0, SET 1, CLEAR 2
    std::uint16_t reserved; ///< 0
};
static_assert(sizeof(IommuVfioIoas) == 12);
static_assert(offsetof(IommuVfioIoas, size) == 0);
static_assert(offsetof(IommuVfioIoas, ioas_id) == 4);
static_assert(offsetof(IommuVfioIoas, op) == 8);
static_assert(offsetof(IommuVfioIoas, reserved) == 10);

struct IommuIoasMapFile {
    std::uint32_t size;
    std::uint32_t flags; ///< as IommuIoasMap
    std::uint32_t ioas_id;
    std::int32_t fd;
    std::uint64_t start; ///< offset in the file
    std::uint64_t length;
    std::uint64_t iova;
};
static_assert(sizeof(IommuIoasMapFile) == 40);
static_assert(offsetof(IommuIoasMapFile, size) == 0);
static_assert(offsetof(IommuIoasMapFile, flags) == 4);
static_assert(offsetof(IommuIoasMapFile, ioas_id) == 8);
static_assert(offsetof(IommuIoasMapFile, fd) == 12);
static_assert(offsetof(IommuIoasMapFile, start) == 16);
static_assert(offsetof(IommuIoasMapFile, length) == 24);
static_assert(offsetof(IommuIoasMapFile, iova) == 32);

struct IommuIoasChangeProcess {
    std::uint32_t size;
    std::uint32_t reserved; ///< 0
};
static_assert(sizeof(IommuIoasChangeProcess) == 8);
static_assert(offsetof(IommuIoasChangeProcess, size) == 0);
static_assert(offsetof(IommuIoasChangeProcess, reserved) == 4);

} // namespace egm::uapi
