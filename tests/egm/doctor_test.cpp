// Doctor: does it find what is missing, say what to do, and touch nothing?

#include "egm/doctor.h"

#include <algorithm>
#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_syscalls.h"

namespace egm {
namespace {

using testing::HasSubstr;

struct DoctorTest : testing::Test {
    FakeSyscalls kernel;

    DoctorTest() { kernel.add_gb200(); }

    /// The first finding that is not well.
    Finding first_fault() {
        for (const Finding& finding : examine(kernel))
            if (finding.verdict != Finding::Verdict::kOk) {
                EXPECT_FALSE(finding.advice.empty()) << finding.what;
                return finding;
            }
        ADD_FAILURE() << "all is well";
        return {};
    }
};

TEST_F(DoctorTest, GoodMachineIsUsableAndNoCarveoutIsOpened) {
    EXPECT_TRUE(usable(examine(kernel)));
    EXPECT_EQ(std::count_if(kernel.log.begin(), kernel.log.end(),
                            [](const std::string& line) { return line.starts_with("open /dev/egm"); }),
              0);
    EXPECT_TRUE(kernel.clean());
}

TEST_F(DoctorTest, MachineWithoutEgmIsToldWhatEgmNeeds) {
    kernel.directories.erase("/sys/class/egm");
    EXPECT_THAT(first_fault().advice, HasSubstr("firmware"));
    EXPECT_FALSE(usable(examine(kernel)));
}

TEST_F(DoctorTest, GpuWithAnotherDriverIsNamed) {
    kernel.links["/sys/bus/pci/devices/0019:01:00.0/driver"] = "../../../bus/pci/drivers/nvidia";
    EXPECT_EQ(first_fault().what, "GPU 0019:01:00.0: driver nvidia");
}

TEST_F(DoctorTest, OldKernelIsNamed) {
    kernel.takes_pfnmap = false;
    EXPECT_THAT(first_fault().advice, HasSubstr("6.17"));
}

TEST_F(DoctorTest, IommufdAloneIsAWarning) {
    kernel.directories["/dev/vfio"].clear();
    EXPECT_EQ(first_fault().verdict, Finding::Verdict::kWarning);
    EXPECT_TRUE(usable(examine(kernel)));
}

} // namespace
} // namespace egm
