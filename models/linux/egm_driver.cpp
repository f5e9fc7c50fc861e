#include "models/linux/egm_driver.h"

#include <algorithm>
#include <cerrno>
#include <optional>

#include "egm/uapi/egm.h"
#include "models/linux/egm_traits.h"

namespace models::linux {

namespace {

constexpr int kMinorMax = (1 << 20) - 1;

/// Whether the driver takes the carveout's description from this GPU.
bool describes_carveout(const GpuConfig& gpu, const EgmTraits& traits, bool iommu, bool& retired_table) {
    retired_table =
        gpu.firmware_gap != FirmwareGap::kRetiredTable && gpu.firmware_gap != FirmwareGap::kRetiredTableZero;
    if (gpu.firmware_gap == FirmwareGap::kEgmPxm || gpu.firmware_gap == FirmwareGap::kEgmBase ||
        gpu.firmware_gap == FirmwareGap::kEgmSize || (traits.needs_retired_table && !retired_table)) {
        return false;
    }
    return !traits.needs_bound_gpu || (gpu.bound && gpu.coherent && iommu);
}

std::optional<EgmDriver::Node> find_node(const KernelConfig& config, const CarveoutConfig& carveout) {
    const EgmTraits& traits = egm_traits(config.shape);
    std::optional<EgmDriver::Node> node;
    for (const GpuConfig& gpu : config.gpus) {
        const bool here =
            std::find(carveout.gpu_bdfs.begin(), carveout.gpu_bdfs.end(), gpu.bdf) != carveout.gpu_bdfs.end();
        bool retired_table = false;
        if (!here || !describes_carveout(gpu, traits, config.iommu, retired_table)) {
            continue;
        }
        if (!node) {
            node.emplace();
            node->carveout = carveout;
            if (!retired_table) {
                node->carveout.retired.clear();
            }
        }
        node->gpu_bdfs.push_back(gpu.bdf);
    }
    return node;
}

} // namespace

EgmDriver start_egm_driver(const KernelConfig& config) {
    const EgmTraits& traits = egm_traits(config.shape);
    EgmDriver driver;
    driver.module_loaded = config.arch == HostArch::kArm64 && config.egm_module;
    if (!driver.module_loaded) {
        return driver;
    }
    std::vector<EgmDriver::Node> found;
    for (const CarveoutConfig& carveout : config.carveouts) {
        if (auto node = carveout.driver_loaded ? find_node(config, carveout) : std::nullopt) {
            found.push_back(std::move(*node));
        }
    }
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.carveout.pxm < b.carveout.pxm; });
    if (traits.pxm_window && !found.empty() && found.front().carveout.pxm > kMinorMax - 3) {
        driver.error = -ERANGE;
    }
    const std::size_t retired_max = traits.limit_is_a_page
                                        ? std::min<std::size_t>(egm::uapi::kRetiredBlocksMax, config.page_size / 8)
                                        : egm::uapi::kRetiredBlocksMax;
    for (auto& node : found) {
        const bool outside = traits.pxm_window && node.carveout.pxm - found.front().carveout.pxm > 3;
        if (outside || node.carveout.retired.size() > retired_max) {
            driver.error = driver.error != 0 ? driver.error : -EINVAL;
        } else {
            driver.nodes.push_back(node);
        }
    }
    if (driver.error != 0 && traits.module_fails_as_a_whole) {
        driver.nodes.clear();
        driver.module_loaded = false;
    }
    driver.sysfs_class = driver.module_loaded && (!traits.pxm_window || !found.empty()); // E2 makes none for nothing
    return driver;
}

} // namespace models::linux
