// Carveout on every public driver: is it told apart as far as that goes without opening, and is what only some drivers
// do neither relied on nor forgotten?

#include "egm/carveout_shape.h"

#include <cerrno>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "egm/carveout.h"
#include "fake_syscalls.h"

namespace egm {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

struct ShapeTest : testing::TestWithParam<DriverShape> {
    FakeSyscalls kernel;
    CarveoutInfo info;

    ShapeTest() {
        kernel.shape = GetParam();
        kernel.add_gb200();
        auto found = discover(kernel);
        EXPECT_TRUE(found);
        info = (*found)[0];
    }
    ~ShapeTest() override { EXPECT_THAT(kernel.violations, IsEmpty()); }

    std::unique_ptr<Carveout> open() {
        auto carveout = Carveout::open(kernel, info);
        EXPECT_TRUE(carveout) << carveout.error().message();
        return std::move(*carveout);
    }
};

TEST_P(ShapeTest, ItsLayoutAllowsItAndItsLookAlikesOnly) {
    EXPECT_TRUE(info.shapes.contains(GetParam()));
    EXPECT_EQ(info.shapes.contains(DriverShape::kA), GetParam() == DriverShape::kA);
    EXPECT_EQ(info.shapes.contains(DriverShape::kC),
              GetParam() == DriverShape::kB || GetParam() == DriverShape::kC || GetParam() == DriverShape::kD);
    EXPECT_EQ(info.gpu_bdfs.size(), 2u);
    EXPECT_THAT(kernel.log, IsEmpty()) << "an open would clear the carveout";
}

TEST_P(ShapeTest, WholeCarveoutIsMapped) {
    auto carveout = open();
    auto mapping = carveout->map(0, info.size, kGiB);
    ASSERT_TRUE(mapping) << mapping.error().message();
    EXPECT_EQ(mapping->size(), info.size);
}

TEST_P(ShapeTest, RetiredBlockOf64KiBIsWholeHoweverItIsListed) {
    kernel.page = 4 * kKiB;
    const bool every_page = GetParam() == DriverShape::kE1 || GetParam() == DriverShape::kE2;
    for (std::uint64_t page = 0; page < (every_page ? 16 : 1); ++page)
        kernel.retired.push_back({0x50000 + page * 4096, 4096});
    EXPECT_THAT(*open()->retired(), testing::ElementsAre(RetiredRange{0x50000, 0x10000}));
}

TEST_P(ShapeTest, WhatLiesBeyondIsRefusedByUs) {
    auto carveout = open();
    const int calls = kernel.calls;
    for (const auto& [offset, size] :
         {std::pair{std::uint64_t{0}, info.size + kernel.page}, std::pair{info.size, kernel.page},
          std::pair{info.size - kernel.page, 2 * kernel.page},
          std::pair{kernel.page, ~std::uint64_t{0} - kernel.page + 1}, std::pair{std::uint64_t{0}, std::uint64_t{0}}}) {
        auto mapping = carveout->map(offset, size, kGiB);
        ASSERT_FALSE(mapping);
        EXPECT_EQ(mapping.error().error_number, EINVAL);
        EXPECT_THAT(mapping.error().message(), HasSubstr("not inside the carveout of 447 GiB"));
    }
    EXPECT_EQ(kernel.calls, calls);
}

TEST_P(ShapeTest, OffsetIsMappedOnlyWhereEveryLookAlikeHonoursIt) {
    auto carveout = open();
    auto mapping = carveout->map(kGiB, kGiB, kGiB);
    if (GetParam() == DriverShape::kE1 || GetParam() == DriverShape::kE2) {
        EXPECT_TRUE(mapping);
        return;
    }
    ASSERT_FALSE(mapping);
    EXPECT_EQ(mapping.error().error_number, EINVAL);
    EXPECT_THAT(mapping.error().message(), HasSubstr("may ignore the offset 0x40000000"));
}

TEST_P(ShapeTest, SecondOpenerIsBusyOnEveryDriver) {
    auto first = open();
    ASSERT_TRUE(first->map(0, kGiB, kGiB));
    kernel.directories["/proc"] = {"self", "1", "4711", "version"};
    kernel.directories["/proc/4711/fd"] = {"0", "9"};
    kernel.links["/proc/4711/fd/9"] = info.device_path;
    auto second = Carveout::open(kernel, info);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().error_number, EBUSY);
    EXPECT_EQ(second.error().object, "/dev/egm4");
    EXPECT_THAT(second.error().message(), HasSubstr("process 4711 holds the carveout"));
}

