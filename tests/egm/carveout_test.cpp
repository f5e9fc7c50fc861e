// Carveout: is the list of retired pages complete whatever way the driver answers, and where does a mapping lie?

#include "egm/carveout.h"

#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_syscalls.h"

namespace egm {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct CarveoutTest : testing::Test {
    FakeSyscalls kernel;
    CarveoutInfo info{.pxm = 4, .device_path = "/dev/egm4", .size = 447 * kGiB};

    CarveoutTest() { kernel.add_gb200(); }

    std::unique_ptr<Carveout> open() { return std::move(*Carveout::open(kernel, info)); }
    std::vector<RetiredRange> retired() {
        auto list = open()->retired();
        EXPECT_TRUE(list) << list.error().message();
        return list ? *list : std::vector<RetiredRange>{};
    }
};

TEST_F(CarveoutTest, NoRetiredPageIsAnEmptyList) { EXPECT_THAT(retired(), IsEmpty()); }

TEST_F(CarveoutTest, ListGrowsToWhatTheDriverAsksFor) {
    kernel.retired = {{0x30000, 0x10000}, {0, 0x10000}, {0x30000, 0x10000}, {0x10000, 0x10000}};
    EXPECT_THAT(retired(), ElementsAre(RetiredRange{0, 0x20000}, RetiredRange{0x30000, 0x10000}));
}

TEST_F(CarveoutTest, NoSpaceWithALargerSizeMeansGrowToo) {
    kernel.retired = {{0, 0x10000}};
    kernel.short_list_is_enospc = true;
    EXPECT_THAT(retired(), ElementsAre(RetiredRange{0, 0x10000}));
}

TEST_F(CarveoutTest, DriverThatAlwaysAsksForMoreIsGivenUp) {
    kernel.list_always_grows = true;
    auto list = open()->retired();
    ASSERT_FALSE(list);
    EXPECT_EQ(list.error().error_number, EPROTO);
}

TEST_F(CarveoutTest, PagesOf4KiBStandForTheir64KiBBlock) {
    // The driver of 2025 lists the first page of a block; the newer ones list all sixteen, and merging hides it.
    kernel.retired = {{0x20000, 0x1000}, {0x41000, 0x1000}, {0x42000, 0x1000}};
    EXPECT_THAT(retired(), ElementsAre(RetiredRange{0x20000, 0x10000}, RetiredRange{0x40000, 0x10000}));
}

TEST_F(CarveoutTest, WhatLiesBeyondTheCarveoutIsDropped) {
    kernel.retired = {{447 * kGiB, 0x10000}, {447 * kGiB - 0x10000, 0x40000}, {~0ull - 0xffff, ~0ull}};
    EXPECT_THAT(retired(), ElementsAre(RetiredRange{447 * kGiB - 0x10000, 0x10000}));
}

TEST_F(CarveoutTest, SecondOpenerIsToldWhoHoldsIt) {
    kernel.devices["/dev/egm4"] = EBUSY;
    auto refused = Carveout::open(kernel, info);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message(),
              "EBUSY: open /dev/egm4: another VM holds the carveout, or an earlier mapping of "
              "it still lives: stop that VM, or unmap and close first");
}

TEST_F(CarveoutTest, MappingIsAlignedAndTheSlackIsGivenBack) {
    auto carveout = open();
    auto mapping = carveout->map(0, 10 * kGiB, kGiB);
    ASSERT_TRUE(mapping);
    EXPECT_TRUE(is_aligned(mapping->hva().value, kGiB));
    EXPECT_EQ(kernel.mapped, (std::map<std::uint64_t, std::uint64_t>{{mapping->hva().value, 10 * kGiB}}));
}

TEST_F(CarveoutTest, AddressEqualsFilePositionModuloTheAlignment) {
    auto carveout = open();
    auto mapping = carveout->map(3 * kMiB, kGiB, kGiB);
    ASSERT_TRUE(mapping);
    EXPECT_EQ(mapping->hva().value % kGiB, 3 * kMiB);
}

TEST_F(CarveoutTest, FailedTrimLeavesNothingMapped) {
    auto carveout = open();
    kernel.fail_at = kernel.calls + 3; // reserve, map, then the trim
    kernel.fail_with = ENOMEM;
    EXPECT_FALSE(carveout->map(0, kGiB, kGiB));
    EXPECT_THAT(kernel.mapped, IsEmpty());
}

} // namespace
} // namespace egm
