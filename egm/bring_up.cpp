#include "egm/bring_up.h"

#include <algorithm>
#include <cassert>

#include "egm/discovery.h"
#include "egm/virtual_machine_state.h"
#include "egm/vm_plan.h"

namespace egm {
namespace {

/// Tells the listener about one step, also when it fails.
class Step {
public:
    Step(StepListener& listener, std::string_view step, std::string_view object) : listener_(listener) {
        listener_.begin(step, object);
    }
    Step(const Step&) = delete;
    ~Step() { listener_.end(); }

private:
    StepListener& listener_;
};

} // namespace

/// One bring-up. Each member function is a stage; they run in the order of `run`.
class BringUp {
public:
    BringUp(Syscalls& syscalls, const VmRequest& request, StepListener& listener)
        : syscalls_(syscalls), listener_(listener), state_(std::make_unique<VirtualMachine::State>()) {
        state_->request = request;
    }

    Result<VirtualMachine> run() {
        using Stage = Result<void> (BringUp::*)();
        for (const Stage stage :
             {&BringUp::plan, &BringUp::open_carveouts, &BringUp::query_retired, &BringUp::map_memory,
              &BringUp::lay_out, &BringUp::open_gpus, &BringUp::create_vm, &BringUp::set_slots, &BringUp::map_dma})
            if (auto done = (this->*stage)(); !done)
                return fail(done.error());
        return VirtualMachine(std::move(state_));
    }

private:
    const VmRequest& request() const { return state_->request; }
    bool legacy() const { return request().regions.empty(); }

    Result<void> plan() {
        std::vector<CarveoutInfo> carveouts;
        {
            const Step step(listener_, "discover", "/sys/class/egm");
            auto found = discover(syscalls_);
            if (!found)
                return fail(found.error());
            carveouts = std::move(*found);
        }
        const Step step(listener_, "plan VM", request().name);
        auto plan = plan_vm(request(), carveouts, syscalls_.page_size());
        if (!plan)
            return fail(plan.error());
        plan_.emplace(std::move(*plan));
        return {};
    }

    Result<void> open_carveouts() {
        for (const PlannedRegion& planned : plan_->regions) {
            const Step step(listener_, "open carveout", planned.carveout.device_path);
            auto carveout = Carveout::open(syscalls_, planned.carveout);
            if (!carveout)
                return fail(carveout.error());
            state_->carveouts.push(std::move(*carveout));
        }
        return {};
    }

    Result<void> query_retired() {
        for (std::size_t i = 0; i < plan_->regions.size(); ++i) {
            const PlannedRegion& planned = plan_->regions[i];
            const Step step(listener_, "query retired pages", planned.carveout.device_path);
            auto retired = state_->carveouts[i]->retired();
            if (!retired)
                return fail(retired.error());
            const Region& region = planned.region;
            state_->regions.push_back({.pxm = region.pxm,
                                       .file_offset = region.file_offset,
                                       .size = region.size,
                                       .retired = clip(*retired, region.file_offset, region.size)});
            plan_->allocator.set_retired(region.pxm, std::move(*retired));
            state_->regions.back().losses = plan_->allocator.losses(region.pxm);
        }
        return {};
    }

    /// The largest block, or exactly the alignment that was asked for: equal to it modulo its double.
    Placement placement() const {
        const std::uint64_t largest = block_size_max(syscalls_.page_size());
        const std::uint64_t wanted = request().block_alignment;
        if (wanted == 0 || wanted >= largest)
            return {.alignment = std::max(wanted, largest), .phase = 0};
        return {.alignment = 2 * wanted, .phase = wanted};
    }

    Result<void> map_memory() {
        const Placement where = placement();
        if (legacy()) {
            const std::string name = request().name + "/memory";
            const Step step(listener_, "map memory", name);
            auto range = map_placed(syscalls_, -1, 0, request().legacy_memory_bytes, where, name);
            if (!range)
                return fail(range.error());
            state_->regions.push_back({.size = range->size(), .hva = range->hva()});
            state_->mappings.push({std::move(*range), 0});
            return {};
        }
        for (std::size_t i = 0; i < plan_->regions.size(); ++i) {
            const Step step(listener_, "map carveout", plan_->regions[i].name);
            GuestRegion& region = state_->regions[i];
            auto mapping = state_->carveouts[i]->map(region.file_offset, region.size, where.alignment, where.phase);
            if (!mapping)
                return fail(mapping.error());
            region.hva = mapping->hva();
            state_->mappings.push(std::move(*mapping));
        }
        return {};
    }

