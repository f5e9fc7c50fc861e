#pragma once

#include <cstddef>
#include <cstdint>

/// /dev/kvm and VM file descriptors. Source: Linux Documentation/virt/kvm/api.rst and include/uapi/linux/kvm.h.
namespace egm::uapi {

// On /dev/kvm.
inline constexpr unsigned long kKvmGetApiVersion = 0xAE00;  ///< argument 0; answers kKvmApiVersion
inline constexpr unsigned long kKvmCreateVm = 0xAE01;       ///< argument: the machine type by value; answers a VM fd
inline constexpr unsigned long kKvmCheckExtension = 0xAE03; ///< argument: the capability by value; also on a VM fd

// On a VM.
inline constexpr unsigned long kKvmSetUserMemoryRegion = 0x4020AE46; ///< KvmUserspaceMemoryRegion

inline constexpr int kKvmApiVersion = 12;

/// Machine type of KVM_CREATE_VM on arm64: low 8 bits are the width of an IPA in bits, 0 for 40.
inline constexpr unsigned long kKvmVmTypeArmIpaSizeMask = 0xFF;

inline constexpr int kKvmCapUserMemory = 3;
inline constexpr int kKvmCapNrMemslots = 10;
inline constexpr int kKvmCapArmVmIpaSize = 165;                ///< answers the widest IPA in bits
inline constexpr int kKvmCapArmCacheablePfnmapSupported = 243; ///< 1: memory without struct page can be VM RAM
inline constexpr int kKvmCapArmSeaToUser = 245;

inline constexpr std::uint32_t kKvmMemLogDirtyPages = 1u << 0; ///< refused (EINVAL) on EGM memory
inline constexpr std::uint32_t kKvmMemReadonly = 1u << 1;

/// KVM_SET_USER_MEMORY_REGION. `memory_size` 0 deletes the slot.
struct KvmUserspaceMemoryRegion {
    std::uint32_t slot;
    std::uint32_t flags;
    std::uint64_t guest_phys_addr; ///< IPA
    std::uint64_t memory_size;     ///< bytes
    std::uint64_t userspace_addr;  ///< HVA
};
static_assert(sizeof(KvmUserspaceMemoryRegion) == 32);
static_assert(offsetof(KvmUserspaceMemoryRegion, slot) == 0);
static_assert(offsetof(KvmUserspaceMemoryRegion, flags) == 4);
static_assert(offsetof(KvmUserspaceMemoryRegion, guest_phys_addr) == 8);
static_assert(offsetof(KvmUserspaceMemoryRegion, memory_size) == 16);
static_assert(offsetof(KvmUserspaceMemoryRegion, userspace_addr) == 24);

} // namespace egm::uapi
