#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>

#include "egm/address.h"
#include "egm/uapi/kvm.h"
#include "models/linux/file.h"
#include "models/linux/host.h"
#include "models/linux/translation.h"

namespace models::linux {

/// /dev/kvm. Source: Linux Documentation/virt/kvm/api.rst, virt/kvm/kvm_main.c.
class KvmFile final : public File {
public:
    explicit KvmFile(Host& host) : host_(host) {}
    std::int64_t ioctl(unsigned long request, void* argument) override;

private:
    std::int64_t create_vm(unsigned long type);

    Host& host_;
};

/// A VM: its memory slots and its stage 2, which is filled by faults and worked out when somebody asks.
///
/// The block of a fault (Linux arch/arm64/kvm/mmu.c). For memory without struct page, B is the largest block of the
/// host's granule with
///
///     HVA = file position (mod B), and the aligned block around HVA lies inside the mapping
///     HVA = IPA (mod B), and the block lies inside the memory slot
///     no dirty log
///
/// One fault fills B. It is one entry if also SPA = IPA (mod B), else the largest smaller blocks that fit. Anonymous
/// memory counts as transparent huge pages of one PMD wherever the mapping has room for them.
///
/// munmap drops the faulted blocks. Not modelled: vCPUs, devices, permission of a guest's write.
class VmFile final : public File {
public:
    VmFile(Host& host, unsigned ipa_bits);
    ~VmFile() override;

    std::int64_t ioctl(unsigned long request, void* argument) override;

    /// Stage 2 at `ipa` as it is or would be faulted in; no time passes, except to clear fresh anonymous memory. None:
    /// no slot, no mapping, no permission.
    std::optional<Translation> translate(egm::Ipa ipa);
    /// The same, and the fault's time passes if the block has not been faulted in yet.
    std::optional<Translation> fault(egm::Ipa ipa);
    /// What stage 2 of the slot that holds `ipa` is made of once all of it has been touched: number of entries by size.
    std::map<std::uint64_t, std::uint64_t> blocks(egm::Ipa ipa) const;

private:
    struct Slot {
        std::uint64_t ipa;
        std::uint64_t size;
        std::uint64_t hva;
        std::uint32_t flags;
    };
    struct Found {
        Translation translation;
        std::uint64_t fault_bytes; ///< what one fault fills
        std::uint64_t fault_ipa;   ///< where that begins
    };

    std::int64_t set_memory(void* argument);
    int check_slot(const egm::uapi::KvmUserspaceMemoryRegion& want) const;
    int check_mappings(const Slot& slot) const;
    const Slot* slot_at(egm::Ipa ipa) const;
    std::optional<Found> find(egm::Ipa ipa);
    void zap(egm::Range<egm::Hva> gone);
    void zap_slot(const Slot& slot);

    Host& host_;
    const unsigned ipa_bits_;
    std::map<std::uint32_t, Slot> slots_; ///< by slot number
    std::set<std::uint64_t> faulted_;     ///< IPAs where faulted blocks begin
};

} // namespace models::linux
