#include "sim/host.h"

#include <algorithm>

#include <fmt/format.h>
#include <systemc>

#include "sim/host_kernel.h"

namespace sim {

namespace {
/// "grace0" of "grace0.egm".
std::string part_of(const std::string& memory) { return memory.substr(0, memory.rfind('.')); }
} // namespace

class HostOs::SystemcClock final : public models::linux::Clock {
public:
    void pass(std::uint64_t picoseconds) override {
        if (picoseconds != 0) {
            sc_core::wait(sc_core::sc_time::from_value(picoseconds));
        }
    }
};

class HostOs::Recorder final : public egm::StepListener {
public:
    Recorder(std::string vm, std::vector<BringUpStep>& steps) : vm_(std::move(vm)), steps_(steps) {}

    void begin(std::string_view step, std::string_view object) override {
        began_ = sc_core::sc_time_stamp().value();
        step_ = step;
        object_ = object;
    }
    void end() override { steps_.push_back({vm_, step_, object_, sc_core::sc_time_stamp().value() - began_}); }

private:
    std::string vm_;
    std::vector<BringUpStep>& steps_;
    models::Picoseconds began_ = 0;
    std::string step_;
    std::string object_;
};

HostOs::HostOs(const Scenario& scenario, const AddressPlan& plan, const StoreOfNode& store)
    : scenario_(scenario), plan_(plan), clock_(std::make_unique<SystemcClock>()) {
    for (const VmSetup& vm : scenario.software.vms) {
        const std::string node = node_of(scenario.topology, vm);
        auto& kernel = kernels_[node];
        if (kernel == nullptr) {
            kernel =
                std::make_unique<models::linux::SimSyscalls>(host_kernel(scenario, plan, node), *clock_, store(node));
        }
        kernel_of_.push_back(kernel.get());
    }
}

HostOs::~HostOs() = default;

egm::Result<void> HostOs::bring_up() {
    for (const FaultSetup& fault : scenario_.software.faults) {
        if (fault.kind == FaultSetup::Kind::kFailCall) {
            kernel(0).fail_call(fault.call_number, fault.error_number); // counted on the node of the first VM
        }
    }
    for (std::size_t i = 0; i < kernel_of_.size(); ++i) {
        if (auto done = bring_up_one(scenario_.software.vms[i], kernel(i)); !done) {
            shut_down();
            return done;
        }
    }
    if (kernel_of_.empty()) {
        return {};
    }
    if (const std::uint64_t late = kernel().disarm(); late > 0 && !reports_.empty()) { // else it would hit the shutdown
        reports_.back().notes.push_back(fmt::format(
            "fault: call {} was to fail, but the bring-up made {} calls only: nothing failed", late, kernel().calls()));
    }
    return {};
}

egm::Result<void> HostOs::bring_up_one(const VmSetup& setup, models::linux::SimSyscalls& kernel) {
    egm::VmRequest request;
    request.name = setup.name;
    request.vcpus = setup.vcpus;
    request.enforce_offset_zero = setup.enforce_offset_zero;
    request.block_alignment = setup.block_alignment;
    switch (scenario_.software.iommu) {
    case IommuBackend::kType1:
        request.iommu = egm::IommuMode::kType1;
        break;
    case IommuBackend::kIommufdStrict:
        request.iommu = egm::IommuMode::kIommufdStrict;
        break;
    case IommuBackend::kIommufdTolerant:
        request.iommu = egm::IommuMode::kIommufdTolerant;
        break;
    }
    for (const RegionSetup& region : setup.memory) {
        const auto dram = plan_.dram.find(part_of(region.memory));
        if (region.memory.ends_with(".egm")) {
            request.regions.push_back({dram->second.pxm, region.size_bytes, region.file_offset});
        } else {
            request.legacy_memory_bytes += region.size_bytes;
        }
    }
    for (const std::string& gpu : setup.gpus) {
        request.gpu_bdfs.push_back(gpu_bdf(scenario_.topology, gpu));
    }
    Recorder recorder(setup.name, steps_);
    const auto began = sc_core::sc_time_stamp().value();
    auto vm = egm::bring_up(kernel, request, recorder);
    if (!vm) {
        return egm::fail(vm.error());
    }
    const auto took = sc_core::sc_time_stamp().value() - began;
    machines_.push_back(std::move(*vm));
    reports_.push_back(report(setup, machines_.back(), kernel));
    reports_.back().bring_up_time = took;
    return {};
}

VmReport HostOs::report(const VmSetup& setup, const egm::VirtualMachine& vm, models::linux::SimSyscalls& kernel) {
    VmReport report{setup.name, setup.gpus, {}, vm.dma_notes(), 0};
    const models::linux::CallCosts& costs = kernel.costs();
    for (std::size_t i = 0; i < vm.regions().size(); ++i) {
        const egm::GuestRegion& region = vm.regions()[i];
        RegionReport line;
        line.cpu = part_of(setup.memory[i].memory);
        line.pxm = region.pxm;
        line.file_offset = region.file_offset;
        line.size = region.size;
        line.hva = region.hva;
        line.ipa = region.ipa;
        if (const auto first = kernel.stage2(vm.vm_fd(), region.ipa)) {
            line.spa = first->spa;
        }
        line.blocks = kernel.stage2_blocks(vm.vm_fd(), region.ipa);
        for (const auto& [block, count] : line.blocks) {
            line.stage2_faults += count;
        }
        line.first_touch = line.stage2_faults * costs.stage2_fault_ps;
        line.why_not_larger = region.why_not_larger;
        line.losses = region.losses;
        line.dma_mapped = region.dma_mapped;
        report.regions.push_back(std::move(line));
    }
    return report;
}

bool HostOs::shut_down() {
    while (!machines_.empty()) {
        machines_.pop_back();
    }
    return std::all_of(kernels_.begin(), kernels_.end(), [](const auto& kernel) {
        return kernel.second->open_state() == models::linux::SimSyscalls::OpenState{};
    });
}

} // namespace sim
