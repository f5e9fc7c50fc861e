#include "egm/tray_plan.h"

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>

#include <fmt/format.h>

#include "egm/address.h"
#include "egm/errors.h"
#include "egm/plan_notes.h"

namespace egm {
namespace {

/// The request with everything that it says of "all" written out.
VmRequest written_out(const TrayVm& vm, Sharing policy, const MachineSurvey& machine) {
    VmRequest request = vm.request;
    request.enforce_offset_zero = policy != Sharing::kRegionsPerCarveout;
    request.require_all_gpus = policy != Sharing::kRegionsPerCarveout;
    if (vm.all_carveouts) {
        request.regions.clear();
        for (const CarveoutInfo& carveout : machine.carveouts)
            request.regions.push_back({.pxm = carveout.pxm});
    }
    if (vm.all_gpus) {
        request.gpu_bdfs.clear();
        for (const RegionRequest& region : request.regions)
            if (const CarveoutInfo* carveout = find_carveout(machine.carveouts, region.pxm))
                request.gpu_bdfs.insert(request.gpu_bdfs.end(), carveout->gpu_bdfs.begin(), carveout->gpu_bdfs.end());
    }
    for (RegionRequest& region : request.regions)
        region.anywhere = policy == Sharing::kRegionsPerCarveout && region.file_offset == 0;
    return request;
}

/// What a region must keep to. Who may have which carveout is checked here, so that each fault is told with its place.
AllocationPolicy rules(Sharing policy) {
    return policy == Sharing::kRegionsPerCarveout ? AllocationPolicy::base_per_vm() : AllocationPolicy{};
}

class TrayPlanner {
public:
    TrayPlanner(const TrayRequest& request, const MachineSurvey& machine)
        : request_(request), policy_(request.policy), machine_(machine),
          allocator_(machine.carveouts, machine.page_size, rules(request.policy)) {
        for (const TrayVm& vm : request.vms)
            requests_.push_back(written_out(vm, policy_, machine_));
        for (const auto& [pxm, ranges] : machine.retired)
            if (find_carveout(machine.carveouts, pxm) != nullptr)
                allocator_.set_retired(pxm, ranges);
    }

    tl::expected<TrayPlan, std::vector<PlanFault>> plan() {
        check_names();
        check_policy();
        check_gpu_owners();
        TrayPlan plan{.policy = policy_, .page_size = machine_.page_size};
        for (std::size_t vm = 0; vm < requests_.size(); ++vm) {
            if (request_.vms[vm].all_carveouts && machine_.carveouts.empty()) {
                refuse(vm, "this machine has no EGM carveout (\"egmctl doctor\" says what EGM needs): give the VM "
                           "ordinary memory");
                continue;
            }
            std::vector<PlanFault> faults;
            const VmShare share = take_share(requests_[vm], machine_.carveouts, machine_.page_size, allocator_, faults);
            if (faults.empty())
                plan.vms.push_back(complete(requests_[vm], share, faults));
            for (PlanFault& fault : faults)
                add(vm, std::move(fault));
        }
        if (!faults_.empty())
            return tl::unexpected(std::move(faults_));
        describe_carveouts(plan);
        for (PlannedVm& vm : plan.vms)
            vm.notes = plan_notes(vm, plan, machine_);
        return plan;
    }

private:
    void add(std::size_t vm, PlanFault fault) {
        // The allocator says it of each region; it was said of the GPU itself.
        if (fault.error.error_number == EBUSY && contested_)
            return;
        fault.vm = vm;
        faults_.push_back(std::move(fault));
    }

    void refuse(std::size_t vm, std::string why, int region = -1) {
        faults_.push_back(
            {.error = rule_error("plan tray", requests_[vm].name, std::move(why)), .vm = vm, .region = region});
    }

    void check_names() {
        std::set<std::string> names;
        for (std::size_t vm = 0; vm < requests_.size(); ++vm)
            if (!names.insert(requests_[vm].name).second)
                refuse(vm, "another VM has the same name");
    }

    void check_policy() {
        switch (policy_) {
        case Sharing::kWholeTray:
            return check_whole_tray();
        case Sharing::kVmPerSocket:
            return check_vm_per_socket();
        case Sharing::kRegionsPerCarveout:
            return;
        }
    }

    void check_whole_tray() {
        for (std::size_t vm = 0; vm < requests_.size(); ++vm) {
            const VmRequest& request = requests_[vm];
            if (request.regions.empty())
                continue; // ordinary memory: the tray's EGM is not concerned
            if (vm > 0)
                refuse(vm, "the policy whole-tray gives everything to one VM: leave one, or choose another policy");
            for (const CarveoutInfo& carveout : machine_.carveouts)
                if (std::none_of(request.regions.begin(), request.regions.end(),
                                 [&](const RegionRequest& region) { return region.pxm == carveout.pxm; }))
                    refuse(vm, fmt::format("the policy whole-tray gives every carveout to this VM: add egm{}, or "
                                           "choose another policy",
                                           carveout.pxm));
        }
    }

