#include "egm/machine_survey.h"

#include <algorithm>
#include <charconv>

#include "egm/address.h"
#include "egm/carveout.h"
#include "egm/sysfs.h"

namespace egm {
namespace {

constexpr unsigned kGb300 = 0x31C2; // Linux drivers/vfio/pci/nvgrace-gpu/main.c, its table of device ids

/// "0x2941" as a number; 0 for anything else.
unsigned parse_device_id(std::string_view text) {
    unsigned id = 0;
    if (!text.starts_with("0x"))
        return 0;
    const auto [end, error] = std::from_chars(text.data() + 2, text.data() + text.size(), id, 16);
    return error == std::errc() && end == text.data() + text.size() ? id : 0;
}

/// Linux links each device to its IOMMU (`iommu_device_link`, drivers/iommu/iommu-sysfs.c).
SurveyedGpu look_at(Syscalls& syscalls, const std::string& bdf) {
    const std::string device = "/sys/bus/pci/devices/" + bdf;
    SurveyedGpu gpu;
    if (const auto id = read_text(syscalls, device + "/device"))
        gpu.device_id = parse_device_id(*id);
    std::string target;
    if (syscalls.readlink((device + "/iommu").c_str(), target) == 0)
        gpu.smmu = target.substr(target.rfind('/') + 1);
    if (gpu.smmu.empty())
        gpu.smmu = "segment " + bdf.substr(0, bdf.find(':'));
    return gpu;
}

} // namespace

std::uint64_t SurveyedGpu::mmio_bytes() const { return device_id == kGb300 ? 2 * kTiB : kTiB; }

Result<MachineSurvey> survey(Syscalls& syscalls) {
    MachineSurvey machine{.page_size = syscalls.page_size()};
    auto carveouts = discover(syscalls);
    if (!carveouts)
        return fail(carveouts.error());
    machine.carveouts = std::move(*carveouts);
    for (const CarveoutInfo& carveout : machine.carveouts)
        for (const std::string& bdf : carveout.gpu_bdfs)
            machine.gpus.emplace(bdf, look_at(syscalls, bdf));
    return machine;
}

Result<void> survey_retired(Syscalls& syscalls, MachineSurvey& machine) {
    std::map<int, std::vector<RetiredRange>> found;
    for (const CarveoutInfo& info : machine.carveouts) {
        auto carveout = Carveout::open(syscalls, info);
        if (!carveout)
            return fail(carveout.error());
        auto retired = (*carveout)->retired();
        if (!retired)
            return fail(retired.error());
        found.emplace(info.pxm, std::move(*retired));
    }
    machine.retired = std::move(found);
    return {};
}

const CarveoutInfo* find_carveout(const std::vector<CarveoutInfo>& carveouts, int pxm) {
    const auto found = std::find_if(carveouts.begin(), carveouts.end(),
                                    [&](const CarveoutInfo& carveout) { return carveout.pxm == pxm; });
    return found == carveouts.end() ? nullptr : &*found;
}

const CarveoutInfo* carveout_of(const std::vector<CarveoutInfo>& carveouts, const std::string& bdf) {
    const auto found = std::find_if(carveouts.begin(), carveouts.end(), [&](const CarveoutInfo& carveout) {
        return std::find(carveout.gpu_bdfs.begin(), carveout.gpu_bdfs.end(), bdf) != carveout.gpu_bdfs.end();
    });
    return found == carveouts.end() ? nullptr : &*found;
}

} // namespace egm
