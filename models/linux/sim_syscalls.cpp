#include "models/linux/sim_syscalls.h"

#include <algorithm>
#include <cassert>
#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>

#include "models/linux/blocks.h"
#include "models/linux/call_argument.h"
#include "models/linux/edu_device.h"
#include "models/linux/iommufd.h"
#include "models/linux/kvm.h"
#include "models/linux/memfd.h"
#include "models/linux/nvgrace_gpu.h"
#include "models/linux/procfs.h"
#include "models/linux/sysfs.h"
#include "models/linux/vfio_device.h"
#include "models/linux/vfio_type1.h"

namespace models::linux {

namespace {

constexpr int kProcess = 1000; ///< the id that procfs tells of the only process

/// A kernel's answer as libc gives it to its caller.
std::int64_t answer(std::int64_t result) {
    if (result >= 0) {
        return result;
    }
    errno = static_cast<int>(-result);
    return -1;
}

} // namespace

SimSyscalls::SimSyscalls(KernelConfig config, Clock& clock, models::SparseStore& store)
    : host_(std::move(config), clock, store), egm_driver_(start_egm_driver(host_.config)) {
    add_sysfs(tree_, host_.config, egm_driver_);
    add_procfs(tree_, host_.config);
    add_device_nodes();
}

SimSyscalls::~SimSyscalls() { host_.exit_process(); }

void SimSyscalls::add_device_nodes() {
    const KernelConfig& config = host_.config;
    for (const CarveoutConfig& carveout : config.carveouts) {
        if (!carveout.driver_loaded) {
            tree_.add_device(fmt::format("/dev/egm{}", carveout.pxm),
                             [this](std::shared_ptr<File>&) { return host_.config.root ? -ENXIO : -EACCES; });
        }
    }
    for (const EgmDriver::Node& node : egm_driver_.nodes) {
        EgmDevice& device = *carveouts_.emplace_back(std::make_unique<EgmDevice>(host_, node.carveout));
        tree_.add_device(fmt::format("/dev/egm{}", node.carveout.pxm), [this, &device](std::shared_ptr<File>& file) {
            return host_.config.root ? device.open(file) : -EACCES;
        });
    }
    for (const GpuConfig& gpu : config.gpus) {
        add_vfio_device(std::make_unique<NvgraceGpu>(host_, gpu, next_registers()),
                        {gpu.iommu_group, gpu.vfio_index, gpu.bound && config.iommu});
    }
    for (const PlainDeviceConfig& device : config.plain_devices) {
        add_vfio_device(std::make_unique<EduDevice>(host_, device, next_registers()),
                        {device.iommu_group, device.vfio_index, config.iommu});
    }
    for (auto& [number, group] : groups_) {
        tree_.add_device(fmt::format("/dev/vfio/{}", number),
                         [this, &group = group](std::shared_ptr<File>& file) { return group.open_file(host_, file); });
    }
    for (const auto& file : config.shared_memory_files) {
        const auto& memory = memory_files_.emplace_back(std::make_shared<MemfdFile>(host_, file.size));
        tree_.add_device(file.path, [memory](std::shared_ptr<File>& opened) {
            opened = memory;
            return 0;
        });
    }
    add_node<VfioContainerFile>("/dev/vfio/vfio", config.type1);
    add_node<IommufdFile>("/dev/iommu", has_iommufd(config));
    add_node<KvmFile>("/dev/kvm", config.kvm);
}

template <class Driver>
void SimSyscalls::add_node(const std::string& path, bool there) {
    if (there) {
        tree_.add_device(path, [this](std::shared_ptr<File>& file) {
            file = std::make_shared<Driver>(host_);
            return 0;
        });
    }
}

egm::Spa SimSyscalls::next_registers() const {
    // At the top of 52 bits, where no machine has memory.
    constexpr std::uint64_t kWindow = 0xF'0000'0000'0000, kStride = 64 * egm::kMiB;
    return {kWindow + devices_.size() * kStride};
}

void SimSyscalls::add_vfio_device(std::unique_ptr<VfioPciDevice> owned, const VfioPlace& place) {
    VfioPciDevice& device = *devices_.emplace_back(std::move(owned));
    if (!place.bound) {
        return;
    }
    VfioGroup& group = groups_[place.iommu_group];
    group.number = place.iommu_group;
    group.devices.push_back(&device);
    if (has_vfio_cdev(host_.config)) {
        tree_.add_device(fmt::format("/dev/vfio/devices/vfio{}", place.vfio_index),
                         [this, &device](std::shared_ptr<File>& file) {
                             file = std::make_shared<VfioDeviceFile>(host_, device, nullptr);
                             return 0;
                         });
    }
}

bool SimSyscalls::enter() {
    ++calls_;
    const bool fails = calls_ == failing_call_;
    host_.pass(host_.costs().syscall_ps);
    if (fails) {
        failing_call_ = 0;
        errno = failing_errno_;
    }
    return !fails;
}

void SimSyscalls::fail_call(std::uint64_t n, int error_number) {
    assert(n > 0 && error_number > 0);
    failing_call_ = calls_ + n;
    failing_errno_ = error_number;
}

int SimSyscalls::open(const char* path, int flags) {
    if (!enter()) {
        return -1;
    }
    if (!is_user_pointer(path)) {
        return static_cast<int>(answer(-EFAULT));
    }
    host_.pass(host_.costs().open_ps);
    if (host_.fds.full()) {
        return static_cast<int>(answer(-EMFILE)); // before the driver hears of it
    }
    std::shared_ptr<File> file;
    if (const int error = tree_.open(path, flags, file); error < 0) {
        return static_cast<int>(answer(error));
    }
    const int fd = host_.fds.install(std::move(file), flags);
    if (fd >= 0) {
        tree_.add_symlink(fmt::format("/proc/{}/fd/{}", kProcess, fd), path);
    }
    return static_cast<int>(answer(fd));
}

int SimSyscalls::close(int fd) {
    const bool good = enter();
    const int asked_for = errno;
    tree_.remove_symlink(fmt::format("/proc/{}/fd/{}", kProcess, fd));
    const int error = host_.fds.close(fd); // Linux releases the descriptor whatever close returns: close(2)
    if (!good) {
        errno = asked_for;
        return -1;
    }
    return static_cast<int>(answer(error));
}

int SimSyscalls::ioctl(int fd, unsigned long request, void* argument) {
    if (!enter()) {
        return -1;
    }
    const auto file = host_.fds.get(fd);
    return static_cast<int>(answer(file ? file->ioctl(request, argument) : -EBADF));
}

void* SimSyscalls::mmap(void* address, std::size_t size, int protection, int flags, int fd, std::int64_t offset) {
    if (!enter()) {
        return egm::kMapFailed;
    }
    const auto fail = [](int error_number) {
        errno = error_number;
        return egm::kMapFailed;
    };
    const int type = flags & MAP_TYPE;
    if (!egm::is_aligned(static_cast<std::uint64_t>(offset), host_.page_size())) {
        return fail(EINVAL);
    }
    AddressSpace::Request request{.address = reinterpret_cast<std::uintptr_t>(address),
                                  .size = size,
                                  .protection = protection,
                                  .flags = flags,
                                  .offset = static_cast<std::uint64_t>(offset)};
    if ((flags & MAP_ANONYMOUS) == 0) {
        request.file = host_.fds.get(fd);
        if (!request.file) {
            return fail(EBADF);
        }
    } else if ((flags & MAP_HUGETLB) != 0) {
        return fail(ENOMEM); // no huge pages are reserved
    }
    if (size == 0 || (type != MAP_SHARED && type != MAP_PRIVATE && type != MAP_SHARED_VALIDATE)) {
        return fail(EINVAL);
    }
    if (request.file) {
        const int access = host_.fds.flags(fd) & O_ACCMODE;
        const bool writes = type != MAP_PRIVATE && (protection & PROT_WRITE) != 0;
        if (access == O_WRONLY || (writes && access != O_RDWR)) {
            return fail(EACCES);
        }
    }
    const std::int64_t result = host_.mm.map(request);
    if (result < 0) {
        return fail(static_cast<int>(-result));
    }
    const auto begin = static_cast<std::uint64_t>(result);
    if (const Vma* vma = host_.mm.find({begin}); vma->pfnmap && !vma->huge) {
        host_.pass(vma->size / host_.page_size() * host_.costs().pte_fill_ps);
    }
    return reinterpret_cast<void*>(begin);
}

int SimSyscalls::munmap(void* address, std::size_t size) {
    if (!enter()) {
        return -1;
    }
    const egm::Hva begin{reinterpret_cast<std::uintptr_t>(address)};
    std::uint64_t pages = 0;
    if (size <= AddressSpace::kSize && begin.value <= AddressSpace::kSize) {
        const egm::Hva end = begin + egm::align_up(size, host_.page_size());
        for (const Vma* vma : host_.mm.overlapping({begin, end - begin})) {
            const std::uint64_t bytes = std::min(vma->end(), end) - std::max(vma->begin, begin);
            pages += vma->spa && !vma->huge ? bytes / host_.page_size() : 0;
        }
    }
    const int result = host_.mm.unmap(begin.value, size);
    if (result == 0) {
        host_.pass(pages * host_.costs().pte_drop_ps);
    }
    return static_cast<int>(answer(result));
}

std::int64_t SimSyscalls::pread(int fd, void* into, std::size_t size, std::int64_t offset) {
    if (!enter()) {
        return -1;
    }
    if (offset < 0) {
        return answer(-EINVAL);
    }
    const auto file = host_.fds.get(fd);
    return answer(file ? file->pread(into, size, static_cast<std::uint64_t>(offset)) : -EBADF);
}

std::int64_t SimSyscalls::pwrite(int fd, const void* from, std::size_t size, std::int64_t offset) {
    if (!enter()) {
        return -1;
    }
    if (offset < 0) {
        return answer(-EINVAL);
    }
    const auto file = host_.fds.get(fd);
    if (!file || (host_.fds.flags(fd) & O_ACCMODE) == O_RDONLY) {
        return answer(-EBADF);
    }
    return answer(file->pwrite(from, size, static_cast<std::uint64_t>(offset)));
}

int SimSyscalls::fsync(int fd) {
    if (!enter()) {
        return -1;
    }
    const auto file = host_.fds.get(fd);
    return static_cast<int>(answer(file ? file->fsync() : -EBADF));
}

int SimSyscalls::rename(const char* from, const char* to) {
    if (!enter()) {
        return -1;
    }
    const bool readable = is_user_pointer(from) && is_user_pointer(to);
    return static_cast<int>(answer(readable ? tree_.rename(from, to) : -EFAULT));
}

int SimSyscalls::unlink(const char* path) {
    if (!enter()) {
        return -1;
    }
    return static_cast<int>(answer(is_user_pointer(path) ? tree_.unlink(path) : -EFAULT));
}

int SimSyscalls::list_directory(const char* path, std::vector<std::string>& names) {
    if (!enter()) {
        return -1;
    }
    return static_cast<int>(answer(is_user_pointer(path) ? tree_.list(path, names) : -EFAULT));
}

int SimSyscalls::readlink(const char* path, std::string& target) {
    if (!enter()) {
        return -1;
    }
    return static_cast<int>(answer(is_user_pointer(path) ? tree_.readlink(path, target) : -EFAULT));
}

std::optional<Translation> SimSyscalls::stage2(int vm_fd, egm::Ipa ipa) {
    const auto vm = std::dynamic_pointer_cast<VmFile>(host_.fds.get(vm_fd));
    return vm ? vm->translate(ipa) : std::nullopt;
}

std::optional<Translation> SimSyscalls::fault(int vm_fd, egm::Ipa ipa) {
    const auto vm = std::dynamic_pointer_cast<VmFile>(host_.fds.get(vm_fd));
    return vm ? vm->fault(ipa) : std::nullopt;
}

std::map<std::uint64_t, std::uint64_t> SimSyscalls::stage2_blocks(int vm_fd, egm::Ipa ipa) const {
    const auto vm = std::dynamic_pointer_cast<VmFile>(host_.fds.get(vm_fd));
    return vm ? vm->blocks(ipa) : std::map<std::uint64_t, std::uint64_t>{};
}

VfioPciDevice& SimSyscalls::device(const std::string& bdf) const {
    const auto found =
        std::find_if(devices_.begin(), devices_.end(), [&](const auto& candidate) { return candidate->bdf == bdf; });
    assert(found != devices_.end());
    return **found;
}

std::optional<Translation> SimSyscalls::iommu(const std::string& bdf, egm::Iova iova) const {
    const auto& domain = device(bdf).domain;
    return domain ? domain->translate(iova) : std::nullopt;
}

bool SimSyscalls::poison(egm::Spa at) {
    return std::any_of(carveouts_.begin(), carveouts_.end(),
                       [&](const auto& carveout) { return carveout->poison(at); });
}

std::uint64_t SimSyscalls::dma_faults(const std::string& bdf) const {
    const auto* edu = dynamic_cast<const EduDevice*>(&device(bdf));
    assert(edu);
    return edu->dma_faults();
}

std::optional<Translation> SimSyscalls::host(egm::Hva hva) const {
    const Vma* vma = host_.mm.find(hva);
    if (!vma || (vma->protection & PROT_READ) == 0 || !vma->spa) {
        return std::nullopt;
    }
    const auto sizes = block_sizes(host_.page_size());
    std::uint64_t block = sizes.back();
    if (vma->huge || !vma->pfnmap) {
        block = block_at({vma->begin.value, vma->spa->value, vma->size}, hva.value, sizes);
    }
    if (!vma->pfnmap) {
        block = std::min(block, pmd_bytes(host_.page_size()));
    }
    return Translation{*vma->spa + (hva - vma->begin), block};
}

SimSyscalls::OpenState SimSyscalls::open_state() const {
    return {host_.fds.size(), host_.mm.size(), host_.dma_entries, host_.memory_slots, host_.pinned_bytes};
}

} // namespace models::linux
