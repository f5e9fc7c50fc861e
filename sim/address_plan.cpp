#include "sim/address_plan.h"

#include <algorithm>

namespace sim {

namespace {
constexpr std::uint64_t kSocketStride = 1ull << 44;
constexpr std::uint64_t kHbmBase = 4 * egm::kTiB;
constexpr int kEgmPxmBase = 4; ///< hypervisor mode: EGM PXM = 4 + socket (edk2-nvidia NumaInfoLib.c)
} // namespace

std::uint64_t hypervisor_bytes_default(std::uint64_t dram_bytes) {
    return dram_bytes >= 480 * egm::kGiB ? 33 * egm::kGiB : 16 * egm::kGiB;
}

AddressPlan plan_addresses(const Topology& topology, const SoftwareSetup& software) {
    AddressPlan plan;
    std::map<std::string, unsigned> gpus_of_cpu;
    for (const Part& part : topology.parts) {
        const auto* memory = std::get_if<models::MemorySpec>(&part.spec);
        if (memory == nullptr) {
            continue;
        }
        const Part& home = *topology.find(part.at);
        const auto socket = static_cast<std::uint64_t>(std::max(home.socket, 0));
        const std::uint64_t base = socket * kSocketStride;
        if (std::holds_alternative<models::GpuSpec>(home.spec)) {
            const unsigned index = gpus_of_cpu[home.cpu]++;
            plan.hbm[home.name] = {egm::Spa{base + kHbmBase + index * egm::kTiB}, memory->capacity_bytes};
            plan.hbm_part[home.name] = part.name;
            continue;
        }
        AddressPlan::Dram dram;
        dram.all = {egm::Spa{base + topology.dram_base}, memory->capacity_bytes};
        const std::uint64_t kept = software.hypervisor_bytes != 0 ? software.hypervisor_bytes
                                                                  : hypervisor_bytes_default(memory->capacity_bytes);
        const std::uint64_t carveout =
            topology.egm && memory->capacity_bytes > kept ? memory->capacity_bytes - kept : 0;
        dram.carveout = {dram.all.begin, carveout};
        dram.host = {dram.all.begin + carveout, memory->capacity_bytes - carveout};
        dram.pxm = topology.egm ? kEgmPxmBase + static_cast<int>(socket) : -1;
        plan.dram[home.name] = dram;
        plan.dram_part[home.name] = part.name;
    }
    return plan;
}

} // namespace sim
