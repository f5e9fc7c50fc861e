#pragma once

#include <cstdint>

/// Numbers and structs of iommufd that the modelled kernel answers but the EGM logic never uses. Source: Linux
/// include/uapi/linux/iommufd.h. The others are in egm/uapi.
namespace models::linux::abi {

inline constexpr std::uint16_t kIommuVfioIoasGet = 0;
inline constexpr std::uint16_t kIommuVfioIoasSet = 1;
inline constexpr std::uint16_t kIommuVfioIoasClear = 2;

inline constexpr std::uint32_t kIommuHwInfoTypeIntelVtd = 1;
inline constexpr std::uint64_t kIommuHwCapDirtyTracking = 1u << 0;
inline constexpr std::uint64_t kIommuHwCapPciAtsNotSupported = 1u << 3;

inline constexpr std::uint32_t kIommuDirtyTrackingEnable = 1u << 0;
inline constexpr std::uint32_t kIommuGetDirtyBitmapNoClear = 1u << 0;

inline constexpr std::uint32_t kIommuInvalidateDataArmSmmuv3 = 1; ///< of a vIOMMU
/// One SMMUv3 command, as a guest writes it into its queue.
struct IommuInvalidateArmSmmuv3 {
    std::uint64_t command[2];
};

} // namespace models::linux::abi
