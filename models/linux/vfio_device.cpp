#include "models/linux/vfio_device.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "egm/uapi/vfio.h"
#include "models/linux/call_argument.h"
#include "models/linux/iommufd.h"
#include "models/linux/vfio_abi.h"
#include "models/linux/vfio_feature.h"
#include "models/linux/vfio_group.h"
#include "models/linux/vfio_irqs.h"

namespace models::linux {

namespace uapi = egm::uapi;

namespace {
constexpr unsigned kOffsetShift = 40; ///< of the device region's index in a file offset
}

VfioDeviceFile::VfioDeviceFile(Host& host, VfioPciDevice& device, std::shared_ptr<File> group)
    : host_(host), device_(device), group_(std::move(group)) {
    if (group_) {
        static_cast<VfioGroupFile&>(*group_).count_device(+1);
        ++device_.opens;
    }
}

VfioDeviceFile::~VfioDeviceFile() {
    if (group_) {
        static_cast<VfioGroupFile&>(*group_).count_device(-1);
        --device_.opens;
    }
    if (context_) {
        context_->unbind(device_id_);
        device_.cdev_bound = false;
    }
}

std::int64_t VfioDeviceFile::ioctl(unsigned long request, void* argument) {
    if (request == uapi::kVfioDeviceBindIommufd) {
        return bind(argument);
    }
    if (!opened()) {
        return -EINVAL;
    }
    switch (request) {
    case uapi::kVfioDeviceGetInfo:
        return get_info(argument);
    case uapi::kVfioDeviceGetRegionInfo:
        return get_region_info(argument);
    case abi::kVfioDeviceGetIrqInfo:
        return get_irq_info(host_, device_, argument);
    case abi::kVfioDeviceSetIrqs:
        return set_irqs(host_, device_, argument);
    case uapi::kVfioDeviceFeature:
        return device_feature(host_, device_, argument);
    case uapi::kVfioDeviceIoeventfd:
        return ioeventfd(argument);
    case uapi::kVfioDeviceReset:
        return device_.reset();
    case uapi::kVfioDeviceAttachIommufdPt:
        return attach(argument);
    case uapi::kVfioDeviceDetachIommufdPt:
        return detach(argument);
    default:
        return -ENOTTY;
    }
}

std::int64_t VfioDeviceFile::get_info(void* argument) const {
    uapi::VfioDeviceInfo info{};
    if (!copy_in(&info, argument, uapi::kVfioDeviceInfoSizeMin)) {
        return -EFAULT;
    }
    if (info.argsz < uapi::kVfioDeviceInfoSizeMin) {
        return -EINVAL;
    }
    const std::size_t size = std::min<std::size_t>(info.argsz, sizeof info);
    info.flags = uapi::kVfioDeviceFlagsPci | (device_.can_reset() ? uapi::kVfioDeviceFlagsReset : 0);
    info.num_regions = uapi::kVfioPciNumRegions;
    info.num_irqs = uapi::kVfioPciNumIrqs;
    copy_out(argument, &info, size);
    return 0;
}

std::int64_t VfioDeviceFile::get_region_info(void* argument) const {
    uapi::VfioRegionInfo info{};
    if (!copy_in(&info, argument, sizeof info)) {
        return -EFAULT;
    }
    if (info.argsz < sizeof info || info.index >= uapi::kVfioPciVgaRegionIndex) {
        return -EINVAL;
    }
    auto part = device_.device_region(info.index);
    if (info.index == uapi::kVfioPciConfigRegionIndex) {
        part.size = device_.config_space.size();
    }
    info.flags = 0;
    info.cap_offset = 0;
    info.size = part.size;
    info.offset = std::uint64_t{info.index} << kOffsetShift;
    if (part.size > 0) {
        info.flags = uapi::kVfioRegionInfoFlagRead | uapi::kVfioRegionInfoFlagWrite;
    }
    if (part.spa) {
        info.flags |= uapi::kVfioRegionInfoFlagMmap;
    }
    if (part.sparse) {
        const struct {
            uapi::VfioRegionInfoCapSparseMmap head;
            uapi::VfioRegionSparseMmapArea area;
        } capability{{{uapi::kVfioRegionInfoCapSparseMmap, 1, 0}, 1, 0}, {0, part.length}};
        info.flags |= uapi::kVfioRegionInfoFlagCaps;
        const std::uint32_t room = info.argsz;
        info.argsz = sizeof info + sizeof capability;
        if (room >= info.argsz) {
            info.argsz = room;
            info.cap_offset = sizeof info;
            copy_out(static_cast<char*>(argument) + sizeof info, &capability, sizeof capability);
        }
    }
    copy_out(argument, &info, sizeof info);
    return 0;
}

std::int64_t VfioDeviceFile::ioeventfd(const void* argument) const {
    if (device_.nvgrace()) {
        return -ENOTTY;
    }
    abi::VfioIoeventfd want{};
    if (!copy_in(&want, argument, sizeof want)) {
        return -EFAULT;
    }
    const bool one_size = want.flags == 1 || want.flags == 2 || want.flags == 4 || want.flags == 8;
    if (want.argsz < sizeof want || !one_size || want.fd < -1) {
        return -EINVAL;
    }
    const std::uint64_t index = want.offset >> kOffsetShift;
    const std::uint64_t at = want.offset & ((1ull << kOffsetShift) - 1);
    if (index >= uapi::kVfioPciRomRegionIndex ||
        at + want.flags > device_.device_region(static_cast<std::uint32_t>(index)).size) {
        return -EINVAL;
    }
    if (want.fd == -1) {
        return -ENODEV; // there is none to take away
    }
    return host_.fds.get(want.fd) ? -EINVAL : -EBADF; // no file of ours is an eventfd
}

int VfioDeviceFile::mmap(Vma& vma) {
    if (!opened()) {
        return -EINVAL;
    }
    const auto index = static_cast<std::uint32_t>(vma.file_position >> kOffsetShift);
    const std::uint64_t offset = vma.file_position & ((1ull << kOffsetShift) - 1);
    const auto part = device_.device_region(index);
    if (!part.spa || (!device_.nvgrace() && !vma.shared)) {
        return -EINVAL;
    }
    if (offset + vma.size < offset) {
        return -EOVERFLOW;
    }
    if (offset + vma.size > part.length) {
        return -EINVAL;
    }
    vma.spa = *part.spa + offset;
    vma.pfnmap = true;
    vma.huge = host_.config.version >= (device_.nvgrace() ? 619 : 612);
    if (!vma.huge) {
        vma.file_position = vma.spa->value; // eager remap_pfn_range: vm_pgoff is the PFN
    }
    return 0;
}

std::int64_t VfioDeviceFile::pread(void* into, std::size_t size, std::uint64_t offset) {
    return transfer(offset, size, into, [&](std::uint32_t index, std::uint64_t at, std::size_t bytes) {
        if (index == uapi::kVfioPciConfigRegionIndex) {
            device_.config_space.read(at, into, bytes);
        } else {
            device_.read(index, at, into, bytes);
        }
    });
}

std::int64_t VfioDeviceFile::pwrite(const void* from, std::size_t size, std::uint64_t offset) {
    return transfer(offset, size, from, [&](std::uint32_t index, std::uint64_t at, std::size_t bytes) {
        if (index == uapi::kVfioPciConfigRegionIndex) {
            device_.config_space.write(at, from, bytes);
        } else {
            device_.write(index, at, from, bytes);
        }
    });
}

template <class Access>
std::int64_t VfioDeviceFile::transfer(std::uint64_t offset, std::size_t size, const void* buffer, Access access) {
    if (!opened()) {
        return -EINVAL;
    }
    const std::uint64_t number = offset >> kOffsetShift;
    const std::uint64_t at = offset & ((1ull << kOffsetShift) - 1);
    if (number >= uapi::kVfioPciNumRegions) {
        return -EINVAL;
    }
    if (size == 0) {
        return 0;
    }
    const auto index = static_cast<std::uint32_t>(number);
    if (index == uapi::kVfioPciConfigRegionIndex) {
        if (at >= device_.config_space.size() || size > device_.config_space.size() - at) {
            return -EFAULT;
        }
    } else {
        const auto part = device_.device_region(index);
        if (at >= part.size) {
            return -EINVAL;
        }
        size = std::min<std::uint64_t>(size, part.size - at);
        if (const int error = device_.wait_ready(); error < 0) {
            return error;
        }
        if (!device_.config_space.memory_enabled()) {
            return -EIO;
        }
    }
    if (!is_user_pointer(buffer)) {
        return -EFAULT;
    }
    access(index, at, size);
    return static_cast<std::int64_t>(size);
}

std::int64_t VfioDeviceFile::bind(void* argument) {
    uapi::VfioDeviceBindIommufd bind{};
    if (!copy_in(&bind, argument, sizeof bind)) {
        return -EFAULT;
    }
    if (bind.argsz < sizeof bind || bind.flags != 0 || bind.iommufd < 0 || opened()) {
        return -EINVAL;
    }
    if (device_.group_in_use) {
        return -EBUSY;
    }
    const auto file = host_.fds.get(bind.iommufd);
    if (!file) {
        return -EBADF;
    }
    const auto context = std::dynamic_pointer_cast<IommufdFile>(file);
    if (!context) {
        return -EBADFD;
    }
    if (device_.cdev_bound) {
        return -EINVAL; // another open of the same node has it
    }
    device_.cdev_bound = true;
    if (const int error = device_.open_device(); error < 0) {
        device_.cdev_bound = false;
        return error;
    }
    context_ = context;
    device_id_ = context_->bind(device_);
    bind.out_devid = device_id_;
    copy_out(argument, &bind, sizeof bind);
    return 0;
}

std::int64_t VfioDeviceFile::attach(void* argument) {
    uapi::VfioDeviceAttachIommufdPt attach{};
    if (!copy_in(&attach, argument, sizeof attach)) {
        return -EFAULT;
    }
    if (attach.argsz < sizeof attach || attach.flags != 0) {
        return -EINVAL;
    }
    if (!context_) {
        return -ENOTTY; // opened through a group
    }
    if (const int error = context_->attach(device_id_, attach.pt_id); error < 0) {
        return error;
    }
    copy_out(argument, &attach, sizeof attach);
    return 0;
}

std::int64_t VfioDeviceFile::detach(void* argument) {
    uapi::VfioDeviceDetachIommufdPt detach{};
    if (!copy_in(&detach, argument, sizeof detach)) {
        return -EFAULT;
    }
    if (detach.argsz < sizeof detach || detach.flags != 0) {
        return -EINVAL;
    }
    if (!context_) {
        return -ENOTTY;
    }
    context_->detach(device_id_);
    return 0;
}

} // namespace models::linux
