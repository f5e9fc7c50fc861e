// iommufd: vIOMMU, vDEVICE, and what hangs on them.
#include <algorithm>
#include <bit>
#include <cerrno>
#include <utility>

#include "models/linux/call_argument.h"
#include "models/linux/iommufd.h"
#include "models/linux/iommufd_abi.h"

namespace models::linux {

namespace uapi = egm::uapi;

namespace {

constexpr std::uint64_t kVintfPageBytes = 64 * egm::kKiB;
constexpr egm::Spa kVintfPages{0xF'8000'0000'0000}; ///< made up, where no machine has memory
constexpr std::uint64_t kCommandQueueBytesMin = 32;
constexpr std::uint64_t kCommandBytes = 16;

/// What a guest may ask of the SMMU (Arm SMMUv3, command opcodes).
enum Opcode : std::uint64_t {
    kCfgiCd = 0x05,
    kCfgiCdAll = 0x06,
    kTlbiNhAll = 0x10,
    kTlbiNhAsid = 0x11,
    kTlbiNhVa = 0x12,
    kTlbiNhVaa = 0x13,
    kTlbiNsnhAll = 0x30,
    kAtcInv = 0x40,
};

} // namespace

int IommufdFile::viommu_alloc(uapi::IommuViommuAlloc& call) {
    if (call.flags != 0 || call.type == 0 || call.reserved != 0) {
        return -EOPNOTSUPP;
    }
    if (!find<DeviceObject>(call.dev_id)) {
        return -ENOENT;
    }
    const bool smmu = call.type == uapi::kIommuViommuTypeArmSmmuv3 && host_.config.arch == HostArch::kArm64;
    const bool vcmdq = call.type == uapi::kIommuViommuTypeTegra241Cmdqv && has_vcmdq();
    if (!smmu && !vcmdq) {
        return -EOPNOTSUPP;
    }
    auto* parent = find<HwptObject>(call.hwpt_id);
    if (!parent) {
        return -ENOENT;
    }
    if (!parent->kind.nest_parent || (vcmdq && call.data_len == 0)) {
        return -EINVAL;
    }
    uapi::IommuViommuTegra241Cmdqv data{};
    if (vcmdq) {
        if (call.data_len < sizeof data) {
            return -EINVAL;
        }
        std::uint64_t offset = kVintfPageBytes; // the lowest that no other vIOMMU has
        for (const auto& entry : objects_) {
            const auto* other = dynamic_cast<const ViommuObject*>(entry.second.get());
            if (other && other->mmap_offset) {
                offset = std::max(offset, *other->mmap_offset + kVintfPageBytes);
            }
        }
        data = {offset, kVintfPageBytes};
        if (!copy_out(reinterpret_cast<void*>(call.data_uptr), &data, sizeof data)) {
            return -EFAULT;
        }
    }
    auto viommu = std::make_unique<ViommuObject>(*parent, call.type);
    if (vcmdq) {
        viommu->mmap_offset = data.out_vintf_mmap_offset;
    }
    call.out_viommu_id = add(std::move(viommu));
    return 0;
}

int IommufdFile::mmap(Vma& vma) {
    for (const auto& entry : objects_) {
        const auto* viommu = dynamic_cast<const ViommuObject*>(entry.second.get());
        if (!viommu || viommu->mmap_offset != vma.file_position) {
            continue;
        }
        if (vma.size != kVintfPageBytes) {
            return -ENXIO;
        }
        if (!vma.shared) {
            return -EPERM;
        }
        vma.spa = kVintfPages + vma.file_position;
        vma.pfnmap = true;
        return 0;
    }
    return -ENXIO;
}

int IommufdFile::vdevice_alloc(uapi::IommuVdeviceAlloc& call) {
    auto* viommu = find<ViommuObject>(call.viommu_id);
    auto* device = find<DeviceObject>(call.dev_id);
    if (!viommu || !device) {
        return -ENOENT;
    }
    if (device->vdevice) {
        return -EEXIST;
    }
    for (const auto& entry : objects_) {
        const auto* other = dynamic_cast<const VdeviceObject*>(entry.second.get());
        if (other && &other->viommu == viommu && other->virt_id == call.virt_id) {
            return -EEXIST;
        }
    }
    if (call.virt_id > 0xFFFF'FFFF) {
        return -EINVAL; // a StreamID has 32 bits
    }
    call.out_vdevice_id = add(std::make_unique<VdeviceObject>(*viommu, *device, call.virt_id));
    return 0;
}

int IommufdFile::hwpt_invalidate(uapi::IommuHwptInvalidate& call) {
    const std::uint32_t asked = std::exchange(call.entry_num, 0); // from here on: how many were done
    if (call.reserved != 0) {
        return -EOPNOTSUPP;
    }
    if (asked > 0 && (call.data_uptr == 0 || call.entry_len == 0)) {
        return -EINVAL;
    }
    if (!find<IommufdObject>(call.hwpt_id)) {
        return -ENOENT;
    }
    const auto* viommu = find<ViommuObject>(call.hwpt_id);
    if (!viommu) {
        return find<NestedHwptObject>(call.hwpt_id) ? -EOPNOTSUPP : -EINVAL; // SMMUv3 takes them for a vIOMMU only
    }
    if (call.data_type != abi::kIommuInvalidateDataArmSmmuv3 || asked == 0) {
        return -EINVAL;
    }
    if (asked > kArrayEntriesMax) {
        return -ENOMEM;
    }
    const auto named = [&](std::uint64_t stream) {
        return std::any_of(objects_.begin(), objects_.end(), [&](const auto& entry) {
            const auto* vdevice = dynamic_cast<const VdeviceObject*>(entry.second.get());
            return vdevice && &vdevice->viommu == viommu && vdevice->virt_id == stream;
        });
    };
    for (; call.entry_num < asked; ++call.entry_num) {
        abi::IommuInvalidateArmSmmuv3 entry{};
        const auto* from =
            reinterpret_cast<const char*>(call.data_uptr) + std::uint64_t{call.entry_num} * call.entry_len;
        if (!copy_in(&entry, from, std::min<std::size_t>(sizeof entry, call.entry_len))) {
            return -EFAULT;
        }
        switch (entry.command[0] & 0xFF) {
        case kTlbiNsnhAll:
        case kTlbiNhVa:
        case kTlbiNhVaa:
        case kTlbiNhAll:
        case kTlbiNhAsid:
            break;
        case kAtcInv:
        case kCfgiCd:
        case kCfgiCdAll:
            if (!named(entry.command[0] >> 32)) {
                return -EIO;
            }
            break;
        default:
            return -EIO;
        }
    }
    return 0;
}

int IommufdFile::veventq_alloc(uapi::IommuVeventqAlloc& call) {
    if (call.flags != 0 || call.reserved != 0 || call.type == 0) {
        return -EOPNOTSUPP;
    }
    if (call.veventq_depth == 0) {
        return -EINVAL;
    }
    auto* viommu = find<ViommuObject>(call.viommu_id);
    if (!viommu) {
        return -ENOENT;
    }
    if (viommu->event_queues.contains(call.type)) {
        return -EEXIST;
    }
    const std::uint32_t id = add(std::make_unique<VeventqObject>(*viommu, call.type));
    const int fd = open_queue(id);
    if (fd < 0) {
        return fd;
    }
    call.out_veventq_id = id;
    call.out_veventq_fd = static_cast<std::uint32_t>(fd);
    return 0;
}

int IommufdFile::hw_queue_alloc(uapi::IommuHwQueueAlloc& call) {
    if (call.flags != 0 || call.type == 0) {
        return -EOPNOTSUPP;
    }
    if (call.length == 0) {
        return -EINVAL;
    }
    if (call.nesting_parent_iova + (call.length - 1) < call.nesting_parent_iova) {
        return -EOVERFLOW;
    }
    auto* viommu = find<ViommuObject>(call.viommu_id);
    if (!viommu) {
        return -ENOENT;
    }
    if (viommu->type != uapi::kIommuViommuTypeTegra241Cmdqv || call.type != uapi::kIommuHwQueueTypeTegra241Cmdqv) {
        return -EOPNOTSUPP;
    }
    Ioas& ioas = viommu->parent.over.ioas;
    egm::Spa base{};
    if (const int error = ioas.lock(call.nesting_parent_iova, call.length, base); error < 0) {
        return error;
    }
    int error = 0;
    const std::uint64_t length_max = kCommandBytes << host_.config.command_queue_log2;
    if (call.index >= host_.config.vcmdqs_per_vintf) {
        error = -EINVAL;
    } else if (viommu->queues.contains(call.index)) {
        error = -EEXIST;
    } else if (call.index > 0 && !viommu->queues.contains(call.index - 1)) {
        error = -EIO; // hardware takes them in ascending order
    } else if (!std::has_single_bit(call.length) || call.length < kCommandQueueBytesMin || call.length > length_max) {
        error = -EINVAL;
    } else if (!egm::is_aligned(base.value, call.length)) {
        error = -EINVAL;
    }
    if (error < 0) {
        ioas.unlock(call.nesting_parent_iova, call.length);
        return error;
    }
    call.out_hw_queue_id = add(std::make_unique<HwQueueObject>(
        *viommu, call.index, egm::Range<egm::Iova>{{call.nesting_parent_iova}, call.length}));
    return 0;
}

} // namespace models::linux
