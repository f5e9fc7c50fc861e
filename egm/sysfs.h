#pragma once

#include <string>
#include <string_view>

#include "egm/result.h"
#include "egm/syscalls.h"

/// What the kernel tells about PCI devices in /sys/bus/pci/devices.
namespace egm {

/// The content of a small text file without the white space at its end; at most 64 KiB of it.
/// Errors: those of open(2) and pread(2).
Result<std::string> read_text(Syscalls& syscalls, const std::string& path);

/// Whether `name` looks like a PCI address: "0009:01:00.0".
bool is_bdf(std::string_view name);

/// The number of the IOMMU group of a PCI device. Errors: ENOENT without such a device or without an IOMMU.
Result<int> iommu_group(Syscalls& syscalls, const std::string& bdf);

/// The name of a device's VFIO node, "vfio3". Errors: ENOENT when no VFIO driver holds it or there are no such nodes.
Result<std::string> vfio_device_name(Syscalls& syscalls, const std::string& bdf);

/// The decimal number that `text` consists of, or -1.
int parse_number(std::string_view text);

} // namespace egm
