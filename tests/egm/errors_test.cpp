// Errors: does the one line say who refused, what, and what to do?

#include "egm/errors.h"

#include <cerrno>

#include <gtest/gtest.h>

namespace egm {
namespace {

TEST(ErrorsTest, LineHasNumberCallObjectAndAdvice) {
    EXPECT_EQ((Error{EBUSY, "open", "/dev/egm4", "stop the other VM"}).message(),
              "EBUSY: open /dev/egm4: stop the other VM");
    EXPECT_EQ((Error{EIO, "munmap", "", ""}).message(), "EIO: munmap");
    EXPECT_EQ((Error{0, "plan region", "vm0/egm4", "too small"}).message(), "plan region vm0/egm4: too small");
}

TEST(ErrorsTest, UnknownNumberIsShownAsItIs) {
    EXPECT_EQ(errno_name(4711), "errno 4711");
    EXPECT_EQ(errno_name(ETIME), "ETIME");
}

TEST(ErrorsTest, CallErrorTakesErrnoAndFindsTheAdvice) {
    errno = ENOENT;
    const Error error = call_error("open", "/dev/egm4");
    EXPECT_EQ(error.error_number, ENOENT);
    EXPECT_EQ(error.advice, "EGM is off in the firmware, or the EGM driver is not loaded");
}

TEST(ErrorsTest, EveryRefusalThatAPersonMeetsHasAdvice) {
    const struct {
        int number;
        const char *call, *object;
    } kCases[] = {{ENOENT, "open", "/dev/egm4"},
                  {ENXIO, "open", "/dev/egm4"},
                  {EACCES, "open", "/dev/egm4"},
                  {EBUSY, "open", "/dev/egm4"},
                  {ENOMEM, "open", "/dev/egm4"},
                  {EINTR, "open", "/dev/egm4"},
                  {EINVAL, "mmap", "/dev/egm4"},
                  {EOVERFLOW, "mmap", "/dev/egm4"},
                  {EINVAL, "ioctl EGM_RETIRED_PAGES_LIST", "/dev/egm4"},
                  {EINVAL, "ioctl KVM_SET_USER_MEMORY_REGION", "vm0/egm4"},
                  {EEXIST, "ioctl VFIO_IOMMU_MAP_DMA", "vm0/egm4"},
                  {ENOSPC, "ioctl VFIO_IOMMU_MAP_DMA", "vm0/egm4"},
                  {EINVAL, "ioctl VFIO_IOMMU_MAP_DMA", "vm0/egm4"},
                  {ENOMEM, "ioctl VFIO_IOMMU_MAP_DMA", "vm0/egm4"},
                  {EFAULT, "ioctl IOMMU_IOAS_MAP", "vm0/egm4"},
                  {EBUSY, "open", "/dev/vfio/12"},
                  {EBUSY, "open", "/dev/vfio/devices/vfio3"},
                  {ETIME, "ioctl VFIO_GROUP_GET_DEVICE_FD", "0008:01:00.0"},
                  {ETIME, "ioctl VFIO_DEVICE_BIND_IOMMUFD", "0008:01:00.0"}};
    for (const auto& refusal : kCases)
        EXPECT_FALSE(advice_for(refusal.number, refusal.call, refusal.object).empty())
            << errno_name(refusal.number) << " " << refusal.call;
    EXPECT_TRUE(advice_for(EIO, "munmap", "slack").empty());
}

} // namespace
} // namespace egm
