#include "fake_syscalls.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <sys/mman.h>

#include "egm/uapi/kvm.h"

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
    if (device->second != 0)
        return refuse(device->second);
    return carveout_size_.contains(path) ? open_carveout(path) : add_file(path);
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
    unusable_.erase(fd);
    if (const auto device = device_id_.find(fd); device != device_id_.end()) {
        objects.erase(device->second);
        device_id_.erase(device);
    }
    if (name == "/dev/iommu") {
        for (const auto& [id, object] : objects)
            if (object.kind != "IOAS")
                violations.push_back(fmt::format("/dev/iommu closed before its {} was destroyed", object.kind));
        objects.clear();
    }
    if (!files.contains(name))
        log.push_back("close " + name);
    if (name == "VM" && !slots.empty())
        violations.push_back("VM closed before its slots were deleted");
    if ((name == "/dev/vfio/vfio" || name == "/dev/iommu") && !dma.empty())
        violations.push_back(name + " closed before its memory was unmapped");
    for (const auto& [address, path] : mapped_file)
        if (path == name && path.starts_with("/dev/egm"))
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

int FakeSyscalls::answer(int fd, unsigned long request, void* argument) {
    const std::string& name = open_files.at(fd);
    if (name.starts_with("/dev/egm"))
        return answer_egm(fd, request, argument);
    if (name == "/dev/kvm" || name == "VM")
        return answer_kvm(request, argument);
    if (name == "/dev/iommu")
        return answer_iommufd(request, argument);
    return answer_vfio(fd, request, argument);
}

int FakeSyscalls::answer_kvm(unsigned long request, void* argument) {
    const auto value = reinterpret_cast<std::uintptr_t>(argument);
    switch (request) {
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
    default:
        violations.push_back(fmt::format("unexpected ioctl {:#x} of KVM", request));
        return -ENOTTY;
    }
}

void* FakeSyscalls::mmap(void* address, std::size_t size, int, int flags, int fd, std::int64_t offset) {
    if (injected()) {
        refuse(fail_with);
        return kMapFailed;
    }
    if (fd >= 0 && carveout_size_.contains(open_files.at(fd)))
        if (const int error = check_carveout_mmap(fd, std::uint64_t(offset), size); error < 0) {
            refuse(-error);
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
        mapped_offset[at] = std::uint64_t(offset);
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
