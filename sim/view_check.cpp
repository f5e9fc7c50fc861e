#include "sim/view_check.h"

#include <array>
#include <fmt/format.h>

#include "sim/host_kernel.h"
#include "sim/leg_path.h"
#include "sim/mappings.h"

namespace sim {

namespace {

using Pattern = std::array<unsigned char, 64>;

/// Different for every guest address.
Pattern pattern(std::uint64_t ipa) {
    Pattern bytes{};
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] = static_cast<unsigned char>((ipa >> (i % 8 * 8)) * 31 + i * 7 + 1);
    }
    return bytes;
}

/// Offsets in the region, clear of retired blocks.
std::vector<std::uint64_t> probes(const egm::GuestRegion& region) {
    std::vector<std::uint64_t> wanted{0, region.size / 2, region.size - 64};
    for (const egm::RetiredRange& hole : region.retired) {
        wanted.push_back(hole.offset - region.file_offset + hole.size);
    }
    std::vector<std::uint64_t> clear;
    for (const std::uint64_t offset : wanted) {
        bool good = offset + 64 <= region.size;
        for (const egm::RetiredRange& hole : region.retired) {
            const std::uint64_t at = region.file_offset + offset;
            good = good && (at + 64 <= hole.offset || at >= hole.offset + hole.size);
        }
        if (good) {
            clear.push_back(offset / 64 * 64);
        }
    }
    return clear;
}

} // namespace

std::vector<ViewCheck> check_views(const Scenario& scenario, Machine& machine, HostOs& host) {
    std::vector<ViewCheck> checks;
    for (std::size_t v = 0; v < host.machines().size(); ++v) {
        const egm::VirtualMachine& vm = host.machines()[v];
        const VmSetup& setup = scenario.software.vms[v];
        for (std::size_t r = 0; r < vm.regions().size(); ++r) {
            const egm::GuestRegion& region = vm.regions()[r];
            const std::string& memory = setup.memory[r].memory;
            const std::string cpu = memory.substr(0, memory.rfind('.'));
            for (const std::string& gpu : setup.gpus) {
                const std::string bdf = gpu_bdf(scenario.topology, gpu);
                ViewCheck aperture{fmt::format("{}/{}", setup.name, memory), gpu, "EGM aperture", true, {}};
                ViewCheck dma{aperture.region, gpu, "DMA map", true, {}};
                const std::uint64_t egm_base = machine.plan().dram.at(cpu).carveout.begin.value;
                const auto seen = [&](const models::Leg& leg, std::uint64_t offset) {
                    return leg.mapping->at(offset)->address + (leg.aperture == models::Aperture::kEgm ? egm_base : 0);
                };
                const bool local_egm = region.pxm >= 0 && home_cpu(scenario.topology, gpu) == cpu;
                const std::uint32_t space = 0;
                const GuestMapping vcpu(space, models::Mapping::Tables::kOwn, host.kernel(v),
                                        GuestMapping::Stage2::kKvm, vm.vm_fd(), "", region.ipa,
                                        scenario.software.guest_page_bytes);
                const GuestMapping device(space, models::Mapping::Tables::kSmmu, host.kernel(v),
                                          GuestMapping::Stage2::kSmmu, vm.vm_fd(), bdf, region.ipa,
                                          scenario.software.guest_page_bytes);
                // What the guest's GPU driver computes: guest address minus the EGM base it was told.
                const LinearMapping offsets(space, models::Mapping::Tables::kOwn, 0, 0, 2 * egm::kMiB);
                models::Leg by_cpu;
                by_cpu.write = true;
                by_cpu.mapping = &vcpu;
                by_cpu.memory = by_cpu.destination = static_cast<std::uint16_t>(memory_at(scenario.topology, cpu));
                models::Leg by_dma = by_cpu;
                by_dma.write = false;
                by_dma.mapping = &device;
                models::Leg by_gpu = by_dma;
                by_gpu.mapping = &offsets;
                by_gpu.aperture = models::Aperture::kEgm;
                for (const std::uint64_t offset : probes(region)) {
                    const std::uint64_t address = (region.ipa + offset).value;
                    Pattern written = pattern(address);
                    if (!machine.cpu(cpu).cores->access_bytes(by_cpu, offset, written.data(), written.size())) {
                        dma.agree = aperture.agree = false;
                        dma.detail = aperture.detail =
                            fmt::format("no stage-2 mapping at guest address {:#x}", address);
                        break;
                    }
                    const auto compare = [&](const models::Leg& leg, ViewCheck& check) {
                        Pattern read{};
                        if (!machine.gpu(gpu).sm->access_bytes(leg, offset, read.data(), read.size())) {
                            check.agree = false;
                            check.detail = fmt::format("nothing is mapped at {:#x}", address);
                        } else if (read != written && check.agree) {
                            check.agree = false;
                            check.detail =
                                fmt::format("at guest address {:#x} the CPU wrote SPA {:#x} and the GPU read SPA {:#x}",
                                            address, vcpu.at(offset)->address, seen(leg, offset));
                        }
                    };
                    if (local_egm) {
                        compare(by_gpu, aperture);
                    }
                    if (region.dma_mapped) {
                        compare(by_dma, dma);
                    }
                }
                if (local_egm) {
                    if (!aperture.agree && region.file_offset != 0) {
                        aperture.detail +=
                            fmt::format("; the region begins at carveout offset {:#x}, not 0", region.file_offset);
                    }
                    checks.push_back(std::move(aperture));
                }
                if (region.dma_mapped) {
                    checks.push_back(std::move(dma));
                }
            }
        }
    }
    return checks;
}

} // namespace sim
