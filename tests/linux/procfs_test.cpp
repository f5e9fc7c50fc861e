// /proc, modules and what a host lacks: does a doctor read what the configuration says?

#include <gmock/gmock.h>

#include "tests/linux/kernel_test.h"

namespace test {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Procfs, LimitsShowMemlockAndOpenFiles) {
    auto config = small_host();
    config.memlock_limit = 8 * kMiB;
    config.nofile_limit = 4096;
    Kernel k(config);
    const std::string limits = k.text("/proc/self/limits");
    EXPECT_THAT(limits, HasSubstr("Max locked memory         8388608              8388608              bytes     \n"));
    EXPECT_THAT(limits, HasSubstr("Max open files            4096 "));
    EXPECT_THAT(Kernel().text("/proc/self/limits"), HasSubstr("Max locked memory         unlimited            "));
}

TEST(Procfs, CapabilitiesFollowUserAndMemlock) {
    EXPECT_THAT(Kernel().text("/proc/self/status"), HasSubstr("CapEff:\t000001ffffffffff\n"));
    auto config = small_host();
    config.memlock_limit = kMiB;
    EXPECT_THAT(Kernel(config).text("/proc/self/status"), HasSubstr("CapEff:\t000001ffffffbfff\n"))
        << "no CAP_IPC_LOCK";
    config.root = false;
    const std::string status = Kernel(config).text("/proc/self/status");
    EXPECT_THAT(status, HasSubstr("CapEff:\t0000000000000000\n"));
    EXPECT_THAT(status, Not(HasSubstr("Uid:\t0\t")));
}

TEST(Procfs, ReleaseIsTheConfiguredVersion) {
    auto config = small_host();
    config.version = 612;
    Kernel k(config);
    EXPECT_EQ(k.text("/proc/sys/kernel/osrelease"), "6.12.0\n");
    EXPECT_THAT(k.text("/proc/version"), HasSubstr("Linux version 6.12.0 "));
}

TEST(Modules, ShowWhatIsThere) {
    Kernel k;
    for (const char* module :
         {"vfio", "vfio_pci", "vfio_iommu_type1", "iommufd", "kvm", "nvgrace_gpu_vfio_pci", "nvgrace_egm"}) {
        EXPECT_GE(k.open(std::string("/sys/module/") + module, O_RDONLY), 0) << module;
    }
    EXPECT_EQ(k.text("/sys/module/vfio_iommu_type1/parameters/dma_entry_limit"), "65535\n");
}

TEST(HostWithout, TheIommuHasNoGroupsAndNoBoundDevice) {
    auto config = small_host();
    config.iommu = false;
    Kernel k(config);
    EXPECT_EQ(k.open("/dev/vfio/7"), -ENOENT);
    EXPECT_EQ(k.open("/dev/vfio/devices/vfio0"), -ENOENT);
    std::string target;
    EXPECT_EQ(Kernel::answer(k.sys.readlink("/sys/bus/pci/devices/0008:01:00.0/iommu_group", target)), -ENOENT);
    EXPECT_EQ(Kernel::answer(k.sys.readlink("/sys/bus/pci/devices/0008:01:00.0/driver", target)), -ENOENT);
    EXPECT_GE(k.open("/dev/egm4"), 0) << "shape E2 does not ask for a bound GPU";
}

TEST(HostWithout, KvmType1OrIommufdHasNoNodeForIt) {
    auto config = small_host();
    config.kvm = config.type1 = config.iommufd = false;
    Kernel k(config);
    for (const char* node : {"/dev/kvm", "/dev/vfio/vfio", "/dev/iommu", "/dev/vfio/devices/vfio0"}) {
        EXPECT_EQ(k.open(node), -ENOENT) << node;
    }
    EXPECT_GE(k.open("/dev/vfio/7"), 0);
}

TEST(KernelVersion, BringsIommufdIn62AndDeviceNodesIn66) {
    auto config = small_host();
    config.version = 601;
    EXPECT_EQ(Kernel(config).open("/dev/iommu"), -ENOENT);
    config.version = 602;
    EXPECT_GE(Kernel(config).open("/dev/iommu"), 0);
    EXPECT_EQ(Kernel(config).open("/dev/vfio/devices/vfio0"), -ENOENT);
    config.version = 606;
    EXPECT_GE(Kernel(config).open("/dev/vfio/devices/vfio0"), 0);
}

} // namespace
} // namespace test
