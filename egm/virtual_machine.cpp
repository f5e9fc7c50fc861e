#include "egm/virtual_machine.h"

#include "egm/virtual_machine_state.h"

namespace egm {

VirtualMachine::VirtualMachine(std::unique_ptr<State> state) : state_(std::move(state)) {}
VirtualMachine::VirtualMachine(VirtualMachine&&) noexcept = default;
VirtualMachine& VirtualMachine::operator=(VirtualMachine&&) noexcept = default;
VirtualMachine::~VirtualMachine() = default;

const std::string& VirtualMachine::name() const { return state_->request.name; }
unsigned VirtualMachine::vcpus() const { return state_->request.vcpus; }
IommuMode VirtualMachine::iommu() const { return state_->request.iommu; }
const std::vector<GuestRegion>& VirtualMachine::regions() const { return state_->regions; }
const GuestLayout& VirtualMachine::layout() const { return state_->layout; }
const std::vector<std::string>& VirtualMachine::gpu_bdfs() const { return state_->request.gpu_bdfs; }
const std::vector<GuestGpuMemory>& VirtualMachine::gpu_memory() const { return state_->gpu_memory; }
const std::vector<std::string>& VirtualMachine::dma_notes() const { return state_->dma_notes; }
int VirtualMachine::vm_fd() const { return state_->kvm->fd(); }

} // namespace egm