    void check_vm_per_socket() {
        std::map<int, std::string> owner;
        for (std::size_t vm = 0; vm < requests_.size(); ++vm) {
            const VmRequest& request = requests_[vm];
            if (request.regions.size() > 1)
                refuse(vm, "the policy vm-per-socket gives a VM one carveout: leave one, or choose another policy", 1);
            for (std::size_t i = 0; i < request.regions.size(); ++i) {
                const auto [entry, first] = owner.emplace(request.regions[i].pxm, request.name);
                if (!first && entry->second != request.name)
                    refuse(vm,
                           fmt::format("carveout egm{} belongs to {}: the policy vm-per-socket does not share it",
                                       request.regions[i].pxm, entry->second),
                           int(i));
            }
        }
    }

    void check_gpu_owners() {
        std::map<std::string, std::string> owner;
        for (std::size_t vm = 0; vm < requests_.size(); ++vm) {
            const std::vector<std::string>& bdfs = requests_[vm].gpu_bdfs;
            for (std::size_t i = 0; i < bdfs.size(); ++i) {
                const auto [entry, first] = owner.emplace(bdfs[i], requests_[vm].name);
                if (first || entry->second == requests_[vm].name)
                    continue;
                contested_ = true;
                faults_.push_back(
                    {.error = {EBUSY, "plan VM", requests_[vm].name, "GPU " + bdfs[i] + " belongs to " + entry->second},
                     .vm = vm,
                     .gpu = int(i)});
            }
        }
    }

    PlannedVm complete(const VmRequest& request, const VmShare& share, std::vector<PlanFault>& faults) const {
        PlannedVm vm{.request = request};
        GuestLayoutRequest wanted{.gpus = share.gpus, .vcpus = request.vcpus};
        for (GuestGpuRequest& gpu : wanted.gpus)
            if (const auto surveyed = machine_.gpus.find(gpu.bdf); surveyed != machine_.gpus.end())
                gpu.mmio_bytes = surveyed->second.mmio_bytes();
        for (const PlannedRegion& planned : share.regions) {
            vm.nodes.push_back({.planned = planned, .retired = retired_in(planned.region)});
            wanted.nodes.push_back({planned.region.size, planned.region.file_offset, vm.nodes.back().retired});
        }
        if (share.regions.empty()) {
            wanted.ram_base = kLegacyGuestRamBase;
            wanted.nodes.push_back({.size = request.legacy_memory_bytes});
        }
        vm.layout = lay_out_guest(wanted);
        for (std::size_t i = 0; i < vm.nodes.size(); ++i)
            judge_blocks(vm.nodes[i], vm.layout.nodes[i].ram.begin);
        if (auto buses = arrange_gpus(vm.layout, machine_, request.name))
            vm.buses = std::move(*buses);
        else
            faults.push_back({.error = buses.error()});
        return vm;
    }

    std::vector<RetiredRange> retired_in(const Region& region) const {
        const auto known = machine_.retired.find(region.pxm);
        return known == machine_.retired.end() ? std::vector<RetiredRange>{}
                                               : clip(known->second, region.file_offset, region.size);
    }

    void judge_blocks(PlannedNode& node, Ipa ipa) const {
        const Region& region = node.planned.region;
        // The VM monitor maps at an address that equals the offset in the carveout, modulo the largest block.
        const SlotPlacement slot{.page_size = machine_.page_size,
                                 .hva = Hva{region.file_offset},
                                 .ipa = ipa,
                                 .file_offset = region.file_offset,
                                 .size = region.size};
        const BlockVerdict verdict = egm::largest_block(slot);
        node.largest_block = verdict.block;
        node.why_not_larger = verdict.why_not_larger;
        node.blocks = block_histogram(slot);
    }

    void describe_carveouts(TrayPlan& plan) const {
        std::set<std::string> busy;
        for (const VmRequest& request : requests_)
            busy.insert(request.gpu_bdfs.begin(), request.gpu_bdfs.end());
        for (const CarveoutInfo& info : machine_.carveouts) {
            PlannedCarveout carveout{.info = info,
                                     .losses = allocator_.losses(info.pxm),
                                     .retired_known = machine_.retired.contains(info.pxm)};
            for (const auto& [id, region] : allocator_.regions())
                if (region.pxm == info.pxm)
                    carveout.owners.push_back(region.owner);
            plan.carveouts.push_back(std::move(carveout));
            for (const std::string& bdf : info.gpu_bdfs)
                if (!busy.contains(bdf))
                    plan.idle_gpus.push_back(bdf);
        }
    }

    const TrayRequest& request_;
    const Sharing policy_;
    const MachineSurvey& machine_;
    RegionAllocator allocator_;
    std::vector<VmRequest> requests_;
    std::vector<PlanFault> faults_;
    bool contested_ = false; ///< some GPU is in two VMs
};

} // namespace

const char* to_string(Sharing policy) {
    switch (policy) {
    case Sharing::kWholeTray:
        return "whole-tray";
    case Sharing::kVmPerSocket:
        return "vm-per-socket";
    case Sharing::kRegionsPerCarveout:
        return "shared";
    }
    return "";
}

tl::expected<TrayPlan, std::vector<PlanFault>> plan_tray(const TrayRequest& request, const MachineSurvey& machine) {
    return TrayPlanner(request, machine).plan();
}

} // namespace egm
