#include "models/linux/iommufd.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <limits>
#include <utility>

#include "models/linux/call_argument.h"

namespace models::linux {

namespace uapi = egm::uapi;

IommufdFile::~IommufdFile() {
    // Ids ascend along the dependencies, so the youngest goes first. Bound devices hold this file: there is none.
    while (!objects_.empty()) {
        objects_.erase(std::prev(objects_.end()));
    }
}

template <class Struct>
std::int64_t IommufdFile::answer(void* argument, std::size_t size_min, Handler<Struct> handler) {
    std::uint32_t size = 0;
    if (!copy_in(&size, argument, sizeof size)) {
        return -EFAULT;
    }
    if (size < size_min) {
        return -EINVAL;
    }
    Struct call{};
    const std::size_t known = std::min<std::size_t>(size, sizeof call);
    std::memcpy(&call, argument, known);
    const auto* bytes = static_cast<const unsigned char*>(argument);
    if (std::any_of(bytes + known, bytes + size, [](unsigned char byte) { return byte != 0; })) {
        return -E2BIG;
    }
    const int result = (this->*handler)(call);
    std::memcpy(argument, &call, known); // out fields; a failed call changes none but where it says so
    return result;
}

std::int64_t IommufdFile::ioctl(unsigned long request, void* argument) {
    using Self = IommufdFile;
    switch (request) {
    case uapi::kIommuDestroy:
        return answer<uapi::IommuDestroy>(argument, 8, &Self::destroy);
    case uapi::kIommuIoasAlloc:
        return answer<uapi::IommuIoasAlloc>(argument, 12, &Self::ioas_alloc);
    case uapi::kIommuIoasIovaRanges:
        return answer<uapi::IommuIoasIovaRanges>(argument, 32, &Self::iova_ranges);
    case uapi::kIommuIoasMap:
        return answer<uapi::IommuIoasMap>(argument, 40, &Self::ioas_map);
    case uapi::kIommuIoasUnmap:
        return answer<uapi::IommuIoasUnmap>(argument, 24, &Self::ioas_unmap);
    case uapi::kIommuIoasCopy:
        return answer<uapi::IommuIoasCopy>(argument, 40, &Self::ioas_copy);
    case uapi::kIommuOption:
        return answer<uapi::IommuOption>(argument, 24, &Self::option);
    case uapi::kIommuGetHwInfo:
        return answer<uapi::IommuHwInfo>(argument, 36, &Self::get_hw_info);
    case uapi::kIommuHwptAlloc:
        return answer<uapi::IommuHwptAlloc>(argument, 24, &Self::hwpt_alloc);
    case uapi::kIommuViommuAlloc:
        return answer<uapi::IommuViommuAlloc>(argument, 24, &Self::viommu_alloc);
    case uapi::kIommuVdeviceAlloc:
        return answer<uapi::IommuVdeviceAlloc>(argument, 24, &Self::vdevice_alloc);
    default:
        return -ENOTTY;
    }
}

std::uint32_t IommufdFile::add(std::unique_ptr<IommufdObject> object) {
    objects_.emplace(next_id_, std::move(object));
    return next_id_++;
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
    return 0;
}

int IommufdFile::ioas_alloc(uapi::IommuIoasAlloc& call) {
    if (call.flags != 0) {
        return -EOPNOTSUPP;
    }
    call.out_ioas_id = add(std::make_unique<IoasObject>(host_));
    return 0;
}

int IommufdFile::iova_ranges(uapi::IommuIoasIovaRanges& call) {
    if (call.reserved != 0) {
        return -EOPNOTSUPP;
    }
    const auto* object = find<IoasObject>(call.ioas_id);
    if (!object) {
        return -ENOENT;
    }
    const auto ranges = object->ioas.usable();
    const std::uint32_t room = call.num_iovas;
    call.num_iovas = static_cast<std::uint32_t>(ranges.size());
    call.out_iova_alignment = object->ioas.alignment();
    auto* out = reinterpret_cast<char*>(call.allowed_iovas);
    for (std::size_t i = 0; i < std::min<std::size_t>(room, ranges.size()); ++i) {
        const uapi::IommuIovaRange range{ranges[i].first.value, ranges[i].last.value};
        if (!copy_out(out + i * sizeof range, &range, sizeof range)) {
            return -EFAULT;
        }
    }
    return ranges.size() > room ? -EMSGSIZE : 0;
}

namespace {

constexpr std::uint32_t kMapFlags =
    uapi::kIommuIoasMapFixedIova | uapi::kIommuIoasMapWriteable | uapi::kIommuIoasMapReadable;
constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

bool neither_read_nor_write(std::uint32_t flags) { return (flags & ~uapi::kIommuIoasMapFixedIova) == 0; }

IommuDomain::Access access_of(std::uint32_t flags) {
    return {(flags & uapi::kIommuIoasMapReadable) != 0, (flags & uapi::kIommuIoasMapWriteable) != 0};
}

} // namespace

int IommufdFile::ioas_map(uapi::IommuIoasMap& call) {
    if ((call.flags & ~kMapFlags) != 0 || call.reserved != 0) {
        return -EOPNOTSUPP;
    }
    if (call.iova == kMax || call.length == kMax) {
        return -EOVERFLOW;
    }
    if (neither_read_nor_write(call.flags)) {
        return -EINVAL;
    }
    auto* object = find<IoasObject>(call.ioas_id);
    if (!object) {
        return -ENOENT;
    }
    return object->ioas.map({{call.user_va}, call.length}, access_of(call.flags),
                            (call.flags & uapi::kIommuIoasMapFixedIova) != 0, call.iova);
}

int IommufdFile::ioas_unmap(uapi::IommuIoasUnmap& call) {
    auto* object = find<IoasObject>(call.ioas_id);
    if (!object) {
        return -ENOENT;
    }
    std::uint64_t unmapped = 0;
    const int error = object->ioas.unmap(call.iova, call.length, unmapped);
    if (error == 0) {
        call.length = unmapped;
    }
    return error;
}

int IommufdFile::ioas_copy(uapi::IommuIoasCopy& call) {
    if ((call.flags & ~kMapFlags) != 0) {
        return -EOPNOTSUPP;
    }
    if (call.length == kMax || call.src_iova == kMax || call.dst_iova == kMax) {
        return -EOVERFLOW;
    }
    if (neither_read_nor_write(call.flags)) {
        return -EINVAL;
    }
    const auto* source = find<IoasObject>(call.src_ioas_id);
    auto* target = find<IoasObject>(call.dst_ioas_id);
    if (!source || !target) {
        return -ENOENT;
    }
    return target->ioas.copy(source->ioas, call.src_iova, call.length, access_of(call.flags),
                             (call.flags & uapi::kIommuIoasMapFixedIova) != 0, call.dst_iova);
}

int IommufdFile::option(uapi::IommuOption& call) {
    if (call.reserved != 0 || call.op > uapi::kIommuOptionOpGet) {
        return -EOPNOTSUPP;
    }
    const bool set = call.op == uapi::kIommuOptionOpSet;
    if (call.option_id == uapi::kIommuOptionRlimitMode) {
        if (call.object_id != 0) {
            return -EOPNOTSUPP;
        }
        if (!set) {
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
    if (!set) {
        call.val64 = object->ioas.large_pages() ? 1 : 0;
        return 0;
    }
    if (call.val64 > 1) {
        return -EINVAL;
    }
    object->ioas.set_large_pages(call.val64 == 1);
    return 0;
}

std::uint32_t IommufdFile::bind(VfioPciDevice& device) { return add(std::make_unique<DeviceObject>(device)); }

void IommufdFile::unbind(std::uint32_t device_id) {
    detach(device_id);
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
            return hwpt && hwpt->automatic && &hwpt->over == ioas;
        });
        if (shared != objects_.end()) {
            id = shared->first;
        } else {
            if (const int error = ioas->ioas.add_page_table(); error < 0) {
                return error;
            }
            id = add(std::make_unique<HwptObject>(*ioas, true, false));
        }
    }
    const HwptObject* stage2 = find<HwptObject>(id);
    if (const auto* nested = find<NestedHwptObject>(id)) {
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
    if (hwpt && hwpt->automatic && hwpt->users == 0) {
        objects_.erase(id);
    }
}

} // namespace models::linux
