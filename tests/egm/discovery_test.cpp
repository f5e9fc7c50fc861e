// Discovery: are the carveouts and their GPUs found whatever driver shows them?

#include "egm/discovery.h"

#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "egm/sysfs.h"
#include "fake_syscalls.h"

namespace egm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct DiscoveryTest : testing::Test {
    FakeSyscalls kernel;
};

TEST_F(DiscoveryTest, MachineWithoutEgmHasNone) {
    auto carveouts = discover(kernel);
    ASSERT_TRUE(carveouts);
    EXPECT_THAT(*carveouts, IsEmpty());
}

TEST_F(DiscoveryTest, NewestDriverShowsGpusAsLinks) {
    kernel.add_gb200();
    auto carveouts = discover(kernel);
    ASSERT_TRUE(carveouts);
    ASSERT_EQ(carveouts->size(), 2u);
    EXPECT_EQ((*carveouts)[0].pxm, 4);
    EXPECT_EQ((*carveouts)[0].device_path, "/dev/egm4");
    EXPECT_EQ((*carveouts)[0].size, 0x6f'c000'0000u);
    EXPECT_THAT((*carveouts)[0].gpu_bdfs, ElementsAre("0008:01:00.0", "0009:01:00.0"));
    EXPECT_EQ((*carveouts)[1].pxm, 5);
    EXPECT_THAT(kernel.log, IsEmpty()) << "an open would clear the carveout";
}

TEST_F(DiscoveryTest, DriverOfThePostingsHasADeviceLinkBesideThem) {
    kernel.add_carveout(4, kGiB, {"0008:01:00.0"});
    kernel.directories["/sys/class/egm/egm4"].push_back("device");
    EXPECT_THAT((*discover(kernel))[0].gpu_bdfs, ElementsAre("0008:01:00.0"));
}

TEST_F(DiscoveryTest, DriverOf2024ListsGpusInAFile) {
    kernel.add_carveout(4, kGiB, {});
    kernel.directories["/sys/class/egm/egm4"].push_back("gpu_devices");
    kernel.files["/sys/class/egm/egm4/gpu_devices"] = "0009:01:00.0\n0008:01:00.0\n";
    EXPECT_THAT((*discover(kernel))[0].gpu_bdfs, ElementsAre("0008:01:00.0", "0009:01:00.0"));
}

TEST_F(DiscoveryTest, EntriesOfOtherNamesAreIgnored) {
    kernel.add_carveout(4, kGiB, {});
    kernel.directories["/sys/class/egm"].push_back("egm");
    kernel.directories["/sys/class/egm"].push_back("version");
    EXPECT_EQ(discover(kernel)->size(), 1u);
}

TEST_F(DiscoveryTest, SizeThatIsNoNumberIsAnError) {
    kernel.add_carveout(4, kGiB, {});
    kernel.files["/sys/class/egm/egm4/egm_size"] = "447G\n";
    auto carveouts = discover(kernel);
    ASSERT_FALSE(carveouts);
    EXPECT_THAT(carveouts.error().message(), HasSubstr("egm_size: not a hexadecimal size: \"447G\""));
}

TEST(SysfsTest, PciAddressesAreRecognisedByTheirShape) {
    for (const char* name : {"0008:01:00.0", "0018:ff:1f.7", "10000:e1:00.0"})
        EXPECT_TRUE(is_bdf(name)) << name;
    for (const char* name : {"", "device", "8:01:00.0", "0008:01:00", "0008:01:00.8", "0008:0g:00.0", "0008-01:00.0",
                             "0008:01:00.0x", "000x:01:00.0"})
        EXPECT_FALSE(is_bdf(name)) << name;
}

} // namespace
} // namespace egm
