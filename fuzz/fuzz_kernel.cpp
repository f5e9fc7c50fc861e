// A kernel that answers anything: the texts of sysfs and /proc, the directories, the links, and what each ioctl returns
// and writes come from the input. Discovery, the doctor, a bring-up of everything that was found, and its undoing must
// end with a result or an error, and leave no file open and nothing mapped.
//
// Bytes are taken in the order of the calls. Where they run out, calls succeed and answer zeros.
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>
#include <set>
#include <string>

#include <sys/mman.h>

#include "egm/bring_up.h"
#include "egm/discovery.h"
#include "egm/doctor.h"
#include "egm/uapi/kvm.h"
#include "egm/uapi/vfio.h"

namespace {

void require(bool holds, const char* what) {
    if (!holds) {
        std::cerr << what << '\n';
        std::abort();
    }
}

class Bytes {
public:
    Bytes(const std::uint8_t* data, std::size_t size) : at_(data), end_(data + size) {}

    std::uint8_t next() { return at_ == end_ ? 0 : *at_++; }
    std::size_t left() const { return std::size_t(end_ - at_); }
    /// Up to `size` bytes.
    std::string text(std::size_t size) {
        size = std::min(size, left());
        std::string text(reinterpret_cast<const char*>(at_), size);
        at_ += size;
        return text;
    }

private:
    const std::uint8_t* at_;
    const std::uint8_t* end_;
};

class AnyKernel final : public egm::Syscalls {
public:
    explicit AnyKernel(Bytes bytes) : bytes_(bytes) {
        constexpr std::size_t kPages[] = {4 * egm::kKiB, 16 * egm::kKiB, 64 * egm::kKiB, 64 * egm::kKiB};
        page_ = kPages[bytes_.next() % 4];
    }
    ~AnyKernel() override {
        require(open_.empty(), "a file stays open");
        require(mapped_.empty(), "memory stays mapped");
    }

    int open(const char*, int) override { return fails() ? -1 : new_file(); }
    int close(int fd) override {
        require(open_.erase(fd) == 1, "a file is closed that is not open");
        return 0;
    }
    int ioctl(int fd, unsigned long request, void* argument) override {
        require(open_.contains(fd), "a call on a file that is not open");
        if (fails())
            return -1;
        using namespace egm::uapi;
        if (request == kVfioGroupGetDeviceFd || request == kKvmCreateVm || request == kEgmExportDmabufNumber)
            return new_file();
        const bool by_value = request == kVfioGetApiVersion || request == kVfioCheckExtension ||
                              request == kVfioSetIommu || request == kKvmGetApiVersion || request == kKvmCheckExtension;
        if (by_value)
            return answers_[request] != 0 ? answers_[request] : (answers_[request] = usual_answer(request));
        if (request != kVfioGroupSetContainer && request != kKvmSetUserMemoryRegion)
            write_over(argument);
        return 0;
    }
    void* mmap(void* address, std::size_t size, int, int flags, int, std::int64_t) override {
        if (fails())
            return egm::kMapFailed;
        if (flags & MAP_FIXED)
            return address;
        const std::uint64_t at = next_address_;
        next_address_ += egm::align_up(size, egm::kGiB) + page_;
        mapped_[at] = size;
        return reinterpret_cast<void*>(at);
    }
    int munmap(void* address, std::size_t size) override {
        forget(reinterpret_cast<std::uintptr_t>(address), egm::align_up(size, page_));
        return 0;
    }
    std::int64_t pread(int fd, void* into, std::size_t size, std::int64_t offset) override {
        require(open_.contains(fd), "a read of a file that is not open");
        if (fails())
            return -1;
        if (offset != 0)
            return 0;
        const std::string text = bytes_.text(std::min<std::size_t>(size, bytes_.next()));
        std::memcpy(into, text.data(), text.size());
        return std::int64_t(text.size());
    }
    std::int64_t pwrite(int, const void*, std::size_t, std::int64_t) override { return refuse(EIO); }
    int fsync(int) override { return refuse(EIO); }
    int rename(const char*, const char*) override { return refuse(EIO); }
    int unlink(const char*) override { return refuse(EIO); }
    int list_directory(const char*, std::vector<std::string>& names) override {
        constexpr const char* kNames[] = {"egm4", "egm5",         "0008:01:00.0", "0009:01:00.0", "device",
                                          "7",    "gpu_devices",  "egm_size",     "vfio0",        "egm99999999999",
                                          "egm4", "0008:01:00.0", "egm",          "kvm",          "1000"};
        names.clear();
        if (fails())
            return -1;
        for (unsigned left = bytes_.next() % 6; left > 0; --left) {
            const unsigned choice = bytes_.next() % 16;
            names.push_back(choice < std::size(kNames) ? kNames[choice] : bytes_.text(bytes_.next() % 16));
        }
        return 0;
    }
    int readlink(const char*, std::string& target) override {
        if (fails())
            return -1;
        constexpr const char* kTargets[] = {"../../kernel/iommu_groups/7", "../drivers/nvgrace-gpu-vfio-pci",
                                            "/dev/egm4"};
        const unsigned choice = bytes_.next() % 4;
        target = choice < std::size(kTargets) ? kTargets[choice] : bytes_.text(bytes_.next() % 32);
        return 0;
    }
    std::size_t page_size() override { return page_; }

private:
    static constexpr unsigned long kEgmExportDmabufNumber = 0xC0104565;

