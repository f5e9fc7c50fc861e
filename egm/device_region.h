#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "egm/address.h"
#include "egm/file_descriptor.h"
#include "egm/info_capabilities.h"
#include "egm/mapped_range.h"
#include "egm/result.h"
#include "egm/syscalls.h"

namespace egm {

/// A part of a device region, in bytes from its start.
struct RegionArea {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;

    friend bool operator==(const RegionArea&, const RegionArea&) = default;
};

/// A device region of a VFIO device, as VFIO_DEVICE_GET_REGION_INFO tells it.
struct DeviceRegion {
    std::uint32_t index = 0;
    std::uint64_t size = 0;        ///< bytes as told, which may be more than there are; 0: there is none
    std::uint64_t file_offset = 0; ///< in the device's file
    bool sparse = false;           ///< the driver names the areas that can be mapped; nothing else may be
    std::vector<RegionArea> areas; ///< what can be mapped; the whole of it unless `sparse`
};

/// Errors: those of the call, EINVAL for an index that the device does not have; EPROTO for an answer that contradicts
/// itself, such as an area outside the device region.
Result<DeviceRegion> device_region(const FileDescriptor& device, std::uint32_t index);

/// The same, and the answer it was read from, for capabilities that only the caller knows.
struct DeviceRegionAnswer {
    DeviceRegion region;
    InfoBuffer buffer;
    std::uint32_t capabilities = 0; ///< offset of the first; 0 for none
};
Result<DeviceRegionAnswer> ask_device_region(const FileDescriptor& device, std::uint32_t index);

/// Maps one area, readable and writable, at an address that is a multiple of the next power of two of its size (plus
/// the area's own offset): only then can the kernel use its largest pages, and KVM its largest blocks. `name` is what
/// errors call it. Errors: those of mmap(2).
Result<MappedRange> map_area(Syscalls& syscalls, const FileDescriptor& device, const DeviceRegion& region,
                             const RegionArea& area, const std::string& name);

/// A dma-buf of one area, for an IOAS (Linux 6.19 and later). Errors: ENOTTY when the kernel or the driver has none.
Result<FileDescriptor> export_area(Syscalls& syscalls, const FileDescriptor& device, const DeviceRegion& region,
                                   const RegionArea& area);

} // namespace egm
