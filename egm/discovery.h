#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "egm/carveout_shape.h"
#include "egm/result.h"
#include "egm/syscalls.h"

namespace egm {

/// One carveout as the kernel shows it. Its physical address is not shown to user space.
struct CarveoutInfo {
    int pxm = 0;                         ///< ACPI proximity domain; the number in the names below
    std::string device_path;             ///< "/dev/egm4"
    std::uint64_t size = 0;              ///< bytes, from egm_size
    std::vector<std::string> gpu_bdfs;   ///< the GPUs that reach it, sorted
    ShapeSet shapes = kStandAloneShapes; ///< what its driver may be; a person who knows more may narrow it
};

/// All carveouts of this machine, by ascending proximity domain; none when the kernel has no class "egm".
///
/// Reads /sys/class/egm/egm<PXM>/egm_size and the GPUs beside it: symlinks named by their PCI address, or the file
/// gpu_devices of the 2024 vendor driver. Opens no device: that would clear the carveout.
/// Errors: those of reading a directory or file that is there; EINVAL for an egm_size that is no number.
Result<std::vector<CarveoutInfo>> discover(Syscalls& syscalls);

} // namespace egm
