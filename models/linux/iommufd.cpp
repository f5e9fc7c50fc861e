#include "models/linux/iommufd.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <utility>

#include <fcntl.h>

#include "egm/uapi/vfio.h"
#include "models/linux/call_argument.h"

namespace models::linux {

namespace uapi = egm::uapi;

namespace {

/// What reads page faults or events: nothing ever comes.
class EventQueueFile final : public File {
public:
    EventQueueFile(std::shared_ptr<IommufdFile> context, std::uint32_t id) : context_(std::move(context)), id_(id) {}
    ~EventQueueFile() override { context_->release_queue(id_); }

    std::int64_t pread(void*, std::size_t, std::uint64_t) override { return -ESPIPE; }
    std::int64_t pwrite(const void*, std::size_t, std::uint64_t) override { return -ESPIPE; }

private:
    const std::shared_ptr<IommufdFile> context_;
    const std::uint32_t id_;
};

} // namespace

IommufdFile::~IommufdFile() {
    // Ids ascend along the dependencies, so the youngest goes first. Bound devices hold this file: there is none.
    while (!objects_.empty()) {
        objects_.erase(std::prev(objects_.end()));
    }
}

template <class Struct>
std::int64_t IommufdFile::answer(void* argument, int since, std::size_t size_min, Handler<Struct> handler) {
    if (host_.config.version < since) {
        return -ENOTTY;
    }
    std::uint32_t size = 0;
    if (!copy_in(&size, argument, sizeof size)) {
        return -EFAULT;
    }
    if (size < size_min) {
        return -EINVAL;
    }
    constexpr std::uint32_t kSizeMax = 4096; // behind it lies what Linux would not find zero either
    if (size > kSizeMax) {
        return -E2BIG;
    }
    Struct call{};
    const std::size_t known = std::min<std::size_t>(size, sizeof call);
    std::memcpy(&call, argument, known);
    const auto* bytes = static_cast<const unsigned char*>(argument);
    if (std::any_of(bytes + known, bytes + size, [](unsigned char byte) { return byte != 0; })) {
        return -E2BIG;
    }
    const int result = (this->*handler)(call);
    // A failed call writes nothing, but these two say how far they came.
    const bool counts =
        std::is_same_v<Struct, uapi::IommuIoasIovaRanges> || std::is_same_v<Struct, uapi::IommuHwptInvalidate>;
    if (result >= 0 || counts) {
        std::memcpy(argument, &call, known);
    }
    return result;
}

std::int64_t IommufdFile::ioctl(unsigned long request, void* argument) {
    using Self = IommufdFile;
    switch (request) {
    case uapi::kIommuDestroy:
        return answer<uapi::IommuDestroy>(argument, 602, 8, &Self::destroy);
    case uapi::kIommuIoasAlloc:
        return answer<uapi::IommuIoasAlloc>(argument, 602, 12, &Self::ioas_alloc);
    case uapi::kIommuIoasAllowIovas:
        return answer<uapi::IommuIoasAllowIovas>(argument, 602, 24, &Self::allow_iovas);
    case uapi::kIommuIoasCopy:
        return answer<uapi::IommuIoasCopy>(argument, 602, 40, &Self::ioas_copy);
    case uapi::kIommuIoasIovaRanges:
        return answer<uapi::IommuIoasIovaRanges>(argument, 602, 32, &Self::iova_ranges);
    case uapi::kIommuIoasMap:
        return answer<uapi::IommuIoasMap>(argument, 602, 40, &Self::ioas_map);
    case uapi::kIommuIoasUnmap:
        return answer<uapi::IommuIoasUnmap>(argument, 602, 24, &Self::ioas_unmap);
    case uapi::kIommuOption:
        return answer<uapi::IommuOption>(argument, 602, 24, &Self::option);
    case uapi::kIommuVfioIoas:
        return answer<uapi::IommuVfioIoas>(argument, 602, 12, &Self::vfio_ioas);
    case uapi::kIommuHwptAlloc:
        return answer<uapi::IommuHwptAlloc>(argument, 606, 24, &Self::hwpt_alloc);
    case uapi::kIommuGetHwInfo:
        return answer<uapi::IommuHwInfo>(argument, 606, 32, &Self::get_hw_info);
    case uapi::kIommuHwptSetDirtyTracking:
        return answer<uapi::IommuHwptSetDirtyTracking>(argument, 607, 16, &Self::set_dirty_tracking);
    case uapi::kIommuHwptGetDirtyBitmap:
        return answer<uapi::IommuHwptGetDirtyBitmap>(argument, 607, 48, &Self::get_dirty_bitmap);
    case uapi::kIommuHwptInvalidate:
        return answer<uapi::IommuHwptInvalidate>(argument, 608, 32, &Self::hwpt_invalidate);
    case uapi::kIommuFaultQueueAlloc:
        return answer<uapi::IommuFaultAlloc>(argument, 611, 16, &Self::fault_queue_alloc);
    case uapi::kIommuIoasMapFile:
        return answer<uapi::IommuIoasMapFile>(argument, 613, 40, &Self::ioas_map_file);
    case uapi::kIommuViommuAlloc:
        return answer<uapi::IommuViommuAlloc>(argument, 613, 24, &Self::viommu_alloc);
    case uapi::kIommuVdeviceAlloc:
        return answer<uapi::IommuVdeviceAlloc>(argument, 613, 24, &Self::vdevice_alloc);
    case uapi::kIommuIoasChangeProcess:
        return answer<uapi::IommuIoasChangeProcess>(argument, 614, 8, &Self::change_process);
    case uapi::kIommuVeventqAlloc:
        return answer<uapi::IommuVeventqAlloc>(argument, 615, 32, &Self::veventq_alloc);
    case uapi::kIommuHwQueueAlloc:
        return answer<uapi::IommuHwQueueAlloc>(argument, 617, 40, &Self::hw_queue_alloc);
    case uapi::kVfioGetApiVersion:
        return uapi::kVfioApiVersion; // of VFIO's own calls here (vfio_compat.c), the one that is modelled
    default:
        return -ENOTTY;
    }
}

std::uint32_t IommufdFile::add(std::unique_ptr<IommufdObject> object) {
    objects_.emplace(next_id_, std::move(object));
    return next_id_++;
}

int IommufdFile::open_queue(std::uint32_t id) {
    auto context = std::static_pointer_cast<IommufdFile>(shared_from_this());
    const int fd = host_.fds.install(std::make_shared<EventQueueFile>(std::move(context), id), O_RDWR);
    if (fd < 0) {
        objects_.erase(id);
    }
    return fd;
}

void IommufdFile::release_queue(std::uint32_t id) {
    if (auto* queue = find<IommufdObject>(id)) { // none: it was never installed
        --queue->users;
    }
}

int IommufdFile::destroy(uapi::IommuDestroy& call) {
    const auto* object = find<IommufdObject>(call.id);
    if (!object) {
        return -ENOENT;
    }
    if (object->users > 0) {
        return -EBUSY;
    }
    objects_.erase(call.id);
    if (vfio_ioas_id_ == call.id) {
        vfio_ioas_id_ = 0;
    }
    return 0;
}

int IommufdFile::option(uapi::IommuOption& call) {
    if (call.reserved != 0) {
        return -EOPNOTSUPP;
    }
    const bool set = call.op == uapi::kIommuOptionOpSet;
    const bool get = call.op == uapi::kIommuOptionOpGet;
    if (call.option_id == uapi::kIommuOptionRlimitMode) {
        if (call.object_id != 0 || (!set && !get)) {
            return -EOPNOTSUPP;
        }
        if (get) {
            call.val64 = rlimit_mode_;
            return 0;
        }
        if (!host_.config.root) {
            return -EPERM;
        }
        if (!objects_.empty()) {
            return -EBUSY;
        }
        if (call.val64 > 1) {
            return -EINVAL;
        }
        rlimit_mode_ = call.val64;
        return 0;
    }
    if (call.option_id != uapi::kIommuOptionHugePages) {
        return -EOPNOTSUPP;
    }
    auto* object = find<IoasObject>(call.object_id);
    if (!object) {
        return -ENOENT;
    }
    if (get) {
        call.val64 = object->ioas.large_pages() ? 1 : 0;
        return 0;
    }
    if (!set) {
        return -EOPNOTSUPP;
    }
    return call.val64 > 1 ? -EINVAL : object->ioas.set_large_pages(call.val64 == 1);
}

std::uint32_t IommufdFile::bind(VfioPciDevice& device) { return add(std::make_unique<DeviceObject>(device)); }

void IommufdFile::unbind(std::uint32_t device_id) {
    detach(device_id);
    const auto* device = find<DeviceObject>(device_id);
    std::erase_if(objects_, [&](const auto& entry) {
        return device->vdevice && entry.second.get() == static_cast<const IommufdObject*>(device->vdevice);
    });
    objects_.erase(device_id);
}

int IommufdFile::attach(std::uint32_t device_id, std::uint32_t& page_table_id) {
    auto* device = find<DeviceObject>(device_id);
    auto* object = find<IommufdObject>(page_table_id);
    if (!object) {
        return -ENOENT;
    }
    std::uint32_t id = page_table_id;
    if (auto* ioas = dynamic_cast<IoasObject*>(object)) {
        // Devices attached to one IOAS share the page table that the first of them made.
        const auto shared = std::find_if(objects_.begin(), objects_.end(), [&](const auto& entry) {
            const auto* hwpt = dynamic_cast<const HwptObject*>(entry.second.get());
            return hwpt && hwpt->kind.automatic && &hwpt->over == ioas;
        });
        if (shared != objects_.end()) {
            id = shared->first;
        } else {
            if (const int error = ioas->ioas.add_page_table(); error < 0) {
                return error;
            }
            id = add(std::make_unique<HwptObject>(*ioas, HwptObject::Kind{.automatic = true}));
        }
    }
    const HwptObject* stage2 = find<HwptObject>(id);
    if (const auto* nested = find<NestedHwptObject>(id)) {
        const bool named = device->vdevice && &device->vdevice->viommu == &nested->viommu;
        if (nested->translates && !named && host_.config.version >= 615) {
            return -ENOENT; // invalidations need the guest's name of the device
        }
        stage2 = &nested->viommu.parent;
    }
    if (!stage2) {
        return -EINVAL;
    }
    ++find<IommufdObject>(id)->users;
    detach(device_id);
    device->page_table_id = id;
    device->device.domain = stage2->over.ioas.domain();
    page_table_id = id;
    return 0;
}

void IommufdFile::detach(std::uint32_t device_id) {
    auto* device = find<DeviceObject>(device_id);
    if (device->page_table_id == 0) {
        return;
    }
    const std::uint32_t id = std::exchange(device->page_table_id, 0);
    device->device.domain.reset();
    auto* object = find<IommufdObject>(id);
    --object->users;
    const auto* hwpt = dynamic_cast<const HwptObject*>(object);
    if (hwpt && hwpt->kind.automatic && hwpt->users == 0) {
        objects_.erase(id);
    }
}

} // namespace models::linux
