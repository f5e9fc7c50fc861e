// sysfs: does discovery find what a real host shows?

#include <gmock/gmock.h>

#include "tests/linux/kernel_test.h"

namespace test {
namespace {

using testing::IsSupersetOf;
using testing::UnorderedElementsAre;

struct SysfsTest : testing::Test {
    Kernel kernel;

    std::vector<std::string> list(const std::string& path) {
        std::vector<std::string> names;
        EXPECT_EQ(Kernel::answer(kernel.sys.list_directory(path.c_str(), names)), 0) << path;
        return names;
    }
    std::string link(const std::string& path) {
        std::string target;
        EXPECT_EQ(Kernel::answer(kernel.sys.readlink(path.c_str(), target)), 0) << path;
        return target;
    }
};

TEST_F(SysfsTest, CarveoutShowsItsSizeAndItsGpus) {
    EXPECT_THAT(list("/sys/class/egm"), UnorderedElementsAre("egm4"));
    EXPECT_EQ(kernel.text("/sys/class/egm/egm4/egm_size"), "0x100000000\n");
    EXPECT_EQ(kernel.text("/sys/class/egm/egm4/dev"), "511:4\n");
    EXPECT_THAT(list("/sys/class/egm/egm4"),
                IsSupersetOf({"0008:01:00.0", "0009:01:00.0", "egm_size", "uevent", "power", "subsystem", "dev"}));
    EXPECT_EQ(kernel.text("/sys/class/egm/egm4/0009:01:00.0/device"), "0x2941\n") << "through the link";
}

TEST_F(SysfsTest, GpuShowsItsGroupSocketDriverAndCharacterDevice) {
    const std::string gpu = "/sys/bus/pci/devices/0008:01:00.0";
    EXPECT_EQ(kernel.text(gpu + "/vendor"), "0x10de\n");
    EXPECT_EQ(kernel.text(gpu + "/numa_node"), "0\n");
    EXPECT_TRUE(link(gpu + "/iommu_group").ends_with("/7"));
    EXPECT_TRUE(link(gpu + "/driver").ends_with("/nvgrace_gpu_vfio_pci"));
    EXPECT_THAT(list(gpu + "/vfio-dev"), UnorderedElementsAre("vfio0"));
    EXPECT_THAT(list(gpu + "/iommu_group/devices"), UnorderedElementsAre("0008:01:00.0"));
    EXPECT_THAT(list("/dev/vfio"), UnorderedElementsAre("7", "8", "devices", "vfio"));
}

TEST_F(SysfsTest, ErrorsAreThoseOfAFileSystem) {
    std::vector<std::string> names;
    std::string target;
    EXPECT_EQ(Kernel::answer(kernel.sys.list_directory("/sys/class/none", names)), -ENOENT);
    EXPECT_EQ(Kernel::answer(kernel.sys.list_directory("/sys/class/egm/egm4/egm_size", names)), -ENOTDIR);
    EXPECT_EQ(Kernel::answer(kernel.sys.list_directory(nullptr, names)), -EFAULT);
    EXPECT_EQ(Kernel::answer(kernel.sys.readlink("/sys/class/egm/egm4/egm_size", target)), -EINVAL);
    EXPECT_EQ(kernel.open("/sys/class/egm/egm4/egm_size", O_RDWR), -EACCES);
    EXPECT_EQ(kernel.open("/sys/class/egm", O_RDWR), -EISDIR);
    EXPECT_EQ(kernel.open("/sys/class/egm/egm4/egm_size/more", O_RDONLY), -ENOTDIR);
    EXPECT_EQ(kernel.open("/sys/class/egm/../egm/egm4/none", O_RDONLY), -ENOENT);
    EXPECT_EQ(kernel.open("egm4"), -ENOENT);
    EXPECT_EQ(Kernel::answer(kernel.sys.open(nullptr, O_RDONLY)), -EFAULT);
}

TEST_F(SysfsTest, TextIsReadPieceByPiece) {
    const auto fd = static_cast<int>(kernel.open("/sys/class/egm/egm4/egm_size", O_RDONLY));
    char text[4] = "xxx";
    EXPECT_EQ(kernel.sys.pread(fd, text, 2, 0), 2);
    EXPECT_EQ(kernel.sys.pread(fd, text + 2, 2, 10), 2);
    EXPECT_EQ(std::string(text, 4), "0x0\n");
    EXPECT_EQ(kernel.sys.pread(fd, text, 4, 12), 0) << "the end";
    EXPECT_EQ(Kernel::answer(kernel.sys.pread(fd, text, 4, -1)), -EINVAL);
    EXPECT_EQ(Kernel::answer(kernel.sys.pread(99, text, 4, 0)), -EBADF);
}

TEST_F(SysfsTest, HostWithoutEgmHasNoClass) {
    auto config = small_host();
    config.carveouts.clear();
    std::vector<std::string> names;
    EXPECT_EQ(Kernel::answer(Kernel(config).sys.list_directory("/sys/class/egm", names)), -ENOENT);
}

} // namespace
} // namespace test
