#pragma once

#include "models/linux/egm_driver.h"
#include "models/linux/file_tree.h"
#include "models/linux/kernel_config.h"

namespace models::linux {

/// Puts into `tree` what sysfs says about the host's carveouts, PCI functions and modules.
///
///     /sys/class/egm/egm<PXM>/{egm_size,dev,uevent,power,subsystem}
///         and there: <BDF> links (shapes B to E); gpu_devices, a file (A); device, a link to the auxiliary device
///         (B-D)
///     /sys/bus/pci/devices/<BDF>/{vendor,device,class,numa_node,iommu_group,driver,vfio-dev/vfio<N>}
///         and there: egm<PXM>, a link (A)
///     /sys/bus/pci/drivers/<driver>/<BDF>
///     /sys/kernel/iommu_groups/<N>/devices/<BDF>
///     /sys/module/<module>
///
/// As on a real host, entries of /sys/class and /sys/bus are symlinks into /sys/devices. Bridges are left out.
void add_sysfs(FileTree& tree, const KernelConfig& config, const EgmDriver& egm);

} // namespace models::linux
