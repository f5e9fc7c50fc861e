#pragma once

#include <string>
#include <vector>

#include "models/linux/kernel_config.h"

namespace models::linux {

/// What became of the EGM driver when the machine started: the nodes it made, or the error that `modprobe` saw.
///
/// Each GPU carries the carveout's description in its own ACPI properties; the first GPU whose properties are complete
/// makes the node, further ones are linked to it. Shapes A to D do so when nvgrace-gpu binds the GPU, E1 and E2 for
/// every GPU there is when the module is loaded.
struct EgmDriver {
    struct Node {
        CarveoutConfig carveout;           ///< `retired` is empty where firmware has no table
        std::vector<std::string> gpu_bdfs; ///< linked to it, in the order found
    };

    /// 0, or what loading the module (shapes E) or setting up the worst node (shapes A to D) answered.
    int error = 0;
    bool module_loaded = false;
    bool sysfs_class = false; ///< /sys/class/egm
    std::vector<Node> nodes;  ///< by proximity domain
};

EgmDriver start_egm_driver(const KernelConfig& config);

} // namespace models::linux
