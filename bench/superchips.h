#pragma once

#include <fmt/format.h>

#include "egm/address.h"
#include "egm/tray_plan.h"

namespace bench {

/// A domain of superchips, one Grace with its carveout and two GPUs each, and a VM for each of them.
struct Domain {
    egm::MachineSurvey machine{.page_size = 64 * egm::kKiB};
    egm::TrayRequest request{.policy = egm::Sharing::kVmPerSocket};

    explicit Domain(int superchips) {
        for (int i = 0; i < superchips; ++i) {
            egm::CarveoutInfo carveout{.pxm = i, .device_path = fmt::format("/dev/egm{}", i), .size = 447 * egm::kGiB};
            for (int gpu = 0; gpu < 2; ++gpu) {
                const std::string bdf = fmt::format("{:04x}:01:00.0", 2 * i + gpu);
                carveout.gpu_bdfs.push_back(bdf);
                machine.gpus[bdf] = {.device_id = 0x2941, .smmu = "segment " + bdf.substr(0, 4)};
            }
            machine.carveouts.push_back(std::move(carveout));
            request.vms.push_back(
                {.request = {.name = fmt::format("vm{}", i), .vcpus = 72, .regions = {{.pxm = i}}}, .all_gpus = true});
        }
    }
};

} // namespace bench