    int refuse(int error_number) {
        errno = error_number;
        return -1;
    }
    bool fails() {
        constexpr int kErrors[] = {EIO, EINVAL, ENOENT, EBUSY, EFAULT, ENOSPC, EMSGSIZE, ENOTTY};
        const unsigned choice = bytes_.next();
        if (choice < 0xF8)
            return false;
        errno = kErrors[choice - 0xF8];
        return true;
    }
    int new_file() {
        open_.insert(next_fd_);
        return next_fd_++;
    }
    int usual_answer(unsigned long request) {
        using namespace egm::uapi;
        const unsigned choice = bytes_.next();
        if (choice >= 0xF0)
            return int(choice - 0xF0);
        return request == kKvmGetApiVersion    ? kKvmApiVersion
               : request == kKvmCheckExtension ? 1
               : request == kVfioGetApiVersion ? 0
                                               : 1;
    }
    /// Over the struct behind its size, which may change too: the kernel writes no more than it was told to.
    void write_over(void* argument) {
        std::uint32_t size = 0;
        std::memcpy(&size, argument, sizeof size);
        const std::uint8_t how = bytes_.next();
        if (size > sizeof size && how < 0x80) {
            const std::string text = bytes_.text(std::min<std::size_t>(size - sizeof size, how));
            std::memcpy(static_cast<char*>(argument) + sizeof size, text.data(), text.size());
        }
        if (how >= 0xE0) {
            const std::uint32_t other = how < 0xF0 ? size + 16u * (how & 15) : ~0u;
            std::memcpy(argument, &other, sizeof other);
        }
    }
    /// Takes [begin, begin + size) out of what is mapped; all of it must be.
    void forget(std::uint64_t begin, std::uint64_t size) {
        auto piece = mapped_.upper_bound(begin);
        require(piece != mapped_.begin(), "memory is unmapped that was never mapped");
        --piece;
        const auto [from, bytes] = *piece;
        require(begin + size <= from + egm::align_up(bytes, page_), "more is unmapped than was mapped");
        mapped_.erase(piece);
        if (from < begin)
            mapped_[from] = begin - from;
        if (begin + size < from + bytes)
            mapped_[begin + size] = from + bytes - begin - size;
    }

    Bytes bytes_;
    std::size_t page_;
    std::set<int> open_;
    std::map<std::uint64_t, std::uint64_t> mapped_;
    std::map<unsigned long, int> answers_;
    int next_fd_ = 3;
    std::uint64_t next_address_ = 0x7000'0000'0000;
};

struct Silent final : egm::StepListener {
    void begin(std::string_view, std::string_view) override {}
    void end() override {}
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Bytes bytes(data, size);
    const std::uint8_t mode = bytes.next();
    AnyKernel kernel(bytes);
    if (mode & 0x80) {
        egm::examine(kernel);
        return 0;
    }
    const auto found = egm::discover(kernel);
    if (!found)
        return 0;
    egm::VmRequest request{.name = "vm0", .vcpus = 4};
    request.iommu = egm::IommuMode(mode % 4);
    request.require_all_gpus = (mode & 4) != 0;
    for (const egm::CarveoutInfo& carveout : *found) {
        request.regions.push_back({.pxm = carveout.pxm});
        request.gpu_bdfs.insert(request.gpu_bdfs.end(), carveout.gpu_bdfs.begin(), carveout.gpu_bdfs.end());
    }
    if (found->empty())
        request.legacy_memory_bytes = egm::kGiB;
    Silent silent;
    const auto vm = egm::bring_up(kernel, request, silent);
    require(vm || !vm.error().call.empty(), "an error that names no call");
    return 0;
}
