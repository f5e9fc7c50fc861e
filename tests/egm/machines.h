#pragma once

#include "egm/address.h"
#include "egm/machine_survey.h"

/// Machines as a survey shows them, for the tests of plans and of the linter.
namespace egm::machines {

/// A compute tray of an NVL72 with hypervisor mode on: 447 GiB and two GPUs a socket.
inline MachineSurvey gb200_tray(std::uint64_t page_size = 64 * kKiB) {
    MachineSurvey machine{.page_size = page_size};
    machine.carveouts = {{4, "/dev/egm4", 447 * kGiB, {"0008:01:00.0", "0009:01:00.0"}},
                         {5, "/dev/egm5", 447 * kGiB, {"0018:01:00.0", "0019:01:00.0"}}};
    for (const CarveoutInfo& carveout : machine.carveouts)
        for (const std::string& bdf : carveout.gpu_bdfs)
            machine.gpus[bdf] = {0x2941, "smmu of " + bdf};
    return machine;
}

/// Four GH200 on a board, a GPU each. 56896 MiB are a multiple of neither 512 MiB nor 1 GiB.
inline MachineSurvey gh200_quad(std::uint64_t page_size = 64 * kKiB) {
    MachineSurvey machine{.page_size = page_size};
    for (int socket = 0; socket < 4; ++socket) {
        const std::string bdf = "00" + std::to_string(socket) + "9:01:00.0";
        machine.carveouts.push_back({4 + socket, "/dev/egm" + std::to_string(4 + socket), 56896 * kMiB, {bdf}});
        machine.gpus[bdf] = {0x2342, "smmu of " + bdf};
    }
    return machine;
}

} // namespace egm::machines
