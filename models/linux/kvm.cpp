#include "models/linux/kvm.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>

#include "models/linux/blocks.h"
#include "models/linux/call_argument.h"

namespace models::linux {

namespace uapi = egm::uapi;
using egm::align_down;
using egm::is_aligned;

namespace {

constexpr std::uint32_t kSlotsMax = 32767;
constexpr std::uint64_t kSlotPagesMax = (1ull << 31) - 1;

std::int64_t check_extension(const KernelConfig& config, unsigned long capability) {
    const bool arm = config.arch == HostArch::kArm64;
    switch (static_cast<int>(capability)) {
    case uapi::kKvmCapUserMemory:
        return 1;
    case uapi::kKvmCapNrMemslots:
        return kSlotsMax;
    case uapi::kKvmCapArmVmIpaSize:
        return arm ? config.ipa_bits_max : 0;
    case uapi::kKvmCapArmCacheablePfnmapSupported:
        return arm && config.version >= 617 && config.stage2_force_writeback ? 1 : 0;
    case uapi::kKvmCapArmSeaToUser:
        return arm && config.version >= 618 ? 1 : 0;
    default:
        return 0;
    }
}

} // namespace

std::int64_t KvmFile::ioctl(unsigned long request, void* argument) {
    const auto value = reinterpret_cast<std::uintptr_t>(argument);
    switch (request) {
    case uapi::kKvmGetApiVersion:
        return value == 0 ? uapi::kKvmApiVersion : -EINVAL;
    case uapi::kKvmCheckExtension:
        return check_extension(host_.config, value);
    case uapi::kKvmCreateVm:
        return create_vm(value);
    default:
        return -EINVAL;
    }
}

std::int64_t KvmFile::create_vm(unsigned long type) {
    unsigned bits = 52;
    if (host_.config.arch == HostArch::kArm64) {
        bits = type == 0 ? 40 : static_cast<unsigned>(type & uapi::kKvmVmTypeArmIpaSizeMask);
        if ((type & ~uapi::kKvmVmTypeArmIpaSizeMask) != 0 || bits < 32 ||
            bits > static_cast<unsigned>(host_.config.ipa_bits_max)) {
            return -EINVAL;
        }
    } else if (type != 0) {
        return -EINVAL;
    }
    const int fd = host_.fds.install(std::make_shared<VmFile>(host_, bits), O_RDWR);
    host_.pass(fd >= 0 ? host_.costs().kvm_create_ps : 0);
    return fd;
}

VmFile::VmFile(Host& host, unsigned ipa_bits) : host_(host), ipa_bits_(ipa_bits) {
    host_.mm.watch(this, [this](egm::Range<egm::Hva> gone) { zap(gone); });
}

VmFile::~VmFile() {
    host_.mm.unwatch(this);
    host_.memory_slots -= slots_.size();
}

std::int64_t VmFile::ioctl(unsigned long request, void* argument) {
    switch (request) {
    case uapi::kKvmSetUserMemoryRegion:
        return set_memory(argument);
    case uapi::kKvmCheckExtension:
        return check_extension(host_.config, reinterpret_cast<std::uintptr_t>(argument));
    default:
        return -ENOTTY;
    }
}

int VmFile::check_slot(const uapi::KvmUserspaceMemoryRegion& want) const {
    const std::uint64_t last = want.guest_phys_addr + want.memory_size;
    const std::uint64_t last_hva = want.userspace_addr + want.memory_size;
    if ((want.flags & ~(uapi::kKvmMemLogDirtyPages | uapi::kKvmMemReadonly)) != 0 || want.slot >= kSlotsMax ||
        !is_aligned(want.memory_size | want.guest_phys_addr | want.userspace_addr, host_.page_size()) ||
        last < want.guest_phys_addr || last_hva < want.userspace_addr || last_hva > AddressSpace::kSize ||
        want.memory_size / host_.page_size() > kSlotPagesMax) {
        return -EINVAL;
    }
    const auto old = slots_.find(want.slot);
    if (want.memory_size == 0) {
        return old == slots_.end() ? -EINVAL : 0;
    }
    if (old != slots_.end() && (old->second.size != want.memory_size || old->second.hva != want.userspace_addr ||
                                ((old->second.flags ^ want.flags) & uapi::kKvmMemReadonly) != 0)) {
        return -EINVAL; // a slot can move and change its dirty log, no more
    }
    for (const auto& [number, slot] : slots_) {
        if (number != want.slot && slot.ipa < last && want.guest_phys_addr < slot.ipa + slot.size) {
            return -EEXIST;
        }
    }
    return last > 1ull << ipa_bits_ ? -EFAULT : 0;
}

int VmFile::check_mappings(const Slot& slot) const {
    for (const Vma* vma : host_.mm.overlapping({{slot.hva}, slot.size})) {
        if (!vma->pfnmap) {
            continue;
        }
        if ((slot.flags & uapi::kKvmMemLogDirtyPages) != 0) {
            return -EINVAL;
        }
        if (host_.config.arch == HostArch::kArm64 && host_.config.version >= 617 &&
            !host_.config.stage2_force_writeback) {
            return -EINVAL;
        }
    }
    return 0;
}

std::int64_t VmFile::set_memory(void* argument) {
    uapi::KvmUserspaceMemoryRegion want{};
    if (!copy_in(&want, argument, sizeof want)) {
        return -EFAULT;
    }
    if (const int error = check_slot(want); error < 0) {
        return error;
    }
    const Slot slot{want.guest_phys_addr, want.memory_size, want.userspace_addr, want.flags};
    if (want.memory_size > 0) {
        if (const int error = check_mappings(slot); error < 0) {
            return error;
        }
    }
    if (const auto old = slots_.find(want.slot); old != slots_.end()) {
        zap_slot(old->second);
        slots_.erase(old);
        --host_.memory_slots;
    }
    if (want.memory_size > 0) {
        slots_.emplace(want.slot, slot);
        ++host_.memory_slots;
    }
    host_.pass(host_.costs().kvm_slot_ps);
    return 0;
}

const VmFile::Slot* VmFile::slot_at(egm::Ipa ipa) const {
    for (const auto& [number, slot] : slots_) {
        if (ipa.value >= slot.ipa && ipa.value - slot.ipa < slot.size) {
            return &slot;
        }
    }
    return nullptr;
}

std::optional<VmFile::Found> VmFile::find(egm::Ipa ipa) {
    const Slot* slot = slot_at(ipa);
    if (!slot) {
        return std::nullopt;
    }
    const egm::Hva hva{slot->hva + (ipa.value - slot->ipa)};
    Vma* vma = host_.mm.find(hva);
    if (!vma || (vma->protection & PROT_READ) == 0) {
        return std::nullopt;
    }
    std::uint64_t clearing_ps = 0;
    if (host_.populate(*vma, clearing_ps) < 0) {
        return std::nullopt;
    }
    const auto sizes = block_sizes(host_.page_size());
    std::uint64_t fault_bytes = sizes.back();
    if ((slot->flags & uapi::kKvmMemLogDirtyPages) == 0) {
        const std::uint64_t by_slot = block_at({slot->ipa, slot->hva, slot->size}, ipa.value, sizes);
        const std::uint64_t by_mapping =
            vma->pfnmap ? block_at({vma->begin.value, vma->file_position, vma->size}, hva.value, sizes)
                        : std::min(pmd_bytes(host_.page_size()),
                                   block_at({vma->begin.value, vma->spa->value, vma->size}, hva.value, sizes));
        fault_bytes = std::min(by_slot, by_mapping);
    }
    const egm::Spa spa = *vma->spa + (hva - vma->begin);
    std::uint64_t block = sizes.back();
    for (const std::uint64_t size : sizes) {
        if (size <= fault_bytes && is_aligned(spa.value - ipa.value, size)) {
            block = size;
            break;
        }
    }
    host_.pass(clearing_ps);
    return Found{{spa, block}, fault_bytes, align_down(ipa.value, fault_bytes)};
}

std::optional<Translation> VmFile::translate(egm::Ipa ipa) {
    const auto found = find(ipa);
    return found ? std::optional(found->translation) : std::nullopt;
}

std::optional<Translation> VmFile::fault(egm::Ipa ipa) {
    const auto found = find(ipa);
    if (!found) {
        return std::nullopt;
    }
    if (faulted_.insert(found->fault_ipa).second) {
        const std::uint64_t entries = found->fault_bytes / found->translation.block_bytes;
        host_.pass(host_.costs().stage2_fault_ps + (entries - 1) * host_.costs().stage2_entry_ps);
    }
    return found->translation;
}

std::map<std::uint64_t, std::uint64_t> VmFile::blocks(egm::Ipa ipa) const {
    std::map<std::uint64_t, std::uint64_t> count;
    const Slot* slot = slot_at(ipa);
    if (!slot) {
        return count;
    }
    for (const Vma* vma : host_.mm.overlapping({{slot->hva}, slot->size})) {
        if ((vma->protection & PROT_READ) == 0) {
            continue;
        }
        // HVA, IPA, file position and SPA all run in step here, so what `find` asks at each address is asked once.
        const std::uint64_t begin = std::max(vma->begin.value, slot->hva);
        const std::uint64_t end = std::min(vma->end().value, slot->hva + slot->size);
        const std::uint64_t ipa_begin = slot->ipa + (begin - slot->hva);
        const std::uint64_t from = begin - vma->begin.value;
        const std::uint64_t spa = vma->spa ? vma->spa->value + from : begin; // fresh memory comes in step
        const std::uint64_t position = vma->pfnmap ? vma->file_position + from : spa;
        std::vector<std::uint64_t> sizes;
        for (const std::uint64_t size : block_sizes(host_.page_size())) {
            const bool in_step = is_aligned(begin - ipa_begin, size) && is_aligned(begin - position, size) &&
                                 is_aligned(spa - ipa_begin, size);
            const bool allowed = (slot->flags & uapi::kKvmMemLogDirtyPages) == 0 &&
                                 (vma->pfnmap || size <= pmd_bytes(host_.page_size()));
            if (size == host_.page_size() || (in_step && allowed)) {
                sizes.push_back(size);
            }
        }
        for (const auto& [bytes, number] : blocks_in({ipa_begin, ipa_begin, end - begin}, sizes)) {
            count[bytes] += number;
        }
    }
    return count;
}

void VmFile::zap(egm::Range<egm::Hva> gone) {
    for (const auto& [number, slot] : slots_) {
        const std::uint64_t begin = std::max(gone.begin.value, slot.hva);
        const std::uint64_t end = std::min(gone.end().value, slot.hva + slot.size);
        if (begin >= end) {
            continue;
        }
        const std::uint64_t ipa = slot.ipa + (begin - slot.hva);
        auto from = faulted_.upper_bound(ipa); // the block that begins before may reach in
        if (from != faulted_.begin()) {
            --from;
        }
        faulted_.erase(from, faulted_.lower_bound(ipa + (end - begin)));
    }
}

void VmFile::zap_slot(const Slot& slot) {
    faulted_.erase(faulted_.lower_bound(slot.ipa), faulted_.lower_bound(slot.ipa + slot.size));
}

} // namespace models::linux
