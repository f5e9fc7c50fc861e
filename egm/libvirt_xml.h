#pragma once

#include <string>

#include "egm/result.h"
#include "egm/tray_plan.h"

namespace egm {

/// `vm` as a libvirt domain, without a disk, a firmware and a network, which are its owner's.
///
/// Where each form comes from:
/// - domain, cpu, numa, pcie-expander-bus, pcie-root-port, hostdev: libvirt, formatdomain.html
/// - memory of model egm, with path, node and pciDev: libvirt RFC of November 2025 (patchew 20251107014247.1280693-1);
///   one for each GPU, the sizes of a node's GPUs adding up to the node: KubeVirt's enhancement 199, "Grace"
/// - iommu of model smmuv3 with pciBus and accel, hostdev's iommufd and acpi nodeset, pcihole64 for the window of
///   machine "virt": KubeVirt's enhancement 199, which needs the vendor's libvirt 11.9 for them
///
/// Errors: EINVAL for what that form cannot say: a region that does not begin at offset 0, a node without a GPU.
/// Precondition: `vm` has EGM and vCPUs.
Result<std::string> libvirt_xml(const PlannedVm& vm);

} // namespace egm
