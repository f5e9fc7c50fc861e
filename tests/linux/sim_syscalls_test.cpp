// The door itself: calls are counted, cost time, fail when told to, and leave nothing behind.

#include "tests/linux/kernel_test.h"

namespace test {
namespace {

struct SimSyscallsTest : testing::Test {
    Kernel kernel;
};

TEST_F(SimSyscallsTest, EveryCallIsCountedAndTakesItsBaseCost) {
    std::vector<std::string> names;
    std::string target;
    char byte = 0;
    const auto took = kernel.time([&] {
        kernel.close(99);
        kernel.ioctl(99, 0);
        kernel.munmap(0, 0);
        kernel.map_anonymous(0);
        kernel.sys.pread(99, &byte, 1, 0);
        kernel.sys.list_directory("/none", names);
        kernel.sys.readlink("/none", target);
        kernel.sys.page_size();
    });
    EXPECT_EQ(kernel.sys.calls(), 7u);
    EXPECT_EQ(took, 7 * models::linux::CallCosts{}.syscall_ps);
}

TEST_F(SimSyscallsTest, NthCallFromNowFailsWithoutEffectAndOnlyThat) {
    kernel.sys.fail_call(2, ENOSPC);
    EXPECT_GE(kernel.open("/dev/egm4"), 0);
    EXPECT_EQ(kernel.open("/dev/kvm"), -ENOSPC);
    EXPECT_EQ(kernel.sys.open_state().fds, 1u);
    EXPECT_GE(kernel.open("/dev/kvm"), 0);
    kernel.sys.fail_call(1, EINTR);
    EXPECT_EQ(kernel.map_anonymous(kMiB), -EINTR);
    EXPECT_EQ(kernel.sys.open_state().vmas, 0u);
}

TEST_F(SimSyscallsTest, CloseThatFailsHasReleasedItsDescriptorAllTheSame) {
    const auto fd = kernel.open("/dev/egm4");
    kernel.sys.fail_call(1, EIO);
    EXPECT_EQ(kernel.close(fd), -EIO);
    EXPECT_EQ(kernel.sys.open_state().fds, 0u);
    EXPECT_EQ(kernel.close(fd), -EBADF);
    EXPECT_EQ(kernel.open("/dev/egm4"), fd); // the carveout's only opener is gone
}

TEST_F(SimSyscallsTest, LowestFreeDescriptorIsGivenOut) {
    EXPECT_EQ(kernel.open("/dev/kvm"), 3);
    EXPECT_EQ(kernel.open("/dev/kvm"), 4);
    kernel.close(3);
    EXPECT_EQ(kernel.open("/dev/kvm"), 3);
    EXPECT_EQ(kernel.open("/dev/kvm"), 5);
    EXPECT_EQ(kernel.close(99), -EBADF);
}

/// A whole bring-up; false when a call failed, and then everything that was acquired is let go.
bool bring_up_and_down(Kernel& kernel) {
    std::vector<std::int64_t> fds;
    std::uint64_t at = 0;
    const auto up = [&] {
        for (const char* path : {"/dev/egm4", "/dev/kvm", "/dev/vfio/vfio", "/dev/vfio/7"}) {
            const auto fd = kernel.open(path);
            if (fd < 0) {
                return false;
            }
            fds.push_back(fd);
        }
        const auto mapped = kernel.map_file(fds[0], 4 * kGiB);
        if (mapped < 0) {
            return false;
        }
        at = u64(mapped);
        const auto vm = kernel.ioctl_value(fds[1], uapi::kKvmCreateVm, 48);
        if (vm < 0) {
            return false;
        }
        fds.push_back(vm);
        uapi::KvmUserspaceMemoryRegion slot{0, 0, kGiB, 4 * kGiB, at};
        int container = static_cast<int>(fds[2]);
        uapi::VfioIommuType1DmaMap map{sizeof map, 3, at, kGiB, 4 * kGiB};
        char bdf[] = "0008:01:00.0";
        if (kernel.ioctl(vm, uapi::kKvmSetUserMemoryRegion, &slot) < 0 ||
            kernel.ioctl(fds[3], uapi::kVfioGroupSetContainer, &container) < 0 ||
            kernel.ioctl_value(container, uapi::kVfioSetIommu, uapi::kVfioType1v2Iommu) < 0 ||
            kernel.ioctl(container, uapi::kVfioIommuMapDma, &map) < 0) {
            return false;
        }
        const auto gpu = kernel.ioctl(fds[3], uapi::kVfioGroupGetDeviceFd, bdf);
        if (gpu >= 0) {
            fds.push_back(gpu);
        }
        return gpu >= 0;
    };
    const bool done = up();
    if (at != 0) {
        EXPECT_EQ(kernel.munmap(at, 4 * kGiB), 0);
    }
    for (auto fd = fds.rbegin(); fd != fds.rend(); ++fd) {
        EXPECT_EQ(kernel.close(*fd), 0);
    }
    return done;
}

TEST_F(SimSyscallsTest, UndoLeavesNothingWhicheverCallFails) {
    EXPECT_TRUE(bring_up_and_down(kernel));
    EXPECT_EQ(kernel.sys.open_state(), SimSyscalls::OpenState{});
    for (std::uint64_t n = 1; n <= 11; ++n) {
        Kernel failing;
        failing.sys.fail_call(n, EIO);
        EXPECT_FALSE(bring_up_and_down(failing)) << "call " << n;
        EXPECT_EQ(failing.sys.open_state(), SimSyscalls::OpenState{}) << "call " << n;
        EXPECT_TRUE(bring_up_and_down(failing)) << "a second attempt after call " << n;
    }
}

TEST_F(SimSyscallsTest, ProcessThatEndsWithEverythingOpenTakesNoTime) {
    CountingClock clock;
    models::SparseStore store;
    std::uint64_t before = 0;
    {
        SimSyscalls sys(small_host(), clock, store);
        int container = sys.open("/dev/vfio/vfio", O_RDWR);
        const int group = sys.open("/dev/vfio/7", O_RDWR);
        sys.ioctl(group, uapi::kVfioGroupSetContainer, &container);
        sys.ioctl(container, uapi::kVfioSetIommu, reinterpret_cast<void*>(uapi::kVfioType1v2Iommu));
        const int egm = sys.open("/dev/egm4", O_RDWR);
        void* at = sys.mmap(nullptr, kGiB, PROT_READ | PROT_WRITE, MAP_SHARED, egm, 0);
        uapi::VfioIommuType1DmaMap map{sizeof map, 3, reinterpret_cast<std::uintptr_t>(at), kGiB, kGiB};
        EXPECT_EQ(sys.ioctl(container, uapi::kVfioIommuMapDma, &map), 0);
        before = clock.now;
    }
    EXPECT_EQ(clock.now, before);
}

} // namespace
} // namespace test
