#include "egm/kvm_slots.h"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>

#include "egm/errors.h"
#include "egm/uapi/kvm.h"

namespace egm {
namespace {

/// KVM's default width of a guest address on arm64, and the least that it can be told.
constexpr unsigned kAddressBitsDefault = 40;

Result<int> capability(const FileDescriptor& kvm, int number) {
    return kvm.ioctl(uapi::kKvmCheckExtension, static_cast<unsigned long>(number), "KVM_CHECK_EXTENSION");
}

Result<bool> takes_pfnmap(const FileDescriptor& kvm) {
    auto answer = capability(kvm, uapi::kKvmCapArmCacheablePfnmapSupported);
    if (!answer)
        return fail(answer.error());
    return *answer == 1;
}

/// The machine type that asks for addresses of `bits` bits, where the kernel lets one ask.
Result<unsigned long> machine_type(const FileDescriptor& kvm, unsigned bits) {
    auto widest = capability(kvm, uapi::kKvmCapArmVmIpaSize);
    if (!widest)
        return fail(widest.error());
    if (*widest == 0)
        return 0ul;
    if (int(bits) > *widest)
        return fail(rule_error("ioctl KVM_CREATE_VM", kvm.name(),
                               "the guest's memory and its MMIO window need addresses of " + std::to_string(bits) +
                                   " bits, and this machine has " + std::to_string(*widest)));
    return static_cast<unsigned long>(std::min<int>(*widest, int(std::max(bits, kAddressBitsDefault))));
}

} // namespace

KvmSlot::~KvmSlot() {
    if (!syscalls_)
        return;
    uapi::KvmUserspaceMemoryRegion nothing{.slot = number_};
    syscalls_->ioctl(vm_fd_, uapi::kKvmSetUserMemoryRegion, &nothing);
}

Result<KvmVm> KvmVm::create(Syscalls& syscalls, unsigned address_bits, bool with_egm) {
    auto kvm = FileDescriptor::open(syscalls, "/dev/kvm", O_RDWR);
    if (!kvm)
        return fail(kvm.error());
    auto version = kvm->ioctl(uapi::kKvmGetApiVersion, 0ul, "KVM_GET_API_VERSION");
    if (!version)
        return fail(version.error());
    if (*version != uapi::kKvmApiVersion)
        return fail(rule_error("ioctl KVM_GET_API_VERSION", kvm->name(), "this KVM is not the one we speak"));
    if (with_egm) {
        auto cacheable = takes_pfnmap(*kvm);
        if (!cacheable)
            return fail(cacheable.error());
        if (!*cacheable)
            return fail(Error{EOPNOTSUPP, "ioctl KVM_CHECK_EXTENSION", "cacheable PFNMAP (243)",
                              "EGM as RAM of a VM needs Linux 6.17 or later and a processor with FEAT_S2FWB and DIC"});
    }
    auto type = machine_type(*kvm, address_bits);
    if (!type)
        return fail(type.error());
    auto vm = kvm->ioctl(uapi::kKvmCreateVm, *type, "KVM_CREATE_VM");
    if (!vm)
        return fail(vm.error());
    return KvmVm(syscalls, std::move(*kvm), FileDescriptor(syscalls, *vm, "VM"));
}

Result<bool> KvmVm::takes_cacheable_pfnmap() const { return takes_pfnmap(kvm_); }

Result<KvmSlot> KvmVm::set_slot(std::uint32_t number, Ipa ipa, Hva hva, std::uint64_t size,
                                const std::string& name) const {
    uapi::KvmUserspaceMemoryRegion region{
        .slot = number, .flags = 0, .guest_phys_addr = ipa.value, .memory_size = size, .userspace_addr = hva.value};
    auto done = vm_.ioctl(uapi::kKvmSetUserMemoryRegion, &region, "KVM_SET_USER_MEMORY_REGION", name);
    if (!done)
        return fail(done.error());
    return KvmSlot(*syscalls_, vm_.get(), number);
}

} // namespace egm
