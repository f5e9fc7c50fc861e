#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "egm/address.h"
#include "egm/file_descriptor.h"
#include "egm/result.h"

namespace egm {

/// A memory slot of a VM: guest addresses backed by memory of this process. The destructor deletes it.
///
/// Dirty-page logging is never asked for: KVM refuses it on EGM, so a VM with EGM cannot migrate live.
class KvmSlot {
public:
    KvmSlot(Syscalls& syscalls, int vm_fd, std::uint32_t number)
        : syscalls_(&syscalls), vm_fd_(vm_fd), number_(number) {}
    KvmSlot(KvmSlot&& other) noexcept
        : syscalls_(std::exchange(other.syscalls_, nullptr)), vm_fd_(other.vm_fd_), number_(other.number_) {}
    KvmSlot& operator=(KvmSlot&&) = delete;
    ~KvmSlot();

private:
    Syscalls* syscalls_;
    int vm_fd_;
    std::uint32_t number_;
};

/// A virtual machine of KVM. Source: Linux Documentation/virt/kvm/api.rst.
class KvmVm {
public:
    /// `address_bits`: the width of the widest guest address. `with_egm`: memory without struct page will be RAM, for
    /// which the kernel must say that it can (capability 243, Linux 6.17 and later).
    /// Errors: those of open(2); EOPNOTSUPP when the kernel is too old or the processor cannot; EINVAL.
    static Result<KvmVm> create(Syscalls& syscalls, unsigned address_bits, bool with_egm);

    int fd() const { return vm_.get(); }

    /// Whether memory without struct page, EGM or a GPU's, can be RAM of the guest. Errors: those of the call.
    Result<bool> takes_cacheable_pfnmap() const;

    /// Errors: EEXIST (overlap), EFAULT (beyond the address width), EINVAL, ENOMEM. `name` is what errors call it.
    Result<KvmSlot> set_slot(std::uint32_t number, Ipa ipa, Hva hva, std::uint64_t size, const std::string& name) const;

private:
    KvmVm(Syscalls& syscalls, FileDescriptor kvm, FileDescriptor vm)
        : syscalls_(&syscalls), kvm_(std::move(kvm)), vm_(std::move(vm)) {}

    Syscalls* syscalls_;
    FileDescriptor kvm_;
    FileDescriptor vm_;
};

} // namespace egm
