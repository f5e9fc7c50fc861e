#include "models/linux/vfio_group.h"

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>

#include <fcntl.h>

#include "egm/uapi/vfio.h"
#include "models/linux/call_argument.h"
#include "models/linux/vfio_device.h"
#include "models/linux/vfio_type1.h"

namespace models::linux {

namespace uapi = egm::uapi;

int VfioGroup::open_file(Host& host, std::shared_ptr<File>& file) {
    const bool bound =
        std::any_of(devices.begin(), devices.end(), [](const VfioPciDevice* device) { return device->cdev_bound; });
    if (open || bound) {
        return -EBUSY;
    }
    file = std::make_shared<VfioGroupFile>(host, *this);
    return 0;
}

VfioGroupFile::VfioGroupFile(Host& host, VfioGroup& group) : host_(host), group_(group) {
    group_.open = true;
    for (VfioPciDevice* device : group_.devices) {
        device->group_in_use = true;
    }
}

VfioGroupFile::~VfioGroupFile() {
    if (container_) {
        container_->remove_group(*this);
    }
    group_.open = false;
    for (VfioPciDevice* device : group_.devices) {
        device->group_in_use = false;
    }
}

void VfioGroupFile::set_domain(const std::shared_ptr<const IommuDomain>& domain) {
    for (VfioPciDevice* device : group_.devices) {
        device->domain = domain;
    }
}

std::int64_t VfioGroupFile::ioctl(unsigned long request, void* argument) {
    switch (request) {
    case uapi::kVfioGroupGetStatus:
        return get_status(argument);
    case uapi::kVfioGroupSetContainer:
        return set_container(argument);
    case uapi::kVfioGroupUnsetContainer:
        return unset_container();
    case uapi::kVfioGroupGetDeviceFd:
        return get_device_fd(argument);
    default:
        return -ENOTTY;
    }
}

std::int64_t VfioGroupFile::get_status(void* argument) const {
    uapi::VfioGroupStatus status{};
    if (!copy_in(&status, argument, sizeof status)) {
        return -EFAULT;
    }
    if (status.argsz < sizeof status) {
        return -EINVAL;
    }
    status.flags = uapi::kVfioGroupFlagsViable | (container_ ? uapi::kVfioGroupFlagsContainerSet : 0);
    copy_out(argument, &status, sizeof status);
    return 0;
}

std::int64_t VfioGroupFile::set_container(void* argument) {
    int fd = -1;
    if (!copy_in(&fd, argument, sizeof fd)) {
        return -EFAULT;
    }
    const auto file = host_.fds.get(fd);
    if (!file) {
        return -EBADF;
    }
    if (container_) {
        return -EINVAL;
    }
    const auto container = std::dynamic_pointer_cast<VfioContainerFile>(file);
    if (!container) {
        return host_.config.version >= 602 ? -EBADFD : -EINVAL; // since an iommufd could stand here too
    }
    container_ = container;
    container_->add_group(*this);
    return 0;
}

std::int64_t VfioGroupFile::unset_container() {
    if (!container_) {
        return -EINVAL;
    }
    if (devices_open_ > 0) {
        return -EBUSY;
    }
    const auto container = std::exchange(container_, nullptr);
    container->remove_group(*this);
    return 0;
}

std::int64_t VfioGroupFile::get_device_fd(void* argument) {
    if (!is_user_pointer(argument)) {
        return -EFAULT;
    }
    const std::string_view name = static_cast<const char*>(argument);
    const auto found = std::find_if(group_.devices.begin(), group_.devices.end(),
                                    [&](const VfioPciDevice* candidate) { return candidate->bdf == name; });
    if (found == group_.devices.end()) {
        return -ENODEV;
    }
    if (!container_ || !container_->has_iommu()) {
        return -EINVAL;
    }
    auto file = std::make_shared<VfioDeviceFile>(host_, **found, shared_from_this());
    if ((*found)->opens == 1) { // the first open of a device enables it
        if (const int error = (*found)->open_device(); error < 0) {
            return error;
        }
    }
    return host_.fds.install(file, O_RDWR);
}

} // namespace models::linux
