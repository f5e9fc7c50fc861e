#include "egm/doctor.h"

#include <algorithm>
#include <cerrno>
#include <string_view>

#include <fcntl.h>

#include "egm/block_size.h"
#include "egm/discovery.h"
#include "egm/errors.h"
#include "egm/file_descriptor.h"
#include "egm/uapi/kvm.h"

namespace egm {
namespace {

using Verdict = Finding::Verdict;

bool exists(Syscalls& syscalls, const char* directory, std::string_view name) {
    std::vector<std::string> names;
    return syscalls.list_directory(directory, names) == 0 && std::find(names.begin(), names.end(), name) != names.end();
}

Finding examine_carveout(Syscalls& syscalls, const CarveoutInfo& carveout) {
    const std::string name = "egm" + std::to_string(carveout.pxm);
    const std::string what =
        name + ": " + in_binary_units(carveout.size) + ", " + std::to_string(carveout.gpu_bdfs.size()) + " GPU(s)";
    if (!exists(syscalls, "/dev", name))
        return {Verdict::kMissing, what + ", without " + carveout.device_path,
                "the driver knows the carveout but udev made no node: look at /sys/class/egm/" + name + "/dev"};
    if (carveout.gpu_bdfs.empty())
        return {Verdict::kWarning, what, "no GPU reaches this carveout: look for GPUs that dropped off the bus"};
    return {Verdict::kOk, what, ""};
}

Finding examine_gpu(Syscalls& syscalls, const std::string& bdf) {
    std::string driver;
    if (syscalls.readlink(("/sys/bus/pci/devices/" + bdf + "/driver").c_str(), driver) < 0)
        return {Verdict::kMissing, "GPU " + bdf + ": no driver",
                "bind it: echo nvgrace-gpu-vfio-pci > /sys/bus/pci/devices/" + bdf + "/driver_override; echo " + bdf +
                    " > /sys/bus/pci/drivers_probe"};
    driver.erase(0, driver.rfind('/') + 1);
    const std::string what = "GPU " + bdf + ": driver " + driver;
    if (driver == "nvgrace_gpu_vfio_pci" || driver == "nvgrace-gpu-vfio-pci")
        return {Verdict::kOk, what, ""};
    return {Verdict::kMissing, what,
            "a VM gets the GPU and its memory through nvgrace-gpu-vfio-pci: unbind it and bind that one"};
}

Finding examine_kvm(Syscalls& syscalls) {
    auto kvm = FileDescriptor::open(syscalls, "/dev/kvm", O_RDWR);
    if (!kvm)
        return {Verdict::kMissing, "KVM: " + errno_name(kvm.error().error_number) + " on /dev/kvm", kvm.error().advice};
    auto pfnmap =
        kvm->ioctl(uapi::kKvmCheckExtension, static_cast<unsigned long>(uapi::kKvmCapArmCacheablePfnmapSupported),
                   "KVM_CHECK_EXTENSION");
    if (pfnmap && *pfnmap == 1)
        return {Verdict::kOk, "KVM: takes memory without struct page as RAM of a VM", ""};
    return {Verdict::kMissing, "KVM: does not take EGM as RAM of a VM",
            "EGM needs Linux 6.17 or later on a processor with FEAT_S2FWB and DIC (Grace has both)"};
}

Finding examine_iommu(Syscalls& syscalls) {
    if (exists(syscalls, "/dev/vfio", "vfio"))
        return {Verdict::kOk, "VFIO container: /dev/vfio/vfio", ""};
    if (exists(syscalls, "/dev", "iommu"))
        return {Verdict::kWarning, "iommufd only: /dev/iommu, without /dev/vfio/vfio",
                "mainline iommufd refuses to map EGM: load vfio and vfio_iommu_type1, or use the tolerant mode"};
    return {Verdict::kMissing, "neither /dev/vfio/vfio nor /dev/iommu",
            "switch the SMMU on in the firmware, and load vfio, vfio_iommu_type1 and nvgrace-gpu-vfio-pci"};
}

} // namespace

std::vector<Finding> examine(Syscalls& syscalls) {
    std::vector<Finding> findings;
    auto carveouts = discover(syscalls);
    if (!carveouts)
        findings.push_back({Verdict::kMissing, "carveouts: " + carveouts.error().message(),
                            "the files below /sys/class/egm are not what any known EGM driver shows: update egmctl"});
    else if (carveouts->empty())
        findings.push_back({Verdict::kMissing, "carveouts: none",
                            "on a Grace machine switch EGM and the hypervisor mode on in the firmware and load the EGM "
                            "driver; other machines have no EGM and use ordinary memory"});
    else
        for (const CarveoutInfo& carveout : *carveouts) {
            findings.push_back(examine_carveout(syscalls, carveout));
            for (const std::string& bdf : carveout.gpu_bdfs)
                findings.push_back(examine_gpu(syscalls, bdf));
        }
    findings.push_back(examine_kvm(syscalls));
    findings.push_back(examine_iommu(syscalls));
    return findings;
}

bool usable(const std::vector<Finding>& findings) {
    return std::none_of(findings.begin(), findings.end(),
                        [](const Finding& finding) { return finding.verdict == Verdict::kMissing; });
}

} // namespace egm
