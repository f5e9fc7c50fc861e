#pragma once

#include "models/linux/file_tree.h"
#include "models/linux/kernel_config.h"

namespace models::linux {

/// Puts into `tree` what sysfs says about the host's carveouts and GPUs.
///
///     /sys/class/egm/egm<PXM>/{egm_size,dev,uevent,<BDF>}   LKML EGM RFC v2, shapes B to E
///     /sys/bus/pci/devices/<BDF>/{vendor,device,numa_node,iommu_group,driver,vfio-dev/vfio<N>}
///     /sys/kernel/iommu_groups/<N>/devices/<BDF>
///
/// As on a real host, entries of /sys/class and /sys/bus are symlinks into /sys/devices.
void add_sysfs(FileTree& tree, const KernelConfig& config);

} // namespace models::linux
