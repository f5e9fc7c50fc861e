#include "models/linux/vfio_irqs.h"

#include <cerrno>
#include <limits>

#include "egm/uapi/vfio.h"
#include "models/linux/call_argument.h"
#include "models/linux/vfio_abi.h"

namespace models::linux {

namespace {

/// Interrupts of that kind, or -EINVAL where the function cannot have the kind at all.
int irq_count(const Host& host, const VfioPciDevice& device, std::uint32_t index) {
    switch (index) {
    case abi::kVfioPciIntxIrqIndex:
        return device.has_intx() ? 1 : 0;
    case abi::kVfioPciMsiIrqIndex:
    case abi::kVfioPciReqIrqIndex:
        return 1;
    case abi::kVfioPciErrIrqIndex:
        // Of PCI Express functions only; 7.3 was seen to say 1 for conventional ones too.
        return device.config_space.size() > 256 || host.config.version >= 700 ? 1 : -EINVAL;
    default:
        return 0;
    }
}

} // namespace

std::int64_t get_irq_info(const Host& host, const VfioPciDevice& device, void* argument) {
    abi::VfioIrqInfo info{};
    if (!copy_in(&info, argument, sizeof info)) {
        return -EFAULT;
    }
    if (info.argsz < sizeof info || info.index >= egm::uapi::kVfioPciNumIrqs) {
        return -EINVAL;
    }
    const int count = irq_count(host, device, info.index);
    if (count < 0) {
        return count;
    }
    info.count = static_cast<std::uint32_t>(count);
    info.flags = abi::kVfioIrqInfoEventfd;
    info.flags |= info.index == abi::kVfioPciIntxIrqIndex ? abi::kVfioIrqInfoMaskable | abi::kVfioIrqInfoAutomasked
                                                          : abi::kVfioIrqInfoNoresize;
    copy_out(argument, &info, sizeof info);
    return 0;
}

std::int64_t set_irqs(const Host& host, const VfioPciDevice& device, const void* argument) {
    constexpr std::uint32_t kData = abi::kVfioIrqSetDataNone | abi::kVfioIrqSetDataBool | abi::kVfioIrqSetDataEventfd;
    constexpr std::uint32_t kAction =
        abi::kVfioIrqSetActionMask | abi::kVfioIrqSetActionUnmask | abi::kVfioIrqSetActionTrigger;
    abi::VfioIrqSet set{};
    if (!copy_in(&set, argument, sizeof set)) {
        return -EFAULT;
    }
    if (set.argsz < sizeof set || set.index >= egm::uapi::kVfioPciNumIrqs ||
        set.count >= std::numeric_limits<std::uint32_t>::max() - set.start || (set.flags & ~(kData | kAction)) != 0) {
        return -EINVAL;
    }
    const int there = irq_count(host, device, set.index);
    if (there < 0 || set.start >= static_cast<std::uint32_t>(there) ||
        set.start + set.count > static_cast<std::uint32_t>(there)) {
        return -EINVAL;
    }
    std::size_t entry = 0;
    switch (set.flags & kData) {
    case abi::kVfioIrqSetDataNone:
        break;
    case abi::kVfioIrqSetDataBool:
        entry = sizeof(std::uint8_t);
        break;
    case abi::kVfioIrqSetDataEventfd:
        entry = sizeof(std::int32_t);
        break;
    default:
        return -EINVAL;
    }
    if (set.argsz - sizeof set < set.count * entry) {
        return -EINVAL;
    }
    const std::uint32_t action = set.flags & kAction;
    const bool maskable = set.index == abi::kVfioPciIntxIrqIndex;
    if (action != abi::kVfioIrqSetActionTrigger &&
        !(maskable && (action == abi::kVfioIrqSetActionMask || action == abi::kVfioIrqSetActionUnmask))) {
        return -ENOTTY;
    }
    if ((set.flags & abi::kVfioIrqSetDataEventfd) != 0) {
        for (std::uint32_t i = 0; i < set.count; ++i) {
            std::int32_t fd = -1;
            copy_in(&fd, static_cast<const char*>(argument) + sizeof set + i * sizeof fd, sizeof fd);
            if (fd >= 0) {
                return host.fds.get(fd) ? -EINVAL : -EBADF; // no file of ours is an eventfd
            }
        }
    }
    return 0;
}

} // namespace models::linux
