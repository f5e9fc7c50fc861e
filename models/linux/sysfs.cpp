#include "models/linux/sysfs.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "models/linux/blocks.h"
#include "models/linux/egm_traits.h"

namespace models::linux {

namespace {

/// "pci0008:00/0008:01:00.0": where the device hangs below /sys/devices.
std::string device_path(const std::string& bdf) {
    return fmt::format("pci{}:00/{}", bdf.substr(0, bdf.find(':')), bdf);
}

struct PciFunction {
    std::string bdf;
    std::uint16_t vendor;
    std::uint16_t device_id;
    const char* class_code;
    const char* driver; ///< null: none has it
    int socket;
    int iommu_group;
    int vfio_index;
};

void add_function(FileTree& tree, const KernelConfig& config, const PciFunction& function) {
    const std::string device = "/sys/devices/" + device_path(function.bdf);
    tree.add_symlink("/sys/bus/pci/devices/" + function.bdf, "../../../devices/" + device_path(function.bdf));
    tree.add_text(device + "/vendor", fmt::format("0x{:04x}\n", function.vendor));
    tree.add_text(device + "/device", fmt::format("0x{:04x}\n", function.device_id));
    tree.add_text(device + "/class", fmt::format("{}\n", function.class_code));
    tree.add_text(device + "/numa_node", fmt::format("{}\n", function.socket));
    if (config.iommu) {
        tree.add_symlink(device + "/iommu_group", fmt::format("../../../kernel/iommu_groups/{}", function.iommu_group));
        tree.add_symlink(fmt::format("/sys/kernel/iommu_groups/{}/devices/{}", function.iommu_group, function.bdf),
                         "../../../../devices/" + device_path(function.bdf));
    }
    if (!function.driver) {
        return;
    }
    const std::string driver = std::string("bus/pci/drivers/") + function.driver;
    tree.add_symlink(device + "/driver", "../../../" + driver);
    tree.add_symlink(fmt::format("/sys/{}/{}", driver, function.bdf),
                     "../../../../devices/" + device_path(function.bdf));
    const std::string vfio = fmt::format("{}/vfio-dev/vfio{}", device, function.vfio_index);
    tree.add_directory(vfio);
    if (has_vfio_cdev(config)) {
        tree.add_text(vfio + "/dev", fmt::format("240:{}\n", function.vfio_index));
    }
}

void add_carveout(FileTree& tree, const EgmTraits& traits, const EgmDriver::Node& node) {
    const CarveoutConfig& carveout = node.carveout;
    const std::string name = fmt::format("egm{}", carveout.pxm);
    const std::string auxiliary = fmt::format("nvgrace_gpu_vfio_pci.egm.{}", carveout.pxm);
    const std::string parent =
        traits.auxiliary_device ? device_path(node.gpu_bdfs.front()) + "/" + auxiliary : std::string("virtual");
    const std::string place = fmt::format("{}/egm/{}", parent, name);
    const std::string device = "/sys/devices/" + place;
    const std::string up = traits.auxiliary_device ? "../../../../../../" : "../../../../"; // to /sys
    tree.add_symlink("/sys/class/egm/" + name, "../../devices/" + place);
    tree.add_text(device + "/egm_size", fmt::format("0x{:x}\n", carveout.range.size));
    tree.add_text(device + "/dev", fmt::format("511:{}\n", carveout.pxm));
    tree.add_text(device + "/uevent", fmt::format("MAJOR=511\nMINOR={}\nDEVNAME={}\n", carveout.pxm, name));
    tree.add_symlink(device + "/subsystem", up + "class/egm");
    tree.add_directory(device + "/power");
    if (traits.auxiliary_device) {
        tree.add_symlink(device + "/device", "../../../" + auxiliary);
    }
    if (traits.gpu_devices_file) {
        std::string lines;
        for (const std::string& bdf : node.gpu_bdfs) {
            lines += bdf + "\n";
            tree.add_symlink(fmt::format("/sys/devices/{}/{}", device_path(bdf), name), "../../virtual/egm/" + name);
        }
        tree.add_text(device + "/gpu_devices", lines);
        return;
    }
    for (const std::string& bdf : node.gpu_bdfs) {
        tree.add_symlink(device + "/" + bdf, up + "devices/" + device_path(bdf));
    }
}

void add_modules(FileTree& tree, const KernelConfig& config, const EgmDriver& egm) {
    const auto add = [&](bool there, const char* module) {
        if (there) {
            tree.add_directory(std::string("/sys/module/") + module + "/parameters");
        }
    };
    add(true, "vfio");
    add(true, "vfio_pci");
    add(true, "vfio_pci_core");
    add(config.type1, "vfio_iommu_type1");
    if (config.type1) {
        tree.add_text("/sys/module/vfio_iommu_type1/parameters/dma_entry_limit", "65535\n");
    }
    add(has_iommufd(config), "iommufd");
    add(config.kvm, "kvm");
    const bool coherent =
        std::any_of(config.gpus.begin(), config.gpus.end(), [](const GpuConfig& gpu) { return gpu.coherent; });
    add(coherent, "nvgrace_gpu_vfio_pci");
    add(egm.module_loaded, "nvgrace_egm");
}

} // namespace

void add_sysfs(FileTree& tree, const KernelConfig& config, const EgmDriver& egm) {
    tree.add_directory("/sys/class");
    tree.add_directory("/sys/bus/pci/devices");
    tree.add_directory("/sys/kernel/iommu_groups");
    for (const GpuConfig& gpu : config.gpus) {
        const char* driver = gpu.coherent ? "nvgrace_gpu_vfio_pci" : "vfio-pci";
        add_function(tree, config,
                     {gpu.bdf, 0x10DE, gpu.device_id, "0x030200", gpu.bound && config.iommu ? driver : nullptr,
                      gpu.socket, gpu.iommu_group, gpu.vfio_index});
    }
    for (const PlainDeviceConfig& device : config.plain_devices) {
        add_function(tree, config,
                     {device.bdf, device.vendor, device.device_id, "0x00ff00", config.iommu ? "vfio-pci" : nullptr,
                      device.socket, device.iommu_group, device.vfio_index});
    }
    for (const std::uint64_t block : block_sizes(config.page_size)) {
        if (block != config.page_size) { // none is reserved: a mapping with MAP_HUGETLB answers ENOMEM
            tree.add_text(fmt::format("/sys/kernel/mm/hugepages/hugepages-{}kB/free_hugepages", block / egm::kKiB),
                          "0\n");
        }
    }
    if (egm.sysfs_class) {
        tree.add_directory("/sys/class/egm");
    }
    for (const EgmDriver::Node& node : egm.nodes) {
        add_carveout(tree, egm_traits(config.shape), node);
    }
    add_modules(tree, config, egm);
}

} // namespace models::linux
