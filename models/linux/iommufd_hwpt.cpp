// iommufd: page tables made by hand, what hardware there is, dirty tracking.
#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>

#include "models/linux/call_argument.h"
#include "models/linux/iommufd.h"
#include "models/linux/iommufd_abi.h"

namespace models::linux {

namespace uapi = egm::uapi;

namespace {

constexpr std::uint64_t bits(unsigned high, unsigned low) { return (~0ull >> (63 - high)) & (~0ull << low); }

/// What a guest may choose of its stream table entry (Linux drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3-iommufd.c).
/// Word 0: V, Cfg, S1Fmt, S1ContextPtr, S1CDMax. Word 1: S1DSS, S1CIR, S1COR, S1CSH, S1STALLD, EATS.
bool legal_stream_table_entry(const std::array<std::uint64_t, 2>& words) {
    constexpr std::uint64_t kWord0 = bits(0, 0) | bits(3, 1) | bits(5, 4) | bits(51, 6) | bits(63, 59);
    constexpr std::uint64_t kWord1 = bits(1, 0) | bits(3, 2) | bits(5, 4) | bits(7, 6) | bits(27, 27) | bits(29, 28);
    if ((words[0] & ~kWord0) != 0 || (words[1] & ~kWord1) != 0) {
        return false;
    }
    if ((words[0] & 1) == 0) {
        return true; // not valid: all DMA is refused, whatever the rest says
    }
    const std::uint64_t config = words[0] >> 1 & 7;
    const std::uint64_t ats = words[1] >> 28 & 3;
    return (config == 0 || config == 4 || config == 5) && ats <= 1; // abort, bypass, stage 1; ATS off or on
}

} // namespace

bool IommufdFile::has_vcmdq() const {
    return host_.config.arch == HostArch::kArm64 && host_.config.vcmdqs_per_vintf > 0 && host_.config.version >= 617;
}

int IommufdFile::get_hw_info(uapi::IommuHwInfo& call) {
    const bool input_type = (call.flags & uapi::kIommuHwInfoFlagInputType) != 0;
    const std::uint32_t known = host_.config.version >= 617 ? uapi::kIommuHwInfoFlagInputType : 0;
    if ((call.flags & ~known) != 0 || call.reserved != 0) {
        return -EOPNOTSUPP;
    }
    const auto* device = find<DeviceObject>(call.dev_id);
    if (!device) {
        return -ENOENT;
    }
    const std::uint32_t wanted = input_type ? call.out_data_type : 0;
    std::array<char, 40> data{}; // the content of ID registers is not modelled
    std::uint32_t type = 0;
    std::uint32_t length = 0;
    if (host_.config.arch == HostArch::kX86) {
        type = abi::kIommuHwInfoTypeIntelVtd;
        length = 24;
    } else if (host_.config.version >= 613) {
        type = uapi::kIommuHwInfoTypeArmSmmuv3;
        length = 40;
    }
    if (wanted == uapi::kIommuHwInfoTypeTegra241Cmdqv && has_vcmdq()) {
        uapi::IommuHwInfoTegra241Cmdqv info{.version = 1};
        while ((1u << (info.log2_vcmdqs + 1)) <= host_.config.vcmdqs_per_vintf) {
            ++info.log2_vcmdqs;
        }
        std::memcpy(data.data(), &info, sizeof info);
        type = wanted;
        length = sizeof info;
    } else if (wanted != 0 && wanted != type) {
        return -EOPNOTSUPP;
    }
    const std::uint32_t room = call.data_len;
    if (std::min(room, length) > 0 &&
        !copy_out(reinterpret_cast<void*>(call.data_uptr), data.data(), std::min(room, length))) {
        return -EFAULT;
    }
    call.out_data_type = type;
    call.data_len = length;
    call.out_capabilities = host_.config.iommu_dirty_tracking ? abi::kIommuHwCapDirtyTracking : 0;
    if (host_.config.version >= 700 && !device->device.has_ats()) { // 6.12 does not say it, 7.3 does
        call.out_capabilities |= abi::kIommuHwCapPciAtsNotSupported;
    }
    return 0;
}

int IommufdFile::hwpt_alloc(uapi::IommuHwptAlloc& call) {
    constexpr std::uint32_t kKnown = uapi::kIommuHwptAllocNestParent | uapi::kIommuHwptAllocDirtyTracking |
                                     uapi::kIommuHwptFaultIdValid | uapi::kIommuHwptAllocPasid;
    if ((call.flags & ~kKnown) != 0 || call.reserved != 0 || call.reserved2 != 0) {
        return -EOPNOTSUPP;
    }
    const bool faults_wanted = (call.flags & uapi::kIommuHwptFaultIdValid) != 0;
    if ((call.data_type == 0 && call.data_len != 0) || (!faults_wanted && call.fault_id != 0)) {
        return call.data_type == 0 && call.data_len != 0 ? -EINVAL : -EOPNOTSUPP;
    }
    if (!find<DeviceObject>(call.dev_id)) {
        return -ENOENT;
    }
    if (!find<IommufdObject>(call.pt_id)) {
        return -EINVAL; // not ENOENT: hw_pagetable.c
    }
    auto* faults = faults_wanted ? find<EventQueueObject>(call.fault_id) : nullptr;
    auto* ioas = find<IoasObject>(call.pt_id);
    if (!ioas) {
        return nested_hwpt_alloc(call, faults);
    }
    const HwptObject::Kind kind{.nest_parent = (call.flags & uapi::kIommuHwptAllocNestParent) != 0,
                                .dirty_tracking = (call.flags & uapi::kIommuHwptAllocDirtyTracking) != 0};
    const bool nests = host_.config.arch == HostArch::kArm64 && host_.config.version >= 613;
    if ((call.flags & uapi::kIommuHwptAllocPasid) != 0 || call.data_type != 0 || (kind.nest_parent && !nests) ||
        (kind.nest_parent && faults_wanted) || (kind.dirty_tracking && !host_.config.iommu_dirty_tracking)) {
        return -EOPNOTSUPP; // not what this IOMMU can do, or not modelled
    }
    if (const int error = ioas->ioas.add_page_table(); error < 0) {
        return error;
    }
    if (faults_wanted && !faults) {
        ioas->ioas.remove_page_table();
        return -ENOENT;
    }
    call.out_hwpt_id = add(std::make_unique<HwptObject>(*ioas, kind, faults));
    return 0;
}

int IommufdFile::nested_hwpt_alloc(uapi::IommuHwptAlloc& call, EventQueueObject* faults) {
    auto* viommu = find<ViommuObject>(call.pt_id);
    if (!viommu) {
        return find<HwptObject>(call.pt_id) ? -EOPNOTSUPP : -EINVAL; // SMMUv3 nests over a vIOMMU only
    }
    const bool faults_wanted = (call.flags & uapi::kIommuHwptFaultIdValid) != 0;
    if ((call.flags & ~uapi::kIommuHwptFaultIdValid) != 0 || call.data_len == 0) {
        return -EOPNOTSUPP;
    }
    std::array<std::uint64_t, 2> words{};
    if (call.data_type != uapi::kIommuHwptDataArmSmmuv3 || call.data_len < sizeof words) {
        return -EINVAL;
    }
    if (!copy_in(words.data(), reinterpret_cast<const void*>(call.data_uptr), sizeof words)) {
        return -EFAULT;
    }
    if (!legal_stream_table_entry(words)) {
        return -EIO;
    }
    if (faults_wanted && !faults) {
        return -ENOENT;
    }
    const bool translates = (words[0] & 1) != 0 && (words[0] >> 1 & 7) == 5;
    call.out_hwpt_id = add(std::make_unique<NestedHwptObject>(*viommu, translates, faults));
    return 0;
}

int IommufdFile::set_dirty_tracking(uapi::IommuHwptSetDirtyTracking& call) {
    if ((call.flags & ~abi::kIommuDirtyTrackingEnable) != 0 || call.reserved != 0) {
        return -EOPNOTSUPP;
    }
    const auto* hwpt = find<HwptObject>(call.hwpt_id);
    if (!hwpt) {
        return -ENOENT;
    }
    if (!hwpt->kind.dirty_tracking) {
        return -EOPNOTSUPP;
    }
    hwpt->over.ioas.domain()->set_dirty_tracking((call.flags & abi::kIommuDirtyTrackingEnable) != 0);
    return 0;
}

int IommufdFile::get_dirty_bitmap(uapi::IommuHwptGetDirtyBitmap& call) {
    if ((call.flags & ~abi::kIommuGetDirtyBitmapNoClear) != 0 || call.reserved != 0) {
        return -EOPNOTSUPP;
    }
    const auto* hwpt = find<HwptObject>(call.hwpt_id);
    if (!hwpt) {
        return -ENOENT;
    }
    if (!hwpt->kind.dirty_tracking) {
        return -EOPNOTSUPP;
    }
    const Ioas& ioas = hwpt->over.ioas;
    const std::uint64_t last = call.iova + (call.length - 1);
    if (last < call.iova) {
        return -EOVERFLOW;
    }
    const auto misaligned = [&](std::uint64_t size) { return ((call.iova | (last + 1)) & (size - 1)) != 0; };
    if (misaligned(ioas.alignment()) || !std::has_single_bit(call.page_size) || call.page_size < ioas.alignment() ||
        misaligned(call.page_size) || !ioas.is_filled(call.iova, last)) {
        return -EINVAL;
    }
    auto* bitmap = reinterpret_cast<unsigned char*>(call.data);
    if (!is_user_pointer(bitmap)) {
        return -EFAULT;
    }
    for (std::uint64_t bit = 0; bit < call.length / call.page_size; ++bit) {
        if (ioas.domain()->is_dirty({{call.iova + bit * call.page_size}, call.page_size})) {
            bitmap[bit / 8] |= static_cast<unsigned char>(1u << (bit % 8));
        }
    }
    if ((call.flags & abi::kIommuGetDirtyBitmapNoClear) == 0) {
        ioas.domain()->clean({{call.iova}, call.length});
    }
    return 0;
}

int IommufdFile::fault_queue_alloc(uapi::IommuFaultAlloc& call) {
    if (call.flags != 0) {
        return -EOPNOTSUPP;
    }
    const std::uint32_t id = add(std::make_unique<EventQueueObject>());
    const int fd = open_queue(id);
    if (fd < 0) {
        return fd;
    }
    call.out_fault_id = id;
    call.out_fault_fd = static_cast<std::uint32_t>(fd);
    return 0;
}

} // namespace models::linux
