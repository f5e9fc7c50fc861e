#pragma once

#include <map>
#include <string>

#include "egm/address.h"
#include "sim/scenario.h"

namespace sim {

/// Where everything lies in system physical memory, as Grace firmware lays it out: the socket number in bits 45:44,
/// DRAM from `Topology::dram_base` in each socket, the EGM carveout first and the host's own memory behind it
/// (edk2-nvidia TH500ResourceConfig.c); HBM at 4 TiB of its socket, a TiB for each GPU (assumed). On a machine without
/// EGM all DRAM is the host's. Each node of a machine has physical addresses of its own.
struct AddressPlan {
    struct Dram {
        egm::Range<egm::Spa> all;
        egm::Range<egm::Spa> carveout; ///< empty on bare metal without EGM, else the first part
        egm::Range<egm::Spa> host;     ///< what the host's kernel sees
        int pxm = -1;                  ///< of the carveout: 4 + socket
    };
    std::map<std::string, Dram> dram;                ///< by CPU part
    std::map<std::string, egm::Range<egm::Spa>> hbm; ///< by GPU part
    std::map<std::string, std::string> dram_part;    ///< memory part by CPU part
    std::map<std::string, std::string> hbm_part;     ///< memory part by GPU part
};

/// Bytes that the hypervisor keeps of a socket's DRAM when the scenario does not say: 33 GiB where that leaves the
/// published 447 GiB of a 480 GiB socket, else 16 GiB (assumed).
std::uint64_t hypervisor_bytes_default(std::uint64_t dram_bytes);

AddressPlan plan_addresses(const Topology& topology, const SoftwareSetup& software);

} // namespace sim
