// iommufd: the calls on an IOAS.
#include <algorithm>
#include <cerrno>
#include <limits>

#include "models/linux/call_argument.h"
#include "models/linux/dma_buf.h"
#include "models/linux/iommufd.h"
#include "models/linux/iommufd_abi.h"

namespace models::linux {

namespace uapi = egm::uapi;

namespace {

constexpr std::uint32_t kMapFlags =
    uapi::kIommuIoasMapFixedIova | uapi::kIommuIoasMapWriteable | uapi::kIommuIoasMapReadable;
constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

bool neither_read_nor_write(std::uint32_t flags) { return (flags & ~uapi::kIommuIoasMapFixedIova) == 0; }

IommuDomain::Access access_of(std::uint32_t flags) {
    return {(flags & uapi::kIommuIoasMapReadable) != 0, (flags & uapi::kIommuIoasMapWriteable) != 0};
}

bool fixed(std::uint32_t flags) { return (flags & uapi::kIommuIoasMapFixedIova) != 0; }

} // namespace

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
    auto* out = reinterpret_cast<char*>(call.allowed_iovas);
    for (std::size_t i = 0; i < std::min<std::size_t>(room, ranges.size()); ++i) {
        const uapi::IommuIovaRange range{ranges[i].first.value, ranges[i].last.value};
        if (!copy_out(out + i * sizeof range, &range, sizeof range)) {
            return -EFAULT;
        }
    }
    call.num_iovas = static_cast<std::uint32_t>(ranges.size());
    call.out_iova_alignment = object->ioas.alignment();
    return ranges.size() > room ? -EMSGSIZE : 0;
}

int IommufdFile::allow_iovas(uapi::IommuIoasAllowIovas& call) {
    if (call.reserved != 0) {
        return -EOPNOTSUPP;
    }
    auto* object = find<IoasObject>(call.ioas_id);
    if (!object) {
        return -ENOENT;
    }
    if (call.num_iovas > kArrayEntriesMax) {
        return -ENOMEM;
    }
    std::vector<IovaRange> ranges;
    for (std::uint32_t i = 0; i < call.num_iovas; ++i) {
        uapi::IommuIovaRange range{};
        if (!copy_in(&range, reinterpret_cast<const char*>(call.allowed_iovas) + i * sizeof range, sizeof range)) {
            return -EFAULT;
        }
        const bool doubled = std::any_of(ranges.begin(), ranges.end(), [&](const IovaRange& other) {
            return other.first.value <= range.last && range.start <= other.last.value;
        });
        if (range.start >= range.last || doubled) {
            return -EINVAL;
        }
        ranges.push_back({{range.start}, {range.last}});
    }
    return object->ioas.allow(std::move(ranges));
}

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
    if (call.length == 0) {
        return -EINVAL;
    }
    if (call.user_va + call.length < call.user_va) {
        return -EOVERFLOW;
    }
    return object->ioas.map({call.user_va, nullptr}, call.length, access_of(call.flags), fixed(call.flags), call.iova);
}

int IommufdFile::ioas_map_file(uapi::IommuIoasMapFile& call) {
    if ((call.flags & ~kMapFlags) != 0) {
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
    const auto file = host_.fds.get(call.fd);
    const bool file_first = host_.config.version < 619;
    if (file_first && !file) {
        return -EBADF;
    }
    if (call.length == 0) {
        return -EINVAL;
    }
    if (call.start + (call.length - 1) < call.start) {
        return -EOVERFLOW;
    }
    if (!file) {
        return -EBADF;
    }
    if (const auto buffer = std::dynamic_pointer_cast<DmaBufFile>(file)) {
        if (file_first) {
            return -EINVAL; // no shared memory, and nothing else is known yet
        }
        if (buffer->exporter != DmaBufFile::Exporter::kVfio) {
            return -EOPNOTSUPP;
        }
        if (call.start > buffer->size() || call.length > buffer->size() - call.start) {
            return -EINVAL;
        }
    }
    return object->ioas.map({call.start, file}, call.length, access_of(call.flags), fixed(call.flags), call.iova);
}

int IommufdFile::ioas_unmap(uapi::IommuIoasUnmap& call) {
    auto* object = find<IoasObject>(call.ioas_id);
    if (!object) {
        return -ENOENT;
    }
    return object->ioas.unmap(call.iova, call.length, call.length);
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
    return target->ioas.copy(source->ioas, call.src_iova, call.length, access_of(call.flags), fixed(call.flags),
                             call.dst_iova);
}

int IommufdFile::vfio_ioas(uapi::IommuVfioIoas& call) {
    if (call.reserved != 0) {
        return -EOPNOTSUPP;
    }
    switch (call.op) {
    case abi::kIommuVfioIoasGet:
        if (vfio_ioas_id_ == 0) {
            return -ENODEV;
        }
        call.ioas_id = vfio_ioas_id_;
        return 0;
    case abi::kIommuVfioIoasSet:
        if (!find<IoasObject>(call.ioas_id)) {
            return -ENOENT;
        }
        vfio_ioas_id_ = call.ioas_id;
        return 0;
    case abi::kIommuVfioIoasClear:
        vfio_ioas_id_ = 0;
        return 0;
    default:
        return -EOPNOTSUPP;
    }
}

int IommufdFile::change_process(uapi::IommuIoasChangeProcess& call) {
    if (call.reserved != 0) {
        return -EOPNOTSUPP;
    }
    const bool movable = std::all_of(objects_.begin(), objects_.end(), [](const auto& entry) {
        const auto* ioas = dynamic_cast<const IoasObject*>(entry.second.get());
        return !ioas || ioas->ioas.all_of_files();
    });
    return movable ? 0 : -EINVAL; // to the same process here, so that nothing changes
}

} // namespace models::linux
