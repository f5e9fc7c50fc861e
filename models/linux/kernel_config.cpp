#include "models/linux/kernel_config.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

namespace models::linux {

namespace {

constexpr std::uint64_t kRetiredBlock = 64 * egm::kKiB;

class Faults {
public:
    void unless(bool holds, std::string sentence) {
        if (!holds) {
            sentences.push_back(std::move(sentence));
        }
    }
    std::vector<std::string> sentences;
};

void check_carveout(const KernelConfig& config, const CarveoutConfig& carveout, Faults& faults) {
    const std::string name = fmt::format("egm{}", carveout.pxm);
    faults.unless(carveout.range.size > 0, name + ": the carveout is empty");
    faults.unless(egm::is_aligned(carveout.range.begin.value | carveout.range.size, kRetiredBlock),
                  name + ": base and size must be multiples of 64 KiB");
    for (const egm::Spa block : carveout.retired) {
        faults.unless(egm::is_aligned(block.value, kRetiredBlock),
                      fmt::format("{}: retired block {:#x} is not a multiple of 64 KiB", name, block.value));
    }
    for (const std::string& bdf : carveout.gpu_bdfs) {
        const bool known =
            std::any_of(config.gpus.begin(), config.gpus.end(), [&](const GpuConfig& gpu) { return gpu.bdf == bdf; });
        faults.unless(known, fmt::format("{}: there is no GPU {}", name, bdf));
    }
}

void check_carveouts(const KernelConfig& config, Faults& faults) {
    if (config.carveouts.empty()) {
        return;
    }
    faults.unless(config.arch == HostArch::kArm64, "an x86 host has no EGM carveout");
    std::set<int> pxms;
    for (const CarveoutConfig& carveout : config.carveouts) {
        check_carveout(config, carveout, faults);
        faults.unless(pxms.insert(carveout.pxm).second, fmt::format("egm{} is there twice", carveout.pxm));
    }
    faults.unless(*pxms.begin() >= 0, "a proximity domain is not negative");
}

/// Whether a PCI address and a VFIO index are the device's own.
class Names {
public:
    void check(const char* kind, const std::string& bdf, int vfio_index, Faults& faults) {
        faults.unless(!bdf.empty() && bdfs_.insert(bdf).second, fmt::format("{} {} is there twice", kind, bdf));
        faults.unless(vfio_index >= 0 && indices_.insert(vfio_index).second,
                      fmt::format("{} {}: vfio index is taken", kind, bdf));
    }

private:
    std::set<std::string> bdfs_;
    std::set<int> indices_;
};

void check_devices(const KernelConfig& config, Faults& faults) {
    Names names;
    for (const PlainDeviceConfig& device : config.plain_devices) {
        names.check("device", device.bdf, device.vfio_index, faults);
    }
    for (const GpuConfig& gpu : config.gpus) {
        names.check("GPU", gpu.bdf, gpu.vfio_index, faults);
        faults.unless(egm::is_aligned(gpu.hbm.begin.value | gpu.hbm.size, config.page_size),
                      fmt::format("GPU {}: its memory is not made of whole host pages", gpu.bdf));
        faults.unless(!gpu.coherent || gpu.hbm.size >= 3 * egm::kGiB / 2,
                      fmt::format("GPU {}: nvgrace-gpu needs 1.5 GiB of memory or more", gpu.bdf));
        faults.unless(gpu.active_timeout_code <= 4, fmt::format("GPU {}: its DVSEC has timeout codes 0 to 4", gpu.bdf));
        faults.unless(gpu.ready_after_s >= 0 && gpu.info_valid_after_s >= 0,
                      fmt::format("GPU {}: ready_after_s is negative", gpu.bdf));
    }
}

} // namespace

std::vector<std::string> faults(const KernelConfig& config) {
    Faults faults;
    const auto page = config.page_size;
    if (page != 4 * egm::kKiB && page != 16 * egm::kKiB && page != 64 * egm::kKiB) {
        return {"the page size must be 4, 16 or 64 KiB"};
    }
    faults.unless(config.arch == HostArch::kArm64 || page == 4 * egm::kKiB, "an x86 host has pages of 4 KiB");
    faults.unless(config.costs.scrub_bytes_per_second > 0, "the scrub rate must be positive");
    faults.unless(config.costs.gpu_poll_ps > 0 && config.costs.gpu_dvsec_poll_ps > 0,
                  "the GPU poll interval must be positive");
    faults.unless(config.nofile_limit > 3 && config.map_count_max > 0, "the process limits leave no room");
    faults.unless(config.ipa_bits_max >= 32 && config.ipa_bits_max <= 52, "guest addresses have 32 to 52 bits");
    faults.unless(config.iova_bits >= 39 && config.iova_bits <= 48, "VT-d has IOVAs of 39 to 48 bits");
    for (const auto& file : config.shared_memory_files) {
        faults.unless(file.path.starts_with("/") && file.size > 0 && egm::is_aligned(file.size, page),
                      fmt::format("shared memory \"{}\": an absolute path and whole pages are needed", file.path));
    }
    for (const auto& range : config.host_memory) {
        faults.unless(egm::is_aligned(range.begin.value | range.size, page), "host memory must be whole pages");
    }
    check_carveouts(config, faults);
    check_devices(config, faults);
    return faults.sentences;
}

bool has_iommufd(const KernelConfig& config) { return config.iommufd && config.version >= 602; }
bool has_vfio_cdev(const KernelConfig& config) { return has_iommufd(config) && config.version >= 606; }

std::vector<IovaRange> iova_ranges(const KernelConfig& config) {
    constexpr std::uint64_t kLast = (1ull << 48) - 1;
    if (config.arch == HostArch::kArm64) {
        return {{{0}, {0x07FF'FFFF}}, {{0x0810'0000}, {kLast}}};
    }
    return {{{0}, {0xFEDF'FFFF}}, {{0xFEF0'0000}, {(1ull << config.iova_bits) - 1}}};
}

} // namespace models::linux
