#pragma once

#include <optional>

#include "egm/carveout.h"
#include "egm/dma_mapper.h"
#include "egm/kvm_slots.h"
#include "egm/owned_stack.h"
#include "egm/virtual_machine.h"

namespace egm {

/// What a VM owns, in the order in which the bring-up acquires it; members are destroyed in reverse.
struct VirtualMachine::State {
    VmRequest request;
    std::vector<GuestRegion> regions;
    std::vector<GuestGpuMemory> gpu_memory;
    GuestLayout layout;
    std::vector<std::string> dma_notes;

    OwnedStack<std::unique_ptr<Carveout>> carveouts;
    OwnedStack<Mapping> mappings; ///< by region
    std::unique_ptr<DmaMapper> mapper;
    OwnedStack<Mapping> device_mappings;  ///< by region, where carveouts are device regions
    OwnedStack<MappedRange> gpu_mappings; ///< by entry of `gpu_memory`
    std::optional<KvmVm> kvm;
    OwnedStack<KvmSlot> slots;
    OwnedStack<DmaMapping> dma;
};

} // namespace egm
