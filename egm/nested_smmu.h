#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "egm/iommufd_mapper.h"
#include "egm/mapped_range.h"
#include "egm/nested_object.h"
#include "egm/owned_stack.h"

namespace egm {

/// The first two words of a stream table entry, as the guest's SMMU driver wrote them (Arm IHI 0070, section 5.2).
using StreamTableEntry = std::array<std::uint64_t, 2>;

/// What of a guest's stream table entry the kernel takes: V, Cfg, S1Fmt, S1ContextPtr, S1CDMax of the first word, and
/// S1DSS, S1CIR, S1COR, S1CSH, S1STALLD, EATS of the second; nothing of an entry that is not valid. Other bits are the
/// host's affair and left out: the kernel would answer EIO to them.
/// Errors: EINVAL for a stage 2 of the guest's own, or an ATS mode that is not offered. `object` is what errors name.
Result<StreamTableEntry> host_part(const StreamTableEntry& guest, const std::string& object);

/// A device behind the guest's SMMU.
struct NestedDevice {
    std::string bdf;             ///< attached to the mapper
    std::uint32_t stream_id = 0; ///< the guest's
};

/// Nested translation for a VM: the guest's own tables as stage 1, the IOAS of the VM's memory as stage 2. One for each
/// SMMU of the host, with the devices behind it; on Grace also the SMMU's command queues for guests (vCMDQ), which
/// let a guest invalidate without leaving it.
///
///     parent HWPT (nesting) over the IOAS
///       <- every device attached: stage 2 only, until the guest writes its stream table
///       vIOMMU, TEGRA241_CMDQV where the hardware has queues, else ARM_SMMUV3
///         page of queue registers, mapped for the guest
///         vDEVICE for each device, by the guest's StreamID
///         nested HWPT for each device whose entry the guest has written; the device attached to it
///         queues, numbered from 0 in the order they are made
///
/// Undone in exactly the reverse order. Sources: Linux Documentation/userspace-api/iommufd.rst,
/// include/uapi/linux/iommufd.h, drivers/iommu/arm/arm-smmu-v3 (arm-smmu-v3-iommufd.c, tegra241-cmdqv.c).
class NestedSmmu {
public:
    /// `mapper` outlives it. Errors: EINVAL for no device, one that is not attached, or a StreamID given twice;
    /// EOPNOTSUPP where the IOMMU is no SMMUv3 or cannot nest; those of the calls. After an error all is as before.
    static Result<std::unique_ptr<NestedSmmu>> create(Syscalls& syscalls, IommufdMapper& mapper,
                                                      const std::vector<NestedDevice>& devices);

    NestedSmmu(const NestedSmmu&) = delete;
    ~NestedSmmu();

    /// Queues that the guest can have; 0 where the hardware has none.
    std::uint32_t queues_max() const { return queues_max_; }
    /// The page of queue registers for the guest to have at its own address; null without queues.
    const MappedRange* queue_registers() const { return queues_max_ > 0 ? &registers_ : nullptr; }

    /// The guest has written the stream table entry of a device: its DMA follows the guest's tables from now on.
    /// Errors: those of `host_part` and of the calls, after which the device's DMA goes as before. Precondition: the
    /// device is one of those it was created with.
    Result<void> set_entry(const std::string& bdf, const StreamTableEntry& guest);

    /// Makes the next queue, its ring being `ring` of the guest's memory. Errors: EINVAL for a length that is no power
    /// of two or below 32 bytes, a base that is no multiple of it, or memory that is not mapped for DMA or not
    /// contiguous; ENOSPC when the guest has them all; EOPNOTSUPP without queues.
    Result<void> add_queue(const Range<Ipa>& ring);
    /// Takes back the youngest queue. Precondition: there is one.
    void remove_queue() { queues_.pop(); }
    std::size_t queues() const { return queues_.size(); }

private:
    struct Entry {
        IommuObject page_table;
        Attachment attached;
    };
    struct Device {
        const IommufdMapper::Device* host;
        IommuObject vdevice;
    };

    NestedSmmu(Syscalls& syscalls, IommufdMapper& mapper) : syscalls_(syscalls), mapper_(mapper) {}

    Result<void> find_queues(std::uint32_t device);
    Result<void> make_parent(std::uint32_t device);
    Result<void> make_viommu(std::uint32_t device);
    Result<void> map_registers(std::uint64_t offset, std::uint64_t size);
    Result<void> make_vdevice(const NestedDevice& device, const IommufdMapper::Device& host);

    Syscalls& syscalls_;
    IommufdMapper& mapper_;
    std::uint32_t queues_max_ = 0;
    // In the order in which they are made.
    IommuObject parent_;
    OwnedStack<Attachment> attached_; ///< to the parent
    IommuObject viommu_;
    MappedRange registers_;
    OwnedStack<Device> devices_;
    std::vector<std::optional<Entry>> entries_; ///< by device
    OwnedStack<IommuObject> queues_;
};

} // namespace egm
