#include "egm/bring_up.h"

#include <algorithm>
#include <bit>

#include "egm/carveout_experimental_vfio.h"
#include "egm/errors.h"
#include "egm/gpu_memory.h"
#include "egm/placement.h"
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
        std::vector<Stage> stages{&BringUp::plan,       &BringUp::open_carveouts, &BringUp::query_retired,
                                  &BringUp::map_memory, &BringUp::lay_out,        &BringUp::open_gpus};
        if (in_devices())
            std::rotate(stages.begin(), stages.end() - 1, stages.end()); // the GPUs show the carveouts: open them first
        for (const Stage stage : {&BringUp::map_gpu_memory, &BringUp::create_vm, &BringUp::set_slots,
                                  &BringUp::set_gpu_slots, &BringUp::map_dma, &BringUp::map_gpu_dma})
            stages.push_back(stage);
        for (const Stage stage : stages)
            if (auto done = (this->*stage)(); !done)
                return fail(done.error());
        return VirtualMachine(std::move(state_));
    }

private:
    const VmRequest& request() const { return state_->request; }
    bool legacy() const { return request().regions.empty(); }
    bool in_devices() const { return request().carveouts == CarveoutForm::kExperimentalVfio && !legacy(); }

    Result<void> plan() {
        std::vector<CarveoutInfo> carveouts;
        {
            const Step step(listener_, "discover", in_devices() ? "VFIO devices" : "/sys/class/egm");
            if (in_devices() && request().gpu_bdfs.empty())
                return fail(rule_error("plan VM", request().name,
                                       "carveouts of this form are seen through the VM's GPUs: name one"));
            if (in_devices())
                source_ = std::make_unique<ExperimentalVfioSource>(syscalls_, *state_->mapper, request().gpu_bdfs);
            else
                source_ = std::make_unique<CharDeviceSource>(syscalls_);
            auto found = source_->find();
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
            auto carveout = source_->open(planned.carveout);
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

    Result<void> map_memory() {
        const Placement where = hva_placement(syscalls_.page_size(), request().block_alignment);
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
            (in_devices() ? state_->device_mappings : state_->mappings).push(std::move(*mapping));
        }
        return {};
    }

    Result<void> lay_out() {
        const Step step(listener_, "lay out guest memory", request().name);
        GuestLayoutRequest wanted{
            .gpus = plan_->gpus, .ram_base = legacy() ? kLegacyGuestRamBase : kGuestRamBase, .vcpus = request().vcpus};
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
        if (request().gpu_bdfs.empty()) {
            // Neither a container nor an IOAS maps anything without a device.
            state_->dma_notes.push_back("the VM has no GPU, so none of its memory was mapped for DMA");
            return {};
        }
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
            auto region = coherent_memory(*state_->mapper->device(bdf));
            if (!region)
                return fail(region.error());
            if (*region) {
                const std::uint64_t size = (*region)->areas[0].size;
                state_->gpu_memory.push_back({.bdf = bdf, .size = size, .bar_size = std::bit_ceil((*region)->size)});
                gpu_regions_.push_back(std::move(**region));
            }
        }
        return {};
    }

    Result<void> map_gpu_memory() {
        std::vector<std::uint64_t> sizes;
        for (const GuestGpuMemory& memory : state_->gpu_memory)
            sizes.push_back(memory.bar_size);
        auto placed = place_device_regions(state_->layout.high_mmio, sizes, request().name);
        if (!placed)
            return fail(placed.error());
        for (std::size_t i = 0; i < sizes.size(); ++i) {
            GuestGpuMemory& memory = state_->gpu_memory[i];
            const Step step(listener_, "map GPU memory", memory.bdf);
            memory.ipa = (*placed)[i];
            auto range = map_area(syscalls_, *state_->mapper->device(memory.bdf), gpu_regions_[i],
                                  gpu_regions_[i].areas[0], memory.bdf);
            if (!range)
                return fail(range.error());
            memory.hva = range->hva();
            state_->gpu_mappings.push(std::move(*range));
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

    Result<void> set_gpu_slots() {
        if (state_->gpu_memory.empty())
            return {};
        auto possible = state_->kvm->takes_cacheable_pfnmap();
        if (!possible)
            return fail(possible.error());
        for (GuestGpuMemory& memory : state_->gpu_memory) {
            if (!*possible) {
                memory.note = "the guest does not see the GPU's memory: that needs Linux 6.17 or later";
                continue;
            }
            const Step step(listener_, "set memory slot", memory.bdf);
            const auto number = std::uint32_t(state_->slots.size());
            auto slot = state_->kvm->set_slot(number, memory.ipa, memory.hva, memory.size, memory.bdf + " memory");
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
            if (kind == MemoryKind::kEgm && request().iommu == IommuMode::kIommufdDmaBuf) {
                if (auto done = map_egm_dma_buf(i, range); !done)
                    return done;
                region.dma_mapped = true;
                continue;
            }
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

    /// The IOAS holds the dma-buf, so its descriptor need not stay open.
    Result<void> map_egm_dma_buf(std::size_t i, const Range<Iova>& range) {
        auto dma_buf = state_->carveouts[i]->export_dma_buf(state_->regions[i].file_offset, range.size);
        if (!dma_buf)
            return fail(dma_buf.error());
        if (auto done = state_->mapper->map_dma_buf(range.begin, *dma_buf, 0, range.size, name_of(i)); !done)
            return done;
        state_->dma.push(DmaMapping(*state_->mapper, range));
        return {};
    }

    Result<void> map_gpu_dma() {
        for (std::size_t i = 0; i < state_->gpu_memory.size(); ++i) {
            GuestGpuMemory& memory = state_->gpu_memory[i];
            const Step step(listener_, "map DMA", memory.bdf);
            auto outcome = map_for_peers(syscalls_, *state_->mapper, request().iommu,
                                         *state_->mapper->device(memory.bdf), gpu_regions_[i], memory);
            if (!outcome)
                return fail(outcome.error());
            memory.dma_mapped = outcome->mapped;
            if (outcome->mapped)
                state_->dma.push(DmaMapping(*state_->mapper, {{memory.ipa.value}, memory.size}));
            else
                memory.note += (memory.note.empty() ? "" : "; ") + outcome->note;
        }
        return {};
    }

    Syscalls& syscalls_;
    StepListener& listener_;
    std::unique_ptr<CarveoutSource> source_;
    std::optional<VmPlan> plan_;
    std::vector<DeviceRegion> gpu_regions_; ///< by entry of the state's `gpu_memory`
    std::unique_ptr<VirtualMachine::State> state_;
};

Result<VirtualMachine> bring_up(Syscalls& syscalls, const VmRequest& request, StepListener& listener) {
    return BringUp(syscalls, request, listener).run();
}

} // namespace egm
