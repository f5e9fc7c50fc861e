#include <algorithm>

#include <fmt/format.h>

#include "sim/host_kernel.h"
#include "sim/mappings.h"
#include "sim/stream_planner_parts.h"
#include "sim/tenants.h"

namespace sim {

using models::Aperture;
using models::Mapping;

const egm::VirtualMachine* StreamPlanner::vm_of(const Stream& stream, HostOs& host, std::size_t& index) const {
    const auto found = sim::vm_of(scenario_, stream);
    if (!found) {
        return nullptr;
    }
    index = *found;
    return &host.machines()[index];
}

tl::expected<StreamPlanner::Piece, std::string> StreamPlanner::place(const Stream& stream, const MemoryName& memory,
                                                                     HostOs* host) {
    const Topology& topology = scenario_.topology;
    const bool is_hbm = memory.kind == MemoryName::Kind::kHbm;
    const std::uint64_t bytes = egm::align_up(stream.working_set_bytes, kGpuPageBytes);
    Piece piece;
    egm::Range<egm::Spa> native =
        is_hbm ? machine_.plan().hbm.at(memory.part) : machine_.plan().dram.at(memory.part).all;
    std::uint64_t begin = 0;
    std::uint64_t end = native.size;
    std::string owner = "native";
    if (host != nullptr) {
        std::size_t index = 0;
        const egm::VirtualMachine* const vm = vm_of(stream, *host, index);
        if (vm == nullptr) {
            return tl::unexpected(fmt::format("no VM has {}", stream.initiator));
        }
        const VmSetup& setup = scenario_.software.vms[index];
        owner = setup.name;
        if (is_hbm) {
            if (std::find(setup.gpus.begin(), setup.gpus.end(), memory.part) == setup.gpus.end()) {
                return tl::unexpected(fmt::format("{} does not have {}", setup.name, memory.part));
            }
        } else {
            const bool same_node = topology.find(memory.part)->node == node_of(topology, setup);
            const int pxm = topology.egm ? machine_.plan().dram.at(memory.part).pxm : -1;
            for (const egm::GuestRegion& region : vm->regions()) {
                if (region.pxm == pxm && same_node) {
                    piece.region = &region;
                }
            }
            if (piece.region == nullptr) {
                return tl::unexpected(fmt::format("{} has no memory of {}", setup.name, memory.part));
            }
            // The longest stretch between retired blocks.
            begin = end = 0;
            std::uint64_t free = 0;
            auto holes = piece.region->retired;
            holes.push_back({piece.region->file_offset + piece.region->size, 0});
            for (const egm::RetiredRange& hole : holes) {
                const std::uint64_t until = hole.offset - piece.region->file_offset;
                if (until > free && until - free > end - begin) {
                    begin = egm::align_up(free, kGpuPageBytes);
                    end = until;
                }
                free = until + hole.size;
            }
        }
    }
    std::uint64_t& used = used_[owner + "/" + memory.part + (is_hbm ? ".hbm" : "")];
    if (bytes > end - begin) {
        return tl::unexpected(
            fmt::format("working set of {} MiB does not fit into the {} MiB of {} that {} has in one piece",
                        bytes / egm::kMiB, (end - begin) / egm::kMiB, memory.part, owner));
    }
    if (begin + used + bytes > end) {
        used = 0; // arrays of one group may overlap when they fill the memory
    }
    piece.offset = begin + used;
    piece.spa = native.begin + piece.offset;
    used += bytes;
    return piece;
}

std::unique_ptr<Mapping> StreamPlanner::mapping(const Stream& stream, const Side& side, const MemoryName& memory,
                                                const LegPath& path, const Piece& piece, HostOs* host,
                                                PlannedStream& planned) {
    const SoftwareSetup& software = scenario_.software;
    const std::uint32_t space = ++spaces_;
    const bool is_hbm = memory.kind == MemoryName::Kind::kHbm;
    const bool gpu = is_gpu(side.engine);
    const std::uint64_t cpu_page = stream.page_bytes != 0 ? stream.page_bytes
                                   : host == nullptr      ? software.host_page_bytes
                                                          : software.guest_page_bytes;
    const std::uint64_t gpu_page = stream.page_bytes != 0 && !path.by_ats ? stream.page_bytes : kGpuPageBytes;
    const auto own = Mapping::Tables::kOwn;
    if (gpu && (path.aperture == Aperture::kEgm || path.into_carveout)) {
        // What the GPU's page tables hold: address minus EGM base. In a VM the guest driver subtracts the base it was
        // told, the IPA of its memory node.
        const std::uint64_t offset = piece.offset;
        return std::make_unique<LinearMapping>(space, own, offset, offset, gpu_page);
    }
    if (is_hbm) {
        if (gpu || side.engine == Engine::kNic) {
            return std::make_unique<LinearMapping>(space, own, piece.spa.value, piece.spa.value, gpu_page);
        }
        // A CPU's view of HBM. In a VM: the GPU's usemem region, which faults in by the largest block (Linux 6.19).
        const std::uint64_t block = host == nullptr ? 0 : egm::block_size_max(software.host_page_bytes);
        return std::make_unique<LinearMapping>(space, own, piece.spa.value, piece.spa.value, cpu_page, block);
    }
    const bool behind_smmu = side.engine == Engine::kNic || path.by_ats;
    const auto tables = behind_smmu ? Mapping::Tables::kSmmu : own;
    if (behind_smmu && host != nullptr) {
        planned.assumptions.push_back("SMMU: TLB size, walkers and time per page-table access");
    }
    if (behind_smmu && is_random(stream.operation) && stream.operation != Operation::kPointerChase) {
        planned.assumptions.push_back("number of translation requests in flight");
    }
    if (host == nullptr) {
        const std::uint64_t page = gpu && !path.by_ats ? gpu_page : cpu_page;
        return std::make_unique<LinearMapping>(space, tables, piece.spa.value, piece.spa.value, page);
    }
    std::size_t index = 0;
    const egm::VirtualMachine& vm = *vm_of(stream, *host, index);
    const egm::Ipa ipa = piece.region->ipa + piece.offset;
    if (side.engine == Engine::kCpu) {
        planned.assumptions.push_back("nested page walk of a core: walk caches of 64 entries");
        return std::make_unique<GuestMapping>(space, tables, host->kernel(index), GuestMapping::Stage2::kKvm,
                                              vm.vm_fd(), "", ipa, cpu_page);
    }
    const std::string bdf = gpu ? gpu_bdf(scenario_.topology, side.part) : vm.gpu_bdfs().at(0);
    const std::uint64_t page = gpu && !path.by_ats ? gpu_page : cpu_page;
    return std::make_unique<GuestMapping>(space, tables, host->kernel(index), GuestMapping::Stage2::kSmmu, vm.vm_fd(),
                                          bdf, ipa, page);
}

} // namespace sim
