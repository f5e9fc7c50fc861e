// iommufd, second half: page tables made by hand, vIOMMU and vDEVICE.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "models/linux/call_argument.h"
#include "models/linux/iommufd.h"

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

int IommufdFile::get_hw_info(uapi::IommuHwInfo& call) {
    if (call.flags != 0 || call.reserved != 0) {
        return -EOPNOTSUPP;
    }
    if (!find<DeviceObject>(call.dev_id)) {
        return -ENOENT;
    }
    constexpr std::array<char, 40> kIdRegisters{}; // their content is not modelled
    const bool smmu = host_.config.arch == HostArch::kArm64 && host_.config.version >= 613;
    call.out_data_type = smmu ? uapi::kIommuHwInfoTypeArmSmmuv3 : 0;
    const std::uint32_t length = smmu ? kIdRegisters.size() : 0;
    const std::uint32_t room = call.data_len;
    if (std::min(room, length) > 0 &&
        !copy_out(reinterpret_cast<void*>(call.data_uptr), kIdRegisters.data(), std::min(room, length))) {
        return -EFAULT;
    }
    call.data_len = length;
    call.out_capabilities = 0;
    return 0;
}

int IommufdFile::hwpt_alloc(uapi::IommuHwptAlloc& call) {
    constexpr std::uint32_t kKnown = uapi::kIommuHwptAllocNestParent | uapi::kIommuHwptAllocDirtyTracking |
                                     uapi::kIommuHwptFaultIdValid | uapi::kIommuHwptAllocPasid;
    if ((call.flags & ~kKnown) != 0 || call.reserved != 0 || call.reserved2 != 0) {
        return -EOPNOTSUPP;
    }
    if (call.data_type == 0 && call.data_len != 0) {
        return -EINVAL;
    }
    if (!find<DeviceObject>(call.dev_id) || !find<IommufdObject>(call.pt_id)) {
        return -ENOENT;
    }
    auto* ioas = find<IoasObject>(call.pt_id);
    if (!ioas) {
        return nested_hwpt_alloc(call);
    }
    const bool nest_parent = (call.flags & uapi::kIommuHwptAllocNestParent) != 0;
    if ((call.flags & ~uapi::kIommuHwptAllocNestParent) != 0 || call.data_type != 0 ||
        (nest_parent && host_.config.arch != HostArch::kArm64)) {
        return -EOPNOTSUPP; // not what this IOMMU can do, or not modelled
    }
    if (const int error = ioas->ioas.add_page_table(); error < 0) {
        return error;
    }
    call.out_hwpt_id = add(std::make_unique<HwptObject>(*ioas, false, nest_parent));
    return 0;
}

int IommufdFile::nested_hwpt_alloc(uapi::IommuHwptAlloc& call) {
    auto* viommu = find<ViommuObject>(call.pt_id);
    if (!viommu) {
        return find<HwptObject>(call.pt_id) ? -EOPNOTSUPP : -EINVAL; // SMMUv3 nests over a vIOMMU only
    }
    if (call.flags != 0 || call.data_type != uapi::kIommuHwptDataArmSmmuv3) {
        return -EOPNOTSUPP;
    }
    std::array<std::uint64_t, 2> words{};
    if (call.data_len < sizeof words) {
        return -EINVAL;
    }
    if (!copy_in(words.data(), reinterpret_cast<const void*>(call.data_uptr), sizeof words)) {
        return -EFAULT;
    }
    if (!legal_stream_table_entry(words)) {
        return -EIO;
    }
    call.out_hwpt_id = add(std::make_unique<NestedHwptObject>(*viommu));
    return 0;
}

int IommufdFile::viommu_alloc(uapi::IommuViommuAlloc& call) {
    if (call.flags != 0 || call.type != uapi::kIommuViommuTypeArmSmmuv3 || host_.config.arch != HostArch::kArm64) {
        return -EOPNOTSUPP;
    }
    auto* parent = find<HwptObject>(call.hwpt_id);
    if (!find<DeviceObject>(call.dev_id) || !parent) {
        return -ENOENT;
    }
    if (!parent->nest_parent) {
        return -EINVAL;
    }
    call.out_viommu_id = add(std::make_unique<ViommuObject>(*parent));
    return 0;
}

int IommufdFile::vdevice_alloc(uapi::IommuVdeviceAlloc& call) {
    if (call.virt_id > 0xFFFF'FFFF) {
        return -EINVAL; // a StreamID has 32 bits
    }
    auto* viommu = find<ViommuObject>(call.viommu_id);
    if (!viommu || !find<DeviceObject>(call.dev_id)) {
        return -ENOENT;
    }
    for (const auto& entry : objects_) {
        const auto* other = dynamic_cast<const VdeviceObject*>(entry.second.get());
        if (other && &other->viommu == viommu && other->virt_id == call.virt_id) {
            return -EEXIST;
        }
    }
    call.out_vdevice_id = add(std::make_unique<VdeviceObject>(*viommu, call.virt_id));
    return 0;
}

} // namespace models::linux
