// What the doctor asks of the IOMMU, VFIO and iommufd.

#include <algorithm>

#include <fcntl.h>

#include "egm/doctor_checks.h"
#include "egm/errors.h"
#include "egm/file_descriptor.h"
#include "egm/sysfs.h"
#include "egm/uapi/vfio.h"

namespace egm::doctor {
namespace {

/// Whether a device with this driver leaves its group to VFIO: VFIO drivers, and those of bridges and stubs.
/// Source: Linux drivers/iommu/iommu.c, iommu_group_dma_owner_claimed; drivers with driver_managed_dma.
bool leaves_the_group_alone(std::string_view driver) {
    return driver.find("vfio") != driver.npos || driver == "pcieport" || driver == "pci-stub";
}

/// Whether the type1 container is there. Missing it is bad only without an iommufd that takes EGM.
bool examine_type1(Syscalls& syscalls, std::string& why_not) {
    auto container = FileDescriptor::open(syscalls, "/dev/vfio/vfio", O_RDWR);
    if (!container) {
        why_not = errno_name(container.error().error_number) + " on /dev/vfio/vfio";
        return false;
    }
    auto type1 = container->ioctl(uapi::kVfioCheckExtension, uapi::kVfioType1v2Iommu, "VFIO_CHECK_EXTENSION");
    if (type1 && *type1 > 0)
        return true;
    why_not = "/dev/vfio/vfio has no type1 IOMMU driver";
    return false;
}

} // namespace

void examine_iommu(Syscalls& syscalls, Findings& findings) {
    std::vector<std::string> groups;
    if (syscalls.list_directory("/sys/kernel/iommu_groups", groups) < 0 || groups.empty())
        findings.push_back({Verdict::kMissing, Scope::kBoth, "iommu",
                            "no device is behind one: there is no IOMMU group",
                            "switch the SMMU (IOMMU, VT-d, AMD-Vi) on in the firmware; boot without iommu=off"});
    else
        findings.push_back(
            {Verdict::kOk, Scope::kBoth, "iommu", "groups of devices: " + std::to_string(groups.size()), ""});
}

void examine_vfio(Syscalls& syscalls, Findings& findings) {
    std::string why_no_type1;
    const bool type1 = examine_type1(syscalls, why_no_type1);
    const auto iommufd = FileDescriptor::open(syscalls, "/dev/iommu", O_RDWR);
    if (type1)
        findings.push_back({Verdict::kOk, Scope::kBoth, "vfio", "the type1 container is there; it maps EGM too", ""});
    else if (iommufd)
        findings.push_back({Verdict::kWarning, Scope::kEgm, "vfio", why_no_type1 + "; iommufd is there",
                            "mainline iommufd refuses to map EGM (EFAULT): modprobe vfio_iommu_type1, or use the "
                            "tolerant mode and let no device but the GPUs reach EGM"});
    else
        findings.push_back({Verdict::kMissing, Scope::kBoth, "vfio", why_no_type1,
                            "modprobe vfio_iommu_type1 and the GPUs' VFIO driver; in a container, pass /dev/vfio in"});
    if (iommufd)
        findings.push_back({Verdict::kOk, Scope::kBoth, "iommufd", "/dev/iommu opens", ""});
    else
        findings.push_back({Verdict::kWarning, Scope::kBoth, "iommufd",
                            errno_name(iommufd.error().error_number) + " on /dev/iommu",
                            "only nested SMMU and vCMDQ in the guest need it: modprobe iommufd"});
}

void examine_group(Syscalls& syscalls, const std::string& bdf, Scope scope, Findings& findings) {
    const auto group = iommu_group(syscalls, bdf);
    if (!group) {
        findings.push_back({Verdict::kMissing, scope, "iommu-group", bdf + " has none",
                            "switch the SMMU (IOMMU) on in the firmware; boot without iommu=off"});
        return;
    }
    const std::string name = std::to_string(*group);
    const std::string what = "group " + name + " of " + bdf;
    std::vector<std::string> members;
    const std::string directory = "/sys/kernel/iommu_groups/" + name + "/devices";
    if (syscalls.list_directory(directory.c_str(), members) == 0) {
        std::sort(members.begin(), members.end());
        for (const std::string& member : members)
            if (const auto driver = driver_of(syscalls, member); driver && !leaves_the_group_alone(*driver)) {
                findings.push_back({Verdict::kMissing, scope, "iommu-group",
                                    what + ": " + member + " of the same group has driver " + *driver,
                                    "bind every device of the group to vfio-pci, or unbind it: echo " + member +
                                        " > /sys/bus/pci/devices/" + member + "/driver/unbind"});
                return;
            }
    }
    const auto device = vfio_device_name(syscalls, bdf);
    const bool has_group_node = exists(syscalls, "/dev/vfio", name);
    const bool has_device_node = device && exists(syscalls, "/dev/vfio/devices", *device);
    if (!has_group_node && !has_device_node)
        findings.push_back({Verdict::kMissing, scope, "iommu-group",
                            what + ": neither /dev/vfio/" + name + " nor a node in /dev/vfio/devices",
                            "udev made no node, or this container has none: pass the nodes in, or ask for them"});
    else
        findings.push_back({Verdict::kOk, scope, "iommu-group",
                            what + ": " + (has_group_node ? "/dev/vfio/" + name : "") +
                                (has_group_node && has_device_node ? ", " : "") +
                                (has_device_node ? "/dev/vfio/devices/" + *device : ""),
                            ""});
}

} // namespace egm::doctor
