// The machines that a FakeSyscalls can be.

#include <fmt/format.h>

#include "fake_syscalls.h"

namespace egm {

void FakeSyscalls::add_carveout(int pxm, std::uint64_t size, const std::vector<std::string>& bdfs) {
    const std::string name = fmt::format("egm{}", pxm);
    directories["/sys/class/egm"].push_back(name);
    files["/sys/class/egm/" + name + "/egm_size"] = fmt::format("{:#x}\n", size);
    auto& entries = directories["/sys/class/egm/" + name];
    entries = {"dev", "power", "subsystem", "uevent", "egm_size"};
    carveout_size_["/dev/" + name] = size;
    if (shape == DriverShape::kA) {
        entries.push_back("gpu_devices");
        std::string& list = files["/sys/class/egm/" + name + "/gpu_devices"];
        for (const std::string& bdf : bdfs)
            list += bdf + "\n";
    } else {
        entries.insert(entries.end(), bdfs.rbegin(), bdfs.rend());
        if (shape != DriverShape::kE1 && shape != DriverShape::kE2)
            entries.push_back("device");
    }
    directories["/dev"].push_back(name);
    devices["/dev/" + name] = 0;
}

void FakeSyscalls::add_gpu(const std::string& bdf, int group) {
    const std::string pci = "/sys/bus/pci/devices/" + bdf;
    links[pci + "/iommu_group"] = fmt::format("../../../../kernel/iommu_groups/{}", group);
    links[pci + "/driver"] = "../../../../bus/pci/drivers/nvgrace-gpu-vfio-pci";
    directories[pci + "/vfio-dev"] = {fmt::format("vfio{}", group)};
    devices[fmt::format("/dev/vfio/{}", group)] = 0;
    devices[fmt::format("/dev/vfio/devices/vfio{}", group)] = 0;
    bdf_by_path_[fmt::format("/dev/vfio/devices/vfio{}", group)] = bdf;
}

void FakeSyscalls::add_kernel_devices() {
    for (const char* path : {"/dev/kvm", "/dev/vfio/vfio", "/dev/iommu"})
        devices[path] = 0;
    directories["/dev"].push_back("iommu");
    directories["/dev/vfio"] = {"vfio"};
}

void FakeSyscalls::add_gb200() {
    add_carveout(5, 447 * kGiB, {"0018:01:00.0", "0019:01:00.0"});
    add_carveout(4, 447 * kGiB, {"0008:01:00.0", "0009:01:00.0"});
    int group = 10;
    for (const char* bdf : {"0008:01:00.0", "0009:01:00.0", "0018:01:00.0", "0019:01:00.0"})
        add_gpu(bdf, group++);
    add_kernel_devices();
}

} // namespace egm