    Result<void> lay_out() {
        const Step step(listener_, "lay out guest memory", request().name);
        GuestLayoutRequest wanted{.gpus = plan_->gpus, .ram_base = legacy() ? kLegacyGuestRamBase : kGuestRamBase};
        for (const GuestRegion& region : state_->regions)
            wanted.nodes.push_back({region.size, region.file_offset, region.retired});
        state_->layout = lay_out_guest(wanted);

        for (std::size_t i = 0; i < state_->regions.size(); ++i) {
            GuestRegion& region = state_->regions[i];
            region.guest_node = state_->layout.nodes[i].node;
            region.ipa = state_->layout.nodes[i].ram.begin;
            if (legacy()) {
                region.why_not_larger = "the kernel chooses the blocks of ordinary memory as it goes";
                continue;
            }
            const SlotPlacement slot{.page_size = syscalls_.page_size(),
                                     .hva = region.hva,
                                     .ipa = region.ipa,
                                     .file_offset = region.file_offset,
                                     .size = region.size};
            const BlockVerdict verdict = largest_block(slot);
            region.blocks = block_histogram(slot);
            region.largest_block = verdict.block;
            region.why_not_larger = verdict.why_not_larger;
        }
        return {};
    }

    Result<void> open_gpus() {
        if (request().gpu_bdfs.empty())
            return {}; // no device, no DMA: neither a container nor an IOAS without a device maps anything
        {
            const Step step(listener_, "open IOMMU", to_string(request().iommu));
            auto mapper = DmaMapper::create(syscalls_, request().iommu);
            if (!mapper)
                return fail(mapper.error());
            state_->mapper = std::move(*mapper);
        }
        for (const std::string& bdf : request().gpu_bdfs) {
            const Step step(listener_, "open GPU", bdf);
            if (auto done = state_->mapper->attach(bdf); !done)
                return done;
        }
        return {};
    }

    Result<void> create_vm() {
        const Step step(listener_, "create VM", request().name);
        auto kvm = KvmVm::create(syscalls_, state_->layout.address_bits(), !legacy());
        if (!kvm)
            return fail(kvm.error());
        state_->kvm.emplace(std::move(*kvm));
        return {};
    }

    std::string name_of(std::size_t region) const {
        return legacy() ? request().name + "/memory" : plan_->regions[region].name;
    }

    Result<void> set_slots() {
        for (std::size_t i = 0; i < state_->regions.size(); ++i) {
            const Step step(listener_, "set memory slot", name_of(i));
            const GuestRegion& region = state_->regions[i];
            auto slot = state_->kvm->set_slot(std::uint32_t(i), region.ipa, region.hva, region.size, name_of(i));
            if (!slot)
                return fail(slot.error());
            state_->slots.push(std::move(*slot));
        }
        return {};
    }

    Result<void> map_dma() {
        const MemoryKind kind = legacy() ? MemoryKind::kOrdinary : MemoryKind::kEgm;
        for (std::size_t i = 0; i < state_->regions.size(); ++i) {
            GuestRegion& region = state_->regions[i];
            region.dma_mapped = false;
            if (!state_->mapper)
                continue;
            const Step step(listener_, "map DMA", name_of(i));
            const Range<Iova> range{{region.ipa.value}, region.size};
            auto outcome = state_->mapper->map(range.begin, region.hva, range.size, kind, name_of(i));
            if (!outcome)
                return fail(outcome.error());
            region.dma_mapped = outcome->mapped;
            if (outcome->mapped)
                state_->dma.push(DmaMapping(*state_->mapper, range));
            else
                state_->dma_notes.push_back(outcome->note);
        }
        return {};
    }

    Syscalls& syscalls_;
    StepListener& listener_;
    std::optional<VmPlan> plan_;
    std::unique_ptr<VirtualMachine::State> state_;
};

Result<VirtualMachine> bring_up(Syscalls& syscalls, const VmRequest& request, StepListener& listener) {
    return BringUp(syscalls, request, listener).run();
}

} // namespace egm
