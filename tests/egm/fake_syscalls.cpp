#include "fake_syscalls.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <sys/mman.h>

#include "egm/uapi/iommufd.h"
#include "egm/uapi/kvm.h"
#include "egm/uapi/vfio.h"

namespace egm {

bool FakeSyscalls::injected() { return ++calls == fail_at; }

int FakeSyscalls::refuse(int error_number) {
    errno = error_number;
    return -1;
}

int FakeSyscalls::add_file(const std::string& name) {
    open_files[next_fd_] = name;
    log.push_back("open " + name);
    return next_fd_++;
}

int FakeSyscalls::open(const char* path, int) {
    if (injected())
        return refuse(fail_with);
    if (files.contains(path)) {
        open_files[next_fd_] = path;
        return next_fd_++;
    }
    const auto device = devices.find(path);
    if (device == devices.end())
        return refuse(ENOENT);
    return device->second != 0 ? refuse(device->second) : add_file(path);
}

int FakeSyscalls::close(int fd) {
    const bool reports_error = injected();
    const auto file = open_files.find(fd);
    if (file == open_files.end()) {
        violations.push_back("close of what is not open");
        return refuse(EBADF);
    }
    const std::string name = file->second;
    open_files.erase(file); // gone even when the call reports an error, as in Linux
    if (!files.contains(name))
        log.push_back("close " + name);
    if (name == "VM" && !slots.empty())
        violations.push_back("VM closed before its slots were deleted");
    if ((name == "/dev/vfio/vfio" || name == "/dev/iommu") && !dma.empty())
        violations.push_back(name + " closed before its memory was unmapped");
    for (const auto& [address, path] : mapped_file)
        if (path == name)
            violations.push_back(name + " closed before it was unmapped");
    return reports_error ? refuse(fail_with) : 0;
}

int FakeSyscalls::ioctl(int fd, unsigned long request, void* argument) {
    if (injected())
        return refuse(fail_with);
    if (!open_files.contains(fd))
        return refuse(EBADF);
    if (const auto refusal = refused.find(fmt::format("ioctl {:#x}", request)); refusal != refused.end())
        return refuse(refusal->second);
    const int result = answer(fd, request, argument);
    return result < 0 ? refuse(-result) : result;
}

int FakeSyscalls::list_retired(void* argument) const {
    uapi::EgmRetiredPagesList header;
    std::memcpy(&header, argument, sizeof header);
    const std::uint32_t room = header.argsz;
    const auto needed = std::uint32_t(sizeof header + retired.size() * sizeof(uapi::EgmRetiredPage));
    if (list_always_grows || room < needed) {
        header = {list_always_grows ? room + 16 : needed, 0};
        std::memcpy(argument, &header, sizeof header);
        return short_list_is_enospc ? -ENOSPC : 0;
    }
    header.count = std::uint32_t(retired.size());
    std::memcpy(argument, &header, sizeof header);
    if (!retired.empty())
        std::memcpy(static_cast<char*>(argument) + sizeof header, retired.data(), needed - sizeof header);
    return 0;
}

int FakeSyscalls::map_dma(std::uint64_t iova, std::uint64_t hva, std::uint64_t size, bool iommufd) {
    const bool is_egm = mapped_file.contains(hva);
    if (iommufd && is_egm && !iommufd_takes_egm)
        return -EFAULT;
    for (const auto& [begin, length] : dma)
        if (begin < iova + size && iova < begin + length)
            return -EEXIST;
    dma[iova] = size;
    log.push_back(fmt::format("map DMA {:#x}", iova));
    return 0;
}

int FakeSyscalls::unmap_dma(std::uint64_t iova, std::uint64_t& size, bool iommufd) {
    const std::uint64_t end = iova + size;
    for (const auto& [begin, length] : dma)
        if (begin < end && iova < begin + length && (begin < iova || end < begin + length))
            return iommufd ? -ENOENT : -EINVAL;
    size = 0;
    std::erase_if(dma, [&](const auto& piece) {
        const bool inside = iova <= piece.first && piece.first < end;
        size += inside ? piece.second : 0;
        return inside;
    });
    if (size == 0)
        return iommufd ? -ENOENT : 0;
    log.push_back(fmt::format("unmap DMA {:#x}", iova));
    return 0;
}

int FakeSyscalls::answer(int fd, unsigned long request, void* argument) {
    const auto value = reinterpret_cast<std::uintptr_t>(argument);
    switch (request) {
    case uapi::kEgmRetiredPagesList:
        return list_retired(argument);
    case uapi::kKvmGetApiVersion:
        return uapi::kKvmApiVersion;
    case uapi::kKvmCheckExtension:
        return value == std::uintptr_t(uapi::kKvmCapArmVmIpaSize)                  ? ipa_bits_max
               : value == std::uintptr_t(uapi::kKvmCapArmCacheablePfnmapSupported) ? takes_pfnmap
                                                                                   : 0;
    case uapi::kKvmCreateVm:
        vm_type = value;
        return add_file("VM");
    case uapi::kKvmSetUserMemoryRegion: {
        const auto& region = *static_cast<const uapi::KvmUserspaceMemoryRegion*>(argument);
        if (region.flags & uapi::kKvmMemLogDirtyPages)
            violations.push_back("dirty-page logging asked for");
        if (region.memory_size == 0)
            slots.erase(region.slot);
        else
            slots.insert(region.slot);
        log.push_back(fmt::format("{} slot {}", region.memory_size == 0 ? "delete" : "set", region.slot));
        return 0;
    }
    case uapi::kVfioGetApiVersion:
        return uapi::kVfioApiVersion;
    case uapi::kVfioCheckExtension:
        return value == uapi::kVfioType1v2Iommu;
    case uapi::kVfioGroupGetStatus:
        static_cast<uapi::VfioGroupStatus*>(argument)->flags = uapi::kVfioGroupFlagsViable;
        return 0;
    case uapi::kVfioGroupGetDeviceFd:
        return add_file(static_cast<const char*>(argument));
    case uapi::kVfioIommuMapDma: {
        const auto& map = *static_cast<const uapi::VfioIommuType1DmaMap*>(argument);
        if (map.flags != (uapi::kVfioDmaMapFlagRead | uapi::kVfioDmaMapFlagWrite))
            violations.push_back("DMA mapping that is not readable and writable");
        return map_dma(map.iova, map.vaddr, map.size, false);
    }
    case uapi::kVfioIommuUnmapDma: {
        auto& unmap = *static_cast<uapi::VfioIommuType1DmaUnmap*>(argument);
        return unmap_dma(unmap.iova, unmap.size, false);
    }
    case uapi::kIommuIoasAlloc:
        static_cast<uapi::IommuIoasAlloc*>(argument)->out_ioas_id = 7;
        return 0;
    case uapi::kIommuIoasMap: {
        const auto& map = *static_cast<const uapi::IommuIoasMap*>(argument);
        if (map.flags != 7)
            violations.push_back("DMA mapping that is not fixed, readable and writable");
        return map_dma(map.iova, map.user_va, map.length, true);
    }
    case uapi::kIommuIoasUnmap: {
        auto& unmap = *static_cast<uapi::IommuIoasUnmap*>(argument);
        return unmap_dma(unmap.iova, unmap.length, true);
    }
    case uapi::kVfioGroupSetContainer:
        return open_files.contains(*static_cast<const int*>(argument)) ? 0 : -EINVAL;
    case uapi::kVfioDeviceBindIommufd:
        return open_files.contains(static_cast<const uapi::VfioDeviceBindIommufd*>(argument)->iommufd) ? 0 : -EBADF;
    case uapi::kVfioDeviceAttachIommufdPt:
        return static_cast<const uapi::VfioDeviceAttachIommufdPt*>(argument)->pt_id == 7 ? 0 : -ENOENT;
    case uapi::kVfioSetIommu:
        if (std::exchange(iommu_is_set_, true))
            violations.push_back("the container's IOMMU set twice");
        return 0;
    case uapi::kVfioDeviceGetInfo:
        return 0;
    default:
        violations.push_back(fmt::format("unexpected ioctl {:#x} on {}", request, open_files.at(fd)));
        return -ENOTTY;
    }
}

void* FakeSyscalls::mmap(void* address, std::size_t size, int, int flags, int fd, std::int64_t) {
    if (injected()) {
        refuse(fail_with);
        return kMapFailed;
    }
    auto at = reinterpret_cast<std::uintptr_t>(address);
    if (flags & MAP_FIXED) {
        const auto around = std::prev(mapped.upper_bound(at));
        if (around->first > at || at + size > around->first + around->second)
            violations.push_back("MAP_FIXED over memory that is not ours");
    } else {
        at = next_address_;
        next_address_ += size + page;
        mapped[at] = size;
    }
    if (fd >= 0) {
        mapped_file[at] = open_files.at(fd);
        log.push_back("map " + open_files.at(fd));
        if (!(flags & MAP_SHARED))
            violations.push_back("private mapping of a carveout");
    }
    return reinterpret_cast<void*>(at);
}

int FakeSyscalls::munmap(void* address, std::size_t size) {
    if (injected())
        return refuse(fail_with);
    const auto at = reinterpret_cast<std::uintptr_t>(address);
    const auto piece = std::find_if(mapped.begin(), mapped.end(), [&](const auto& entry) {
        return entry.first <= at && at + size <= entry.first + entry.second;
    });
    if (piece == mapped.end()) {
        violations.push_back("munmap of what is not mapped");
        return refuse(EINVAL);
    }
    const auto [begin, length] = *piece;
    mapped.erase(piece);
    if (begin < at)
        mapped[begin] = at - begin;
    if (at + size < begin + length)
        mapped[at + size] = begin + length - at - size;
    for (auto file = mapped_file.begin(); file != mapped_file.end();) {
        const bool inside = at <= file->first && file->first < at + size;
        if (inside)
            log.push_back("unmap " + file->second);
        file = inside ? mapped_file.erase(file) : std::next(file);
    }
    return 0;
}

std::int64_t FakeSyscalls::pread(int fd, void* into, std::size_t size, std::int64_t offset) {
    if (injected())
        return refuse(fail_with);
    const std::string& text = files.at(open_files.at(fd));
    const std::size_t begin = std::min<std::size_t>(std::size_t(offset), text.size());
    const std::size_t count = std::min(size, text.size() - begin);
    std::memcpy(into, text.data() + begin, count);
    return std::int64_t(count);
}

int FakeSyscalls::list_directory(const char* path, std::vector<std::string>& names) {
    if (injected())
        return refuse(fail_with);
    const auto directory = directories.find(path);
    if (directory == directories.end())
        return refuse(ENOENT);
    names = directory->second;
    return 0;
}

int FakeSyscalls::readlink(const char* path, std::string& target) {
    if (injected())
        return refuse(fail_with);
    const auto link = links.find(path);
    if (link == links.end())
        return refuse(ENOENT);
    target = link->second;
    return 0;
}

} // namespace egm
