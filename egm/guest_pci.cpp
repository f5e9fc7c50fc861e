#include "egm/guest_pci.h"

#include <algorithm>

#include "egm/errors.h"

namespace egm {
namespace {

constexpr int kBusNumbers = 256;
/// What products leave between expander buses: 32, 64, 96 ... Source: kata-containers pull request 13403.
constexpr int kSpacingMax = 32;

} // namespace

Result<std::vector<GuestExpanderBus>> arrange_gpus(const GuestLayout& layout, const MachineSurvey& machine,
                                                   const std::string& object) {
    std::vector<GuestExpanderBus> buses;
    for (std::size_t i = 0; i < layout.gpus.size(); ++i) {
        const GuestGpu& gpu = layout.gpus[i];
        const auto surveyed = machine.gpus.find(gpu.bdf);
        const std::string smmu = surveyed != machine.gpus.end() ? surveyed->second.smmu : gpu.bdf;
        auto bus = std::find_if(buses.begin(), buses.end(),
                                [&](const GuestExpanderBus& candidate) { return candidate.smmu == smmu; });
        if (bus == buses.end())
            bus = buses.insert(buses.end(), {.node = std::max(gpu.egm_pxm, 0), .smmu = smmu});
        bus->gpus.push_back(i);
    }
    const int spacing = std::min(kSpacingMax, kBusNumbers / (int(buses.size()) + 1));
    for (std::size_t i = 0; i < buses.size(); ++i) {
        buses[i].bus_number = spacing * (int(i) + 1);
        if (int(buses[i].gpus.size()) >= spacing)
            return fail(rule_error("plan VM", object,
                                   "a guest has 256 PCI bus numbers, too few for its GPUs: give it fewer GPUs"));
    }
    return buses;
}

} // namespace egm
