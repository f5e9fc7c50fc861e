#include "tests/contract/sim/sim_world.h"

namespace contract {

namespace {

constexpr int kGroup = 3;
constexpr egm::Spa kCarveout{0x1000'0000'0000};
constexpr std::uint64_t kCarveoutBytes = 16 * egm::kMiB;
constexpr std::uint64_t kRetired[] = {0x10000, 0xFF0000}; ///< offsets of 64 KiB blocks

Facts facts_of(Arch arch, int version, std::uint64_t page_size) {
    Facts facts;
    facts.arch = arch;
    facts.version = version;
    facts.page_size = page_size;
    facts.facilities = kType1;
    facts.device_bdf = "0000:00:01.0";
    facts.group_path = "/dev/vfio/" + std::to_string(kGroup);
    if (version >= 602) { // iommufd came with Linux 6.2
        facts.facilities |= kIommufd;
        facts.device_path = "/dev/vfio/devices/vfio0";
    }
    if (arch == Arch::kArm64) {
        facts.facilities |= kEgm | kKvm;
        facts.egm_path = "/dev/egm4";
        facts.egm_name = "egm4";
        facts.egm_size = kCarveoutBytes;
        facts.egm_retired_blocks = std::size(kRetired);
    }
    return facts;
}

models::linux::KernelConfig config_of(const Facts& facts) {
    models::linux::KernelConfig config;
    config.arch = facts.arch == Arch::kArm64 ? models::linux::HostArch::kArm64 : models::linux::HostArch::kX86;
    config.version = facts.version;
    config.page_size = facts.page_size;
    config.host_memory = {{{0x8000'0000}, egm::kGiB}};
    config.plain_devices = {{.bdf = facts.device_bdf, .iommu_group = kGroup, .vfio_index = 0}};
    if ((facts.facilities & kEgm) != 0) {
        config.gpus = {{.bdf = "0008:01:00.0", // firmware describes a carveout at a GPU
                        .iommu_group = kGroup + 1,
                        .vfio_index = 1,
                        .device_id = 0x2941,
                        .hbm = {{0x2000'0000'0000}, 4 * egm::kGiB}}};
        config.carveouts = {{.pxm = 4, .range = {kCarveout, kCarveoutBytes}, .gpu_bdfs = {config.gpus[0].bdf}}};
        for (const std::uint64_t offset : kRetired)
            config.carveouts[0].retired.push_back(kCarveout + offset);
    }
    return config;
}

} // namespace

SimWorld::SimWorld(Arch arch, int version, std::uint64_t page_size)
    : facts_(facts_of(arch, version, page_size)), sys_(config_of(facts_), clock_, bytes_) {}

bool SimWorld::load(std::uint64_t address, void* into, std::size_t size) {
    const auto at = sys_.host({address});
    if (!at)
        return false;
    bytes_.read(at->spa, into, size);
    return true;
}

bool SimWorld::store(std::uint64_t address, const void* from, std::size_t size) {
    const auto at = sys_.host({address});
    if (!at)
        return false;
    bytes_.write(at->spa, from, size);
    return true;
}

} // namespace contract
