#pragma once

#include <cerrno>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include "egm/uapi/egm.h"
#include "egm/uapi/iommufd.h"
#include "egm/uapi/kvm.h"
#include "egm/uapi/vfio.h"
#include "models/linux/sim_syscalls.h"

/// The tests of the modelled kernel drive it through raw system calls.
namespace test {

namespace uapi = egm::uapi;
using egm::kGiB;
using egm::kKiB;
using egm::kMiB;
using models::linux::KernelConfig;
using models::linux::SimSyscalls;
using models::linux::Translation;

inline constexpr std::uint64_t kMaxU64 = std::numeric_limits<std::uint64_t>::max();

struct CountingClock final : models::linux::Clock {
    void pass(std::uint64_t picoseconds) override { now += picoseconds; }
    std::uint64_t now = 0;
};

/// One socket of a GB200 tray, small: a 4 GiB carveout at 16 TiB, whose GPUs are 0008:01:00.0 (group 7, vfio0) and
/// 0009:01:00.0 (group 8, vfio1) with 4 GiB of memory each; 1 GiB of host memory.
inline KernelConfig small_host(std::uint64_t page_size = 4 * kKiB) {
    KernelConfig config;
    config.page_size = page_size;
    config.gpus = {{.bdf = "0008:01:00.0",
                    .iommu_group = 7,
                    .vfio_index = 0,
                    .device_id = 0x2941,
                    .socket = 0,
                    .hbm = {{0x2000'0000'0000}, 4 * kGiB}},
                   {.bdf = "0009:01:00.0",
                    .iommu_group = 8,
                    .vfio_index = 1,
                    .device_id = 0x2941,
                    .socket = 0,
                    .hbm = {{0x2100'0000'0000}, 4 * kGiB}}};
    config.carveouts = {
        {.pxm = 4, .range = {{0x1000'0000'0000}, 4 * kGiB}, .gpu_bdfs = {"0008:01:00.0", "0009:01:00.0"}}};
    config.host_memory = {{{0x8000'0000}, kGiB}};
    return config;
}

/// A kernel with a counting clock, and shorthand for calls. A call that fails is its negative errno.
class Kernel {
public:
    explicit Kernel(KernelConfig config = small_host())
        : page(config.page_size), sys(std::move(config), clock, store) {}

    std::int64_t open(const std::string& path, int flags = O_RDWR) { return answer(sys.open(path.c_str(), flags)); }
    std::int64_t close(std::int64_t fd) { return answer(sys.close(static_cast<int>(fd))); }
    std::int64_t ioctl(std::int64_t fd, unsigned long request, void* argument = nullptr) {
        return answer(sys.ioctl(static_cast<int>(fd), request, argument));
    }
    std::int64_t ioctl_value(std::int64_t fd, unsigned long request, std::uintptr_t value) {
        return ioctl(fd, request, reinterpret_cast<void*>(value));
    }
    std::int64_t mmap(std::uint64_t address, std::uint64_t size, int flags, std::int64_t fd = -1,
                      std::uint64_t offset = 0, int protection = PROT_READ | PROT_WRITE) {
        void* at = sys.mmap(reinterpret_cast<void*>(address), size, protection, flags, static_cast<int>(fd),
                            static_cast<std::int64_t>(offset));
        return at == egm::kMapFailed ? -errno : static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(at));
    }
    std::int64_t map_file(std::int64_t fd, std::uint64_t size, std::uint64_t offset = 0, std::uint64_t address = 0) {
        return mmap(address, size, MAP_SHARED | (address != 0 ? MAP_FIXED : 0), fd, offset);
    }
    std::int64_t map_anonymous(std::uint64_t size, int protection = PROT_READ | PROT_WRITE) {
        return mmap(0, size, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0, protection);
    }
    std::int64_t munmap(std::uint64_t address, std::uint64_t size) {
        return answer(sys.munmap(reinterpret_cast<void*>(address), size));
    }
    std::string text(const std::string& path) {
        const std::int64_t fd = open(path, O_RDONLY);
        if (fd < 0) {
            return "errno " + std::to_string(-fd);
        }
        char buffer[4096];
        const std::int64_t size = sys.pread(static_cast<int>(fd), buffer, sizeof buffer, 0);
        close(fd);
        return {buffer, static_cast<std::size_t>(size)};
    }

    /// Simulated time of `body`, ps.
    template <class Body>
    std::uint64_t time(Body body) {
        const std::uint64_t begin = clock.now;
        body();
        return clock.now - begin;
    }

    static std::int64_t answer(std::int64_t result) { return result < 0 ? -errno : result; }

    CountingClock clock;
    models::SparseStore store;
    const std::uint64_t page;
    SimSyscalls sys;
};

inline std::uint64_t u64(std::int64_t value) { return static_cast<std::uint64_t>(value); }

} // namespace test
