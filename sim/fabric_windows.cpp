#include "sim/fabric_windows.h"

#include <fmt/format.h>

#include "sim/topology_graph.h"
#include "sim/units.h"

namespace sim {

namespace {

using Addresses = models::GpuSpec::FabricAddresses;

constexpr std::uint64_t kSpaceBytes = 1ull << 47;       ///< a fabric address has 47 bits
constexpr std::uint64_t kHopperStep = 1ull << 39;       ///< 512 GiB, a map slot of NVSwitch3
constexpr std::uint64_t kBlackwellEgmStep = 1ull << 44; ///< bits 46:44 only
constexpr std::uint64_t kRemapSlot = 1ull << 42;        ///< 4 TiB
constexpr unsigned kDomainGpusMax = 576;                ///< of one NVLink5 domain (NVIDIA material)

/// The EGM window of a Blackwell has bit 46 set, so that HBM windows of the same node lie below.
constexpr std::uint64_t kBlackwellEgmFirst = 4 * kBlackwellEgmStep;

class Planner {
public:
    Planner(const Topology& topology, const AddressPlan& plan) : topology_(topology), plan_(plan), graph_(topology) {}

    FabricWindows run() {
        for (std::size_t i = 0; i < topology_.parts.size(); ++i) {
            if (const auto* gpu = std::get_if<models::GpuSpec>(&topology_.parts[i].spec)) {
                place(i, gpu->fabric_addresses);
            }
        }
        check_hopper("HBM", hopper_hbm_);
        check_hopper("EGM", hopper_egm_);
        if (blackwells_ > kDomainGpusMax) {
            windows_.misfits.push_back(
                fmt::format("{} Blackwells on one fabric; an NVLink5 domain has {}", blackwells_, kDomainGpusMax));
        }
        return std::move(windows_);
    }

private:
    void place(std::size_t index, Addresses rule) {
        const Part& part = topology_.parts[index];
        bool switched = false, linked = false;
        for (const auto& near : graph_.neighbours(index)) {
            if (topology_.links[near.link].kind == LinkKind::kNvlink) {
                linked = true;
                switched = switched || std::holds_alternative<models::SwitchSpec>(topology_.parts[near.part].spec);
            }
        }
        if (!linked || rule == Addresses::kAny) {
            return;
        }
        FabricWindows::Gpu& gpu = windows_.gpus[part.name];
        gpu.hbm.size = plan_.hbm.at(part.name).size;
        const auto dram = plan_.dram.find(part.cpu);
        gpu.egm.size = dram == plan_.dram.end() ? 0 : dram->second.carveout.size;
        if (!switched) {
            gpu.hbm.begin = kRemapSlot; // slot 0 is EGM's, slot 1 the HBM's
            check_slots(part.name, "HBM", gpu.hbm.size, kRemapSlot);
            check_slots(part.name, "EGM", gpu.egm.size, kRemapSlot);
        } else if (rule == Addresses::kHopper) {
            gpu.hbm.begin = hopper_hbm_;
            gpu.egm.begin = hopper_egm_;
            hopper_hbm_ += steps(gpu.hbm.size) * kHopperStep;
            hopper_egm_ += steps(gpu.egm.size) * kHopperStep;
        } else {
            const unsigned in_node = in_node_[part.node]++;
            gpu.remap_entry = blackwells_++;
            gpu.hbm.begin = in_node * kRemapSlot;
            gpu.egm.begin = kBlackwellEgmFirst + static_cast<std::uint64_t>(part.socket) * kBlackwellEgmStep;
            check_slots(part.name, "HBM", gpu.hbm.size, kRemapSlot);
            check_slots(part.name, "EGM", gpu.egm.size, kBlackwellEgmStep);
            if (gpu.hbm.begin >= kBlackwellEgmFirst) {
                windows_.misfits.push_back(
                    fmt::format("{} is GPU {} of its node; the HBM windows of {} fit below the EGM windows", part.name,
                                in_node + 1, kBlackwellEgmFirst / kRemapSlot));
            }
            if (gpu.egm.end() > kSpaceBytes) {
                windows_.misfits.push_back(
                    fmt::format("the EGM window of {} on socket {} ends above 47 bits", part.name, part.socket));
            }
        }
    }

    static std::uint64_t steps(std::uint64_t bytes) { return (bytes + kHopperStep - 1) / kHopperStep; }

    void check_slots(const std::string& gpu, const char* what, std::uint64_t bytes, std::uint64_t room) {
        if (bytes > room) {
            windows_.misfits.push_back(fmt::format("the {} window of {} is {}; it has room for {}", what, gpu,
                                                   format_size(bytes), format_size(room)));
        }
    }

    void check_hopper(const char* what, std::uint64_t end) {
        if (end > kSpaceBytes) {
            windows_.misfits.push_back(
                fmt::format("the {} windows of all GPUs take {} in steps of 512 GiB; 47 bits of address are {}", what,
                            format_size(end), format_size(kSpaceBytes)));
        }
    }

    const Topology& topology_;
    const AddressPlan& plan_;
    const TopologyGraph graph_;
    FabricWindows windows_;
    std::uint64_t hopper_hbm_ = 0, hopper_egm_ = 0; ///< first free address
    unsigned blackwells_ = 0;
    std::map<std::string, unsigned> in_node_; ///< Blackwells so far
};

} // namespace

std::optional<FabricWindows::Owner> FabricWindows::owner(Space space, std::optional<unsigned> remap_entry,
                                                         std::uint64_t address) const {
    for (const auto& [name, gpu] : gpus) {
        const Window& window = space == Space::kHbm ? gpu.hbm : gpu.egm;
        if (gpu.remap_entry == remap_entry && address >= window.begin && address < window.end()) {
            return Owner{name, address - window.begin};
        }
    }
    return std::nullopt;
}

FabricWindows plan_fabric_windows(const Topology& topology, const AddressPlan& plan) {
    return Planner(topology, plan).run();
}

} // namespace sim
