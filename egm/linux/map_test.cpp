#include "egm/linux/map_test.h"

#include <fmt/format.h>

#include "egm/bring_up.h"

namespace egm {
namespace {

/// Notes how long each step takes.
class Stopwatch final : public StepListener {
public:
    Stopwatch(const Machine& machine, std::vector<TimedStep>& steps) : machine_(machine), steps_(steps) {}

    void begin(std::string_view step, std::string_view object) override {
        steps_.push_back({std::string(step), std::string(object), 0});
        began_ = machine_.now();
    }
    void end() override { steps_.back().picoseconds = machine_.now() - began_; }

private:
    const Machine& machine_;
    std::vector<TimedStep>& steps_;
    std::uint64_t began_ = 0;
};

} // namespace

MapTestReport map_test(Machine& machine, const CarveoutInfo& carveout, std::optional<IommuMode> mode) {
    MapTestReport report;
    report.carveout = carveout;
    report.iommu = mode ? to_string(*mode) : "none";
    VmRequest request;
    request.name = "map-test";
    request.regions = {{.pxm = carveout.pxm}};
    request.require_all_gpus = mode.has_value();
    if (mode) {
        request.gpu_bdfs = carveout.gpu_bdfs;
        request.iommu = *mode;
    }
    Stopwatch stopwatch(machine, report.steps);
    {
        auto vm = bring_up(machine.syscalls(), request, stopwatch);
        if (vm) {
            report.region = vm->regions().front();
            report.notes = vm->dma_notes();
            stopwatch.begin("verify memory", carveout.device_path);
            report.memory = check_memory(machine, *report.region);
            report.views = check_views(machine, *vm, *report.region);
            stopwatch.end();
            stopwatch.begin("undo", request.name);
        } else {
            report.error = vm.error(); // undone already, on the way out of the bring-up
        }
    }
    if (!report.error)
        stopwatch.end();
    report.left = machine.held();
    return report;
}

} // namespace egm