TEST_P(ShapeTest, MappingKeepsItBusyWhenTheDescriptorHasGone) {
    kernel.directories["/proc"] = {"4711"};
    kernel.directories["/proc/4711/map_files"] = {"7f0000000000-7f6fc0000000"};
    kernel.links["/proc/4711/map_files/7f0000000000-7f6fc0000000"] = info.device_path;
    EXPECT_FALSE(Carveout::open(kernel, info));
    EXPECT_THAT(kernel.log, IsEmpty()) << "the open would have cleared the other's memory";
}

TEST_P(ShapeTest, DmaBufIsWhatOnlyOneDriverExports) {
    auto carveout = open();
    auto exported = carveout->export_dma_buf(kGiB, 2 * kGiB);
    if (GetParam() == DriverShape::kD) {
        ASSERT_TRUE(exported) << exported.error().message();
        EXPECT_EQ(carveout->shapes(), ShapeSet{DriverShape::kD}) << "now it is known";
        EXPECT_TRUE(carveout->map(kGiB, kGiB, kGiB)) << "and so is that it honours the offset";
        return;
    }
    ASSERT_FALSE(exported);
    EXPECT_EQ(exported.error().error_number, EOPNOTSUPP);
    EXPECT_THAT(exported.error().message(), HasSubstr("does not export EGM as a dma-buf"));
}

INSTANTIATE_TEST_SUITE_P(Drivers, ShapeTest,
                         testing::Values(DriverShape::kA, DriverShape::kB, DriverShape::kC, DriverShape::kD,
                                         DriverShape::kE1, DriverShape::kE2),
                         [](const auto& info) { return std::string(to_string(info.param)); });

/// Shape B, where nobody can see the other process: we are not root, or it holds only a mapping.
struct SecondOpenerTest : testing::Test {
    FakeSyscalls kernel;
    CarveoutInfo info;

    SecondOpenerTest() {
        kernel.shape = DriverShape::kB;
        kernel.add_gb200();
        info = (*discover(kernel))[0];
    }
};

TEST_F(SecondOpenerTest, UnusableDescriptorIsBusyAndNeverMapped) {
    auto first = Carveout::open(kernel, info);
    ASSERT_TRUE(first);
    auto second = Carveout::open(kernel, info);
    ASSERT_TRUE(second) << "the driver lets it in";
    for (auto error : {(*second)->retired().error(), (*second)->map(0, kGiB, kGiB).error(),
                       (*second)->export_dma_buf(0, kGiB).error()}) {
        EXPECT_EQ(error.error_number, EBUSY) << error.message();
        EXPECT_THAT(error.advice, HasSubstr("another VM holds the carveout"));
    }
    EXPECT_THAT(kernel.violations, IsEmpty());
}

TEST_F(SecondOpenerTest, PersonWhoKnowsTheDriverNarrowsIt) {
    kernel.shape = DriverShape::kC;
    info.shapes = {DriverShape::kC};
    auto carveout = Carveout::open(kernel, info);
    EXPECT_TRUE((*carveout)->map(kGiB, kGiB, kGiB));
    EXPECT_THAT(kernel.violations, IsEmpty());
}

TEST(ShapeSetTest, NamesWhatItMayBe) {
    EXPECT_EQ(describe({DriverShape::kA}), "driver of shape A (vendor, 2024)");
    EXPECT_EQ(describe(kStandAloneShapes), "driver of shape E1 or E2 (stand-alone, 2026)");
    EXPECT_EQ(describe({DriverShape::kB, DriverShape::kC, DriverShape::kD}), "driver of shape B or C or D");
}

} // namespace
} // namespace egm
