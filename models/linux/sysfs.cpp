#include "models/linux/sysfs.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

namespace models::linux {

namespace {

/// "pci0008:00/0008:01:00.0": where the device hangs below /sys/devices. Bridges are left out.
std::string device_path(const std::string& bdf) {
    return fmt::format("pci{}:00/{}", bdf.substr(0, bdf.find(':')), bdf);
}

struct PciFunction {
    std::string bdf;
    std::uint16_t vendor;
    std::uint16_t device_id;
    const char* class_code;
    const char* driver;
    int socket;
    int iommu_group;
    int vfio_index;
};

void add_function(FileTree& tree, const PciFunction& function) {
    const std::string device = "/sys/devices/" + device_path(function.bdf);
    tree.add_symlink("/sys/bus/pci/devices/" + function.bdf, "../../../devices/" + device_path(function.bdf));
    tree.add_text(device + "/vendor", fmt::format("0x{:04x}\n", function.vendor));
    tree.add_text(device + "/device", fmt::format("0x{:04x}\n", function.device_id));
    tree.add_text(device + "/class", fmt::format("{}\n", function.class_code));
    tree.add_text(device + "/numa_node", fmt::format("{}\n", function.socket));
    tree.add_symlink(device + "/iommu_group", fmt::format("../../../kernel/iommu_groups/{}", function.iommu_group));
    tree.add_symlink(device + "/driver", std::string("../../../bus/pci/drivers/") + function.driver);
    tree.add_text(fmt::format("{}/vfio-dev/vfio{}/dev", device, function.vfio_index),
                  fmt::format("240:{}\n", function.vfio_index));
    tree.add_symlink(fmt::format("/sys/kernel/iommu_groups/{}/devices/{}", function.iommu_group, function.bdf),
                     "../../../../devices/" + device_path(function.bdf));
}

void add_carveout(FileTree& tree, const CarveoutConfig& carveout) {
    const std::string name = fmt::format("egm{}", carveout.pxm);
    const std::string device = "/sys/devices/virtual/egm/" + name;
    tree.add_symlink("/sys/class/egm/" + name, "../../devices/virtual/egm/" + name);
    tree.add_text(device + "/egm_size", fmt::format("0x{:x}\n", carveout.range.size));
    tree.add_text(device + "/dev", fmt::format("511:{}\n", carveout.pxm));
    tree.add_text(device + "/uevent", fmt::format("MAJOR=511\nMINOR={}\nDEVNAME={}\n", carveout.pxm, name));
    tree.add_symlink(device + "/subsystem", "../../../../class/egm");
    tree.add_directory(device + "/power");
    for (const std::string& bdf : carveout.gpu_bdfs) {
        tree.add_symlink(device + "/" + bdf, "../../../" + device_path(bdf));
    }
}

} // namespace

void add_sysfs(FileTree& tree, const KernelConfig& config) {
    tree.add_directory("/sys/bus/pci/devices");
    for (const GpuConfig& gpu : config.gpus) {
        add_function(tree,
                     {gpu.bdf, 0x10DE, gpu.device_id, "0x030200", gpu.coherent ? "nvgrace_gpu_vfio_pci" : "vfio-pci",
                      gpu.socket, gpu.iommu_group, gpu.vfio_index});
    }
    for (const PlainDeviceConfig& device : config.plain_devices) {
        add_function(tree, {device.bdf, device.vendor, device.device_id, "0x00ff00", "vfio-pci", device.socket,
                            device.iommu_group, device.vfio_index});
    }
    const bool driver = std::any_of(config.carveouts.begin(), config.carveouts.end(),
                                    [](const CarveoutConfig& carveout) { return carveout.driver_loaded; });
    if (driver) {
        tree.add_directory("/sys/class/egm");
    }
    for (const CarveoutConfig& carveout : config.carveouts) {
        if (carveout.driver_loaded) {
            add_carveout(tree, carveout);
        }
    }
}

} // namespace models::linux
