// The EGM driver at start: which nodes appear, and what does a machine that it cannot serve answer?

#include "tests/linux/kernel_test.h"

namespace test {
namespace {

using models::linux::EgmShape;
using models::linux::FirmwareGap;

constexpr EgmShape kShapes[] = {EgmShape::kA, EgmShape::kB, EgmShape::kC, EgmShape::kD, EgmShape::kE1, EgmShape::kE2};

/// A host with one GPU and one carveout for each of `pxms`.
KernelConfig sockets(std::vector<int> pxms) {
    KernelConfig config = small_host();
    config.gpus.clear();
    config.carveouts.clear();
    for (std::size_t i = 0; i < pxms.size(); ++i) {
        const std::string bdf = "00" + std::to_string(10 + i) + ":01:00.0";
        const int number = static_cast<int>(i);
        config.gpus.push_back({.bdf = bdf, .iommu_group = number, .vfio_index = number, .hbm = {{i << 40}, 4 * kGiB}});
        config.carveouts.push_back({.pxm = pxms[i], .range = {{i << 44 | kGiB}, kGiB}, .gpu_bdfs = {bdf}});
    }
    return config;
}

bool has(Kernel& k, const std::string& path) { return k.open(path, O_RDONLY) != -ENOENT; }

TEST(EgmDriver, E2ServesFourDomainsFromTheLowestAndNoOther) {
    Kernel four(sockets({4, 5, 6, 7}));
    EXPECT_EQ(four.sys.egm_driver_error(), 0);
    EXPECT_TRUE(has(four, "/dev/egm7"));
    Kernel far(sockets({4, 8}));
    EXPECT_EQ(far.sys.egm_driver_error(), -EINVAL);
    EXPECT_FALSE(has(far, "/dev/egm4")) << "the module did not load";
    EXPECT_FALSE(has(far, "/sys/class/egm"));
    EXPECT_FALSE(has(far, "/sys/module/nvgrace_egm"));
    Kernel far_later_in_list(sockets({8, 4}));
    EXPECT_EQ(far_later_in_list.sys.egm_driver_error(), -EINVAL);
}

TEST(EgmDriver, E2AnswersErangeWhenTheWindowLeavesTheMinorNumbers) {
    EXPECT_EQ(Kernel(sockets({(1 << 20) - 4})).sys.egm_driver_error(), 0);
    EXPECT_EQ(Kernel(sockets({(1 << 20) - 3})).sys.egm_driver_error(), -ERANGE);
}

TEST(EgmDriver, OtherShapesHaveNoWindow) {
    for (const EgmShape shape : {EgmShape::kA, EgmShape::kB, EgmShape::kC, EgmShape::kD, EgmShape::kE1}) {
        auto config = sockets({4, 9});
        config.shape = shape;
        Kernel k(config);
        EXPECT_TRUE(has(k, "/dev/egm4"));
        EXPECT_TRUE(has(k, "/dev/egm9"));
    }
}

TEST(EgmDriver, WithoutACarveoutTheModuleLoadsAndMakesNoNode) {
    for (const EgmShape shape : kShapes) {
        auto config = small_host();
        config.shape = shape;
        config.carveouts.clear();
        Kernel k(config);
        EXPECT_EQ(k.sys.egm_driver_error(), 0);
        EXPECT_TRUE(has(k, "/sys/module/nvgrace_egm"));
        EXPECT_FALSE(has(k, "/dev/egm4"));
    }
}

TEST(EgmDriver, WithoutTheModuleThereIsNeitherNodeNorClass) {
    auto config = small_host();
    config.egm_module = false;
    Kernel k(config);
    EXPECT_FALSE(has(k, "/dev/egm4"));
    EXPECT_FALSE(has(k, "/sys/class/egm"));
    EXPECT_FALSE(has(k, "/sys/module/nvgrace_egm"));
}

TEST(EgmDriver, MoreThan4096RetiredBlocksStopTheModuleInEAndTheNodeBefore) {
    for (const EgmShape shape : kShapes) {
        auto config = sockets({4, 5});
        config.shape = shape;
        config.page_size = 64 * kKiB;
        config.carveouts[1].retired.assign(4096, {1ull << 44 | kGiB});
        EXPECT_EQ(Kernel(config).sys.egm_driver_error(), 0);
        config.carveouts[1].retired.push_back({1ull << 44 | kGiB});
        Kernel k(config);
        EXPECT_EQ(k.sys.egm_driver_error(), -EINVAL);
        EXPECT_FALSE(has(k, "/dev/egm5"));
        EXPECT_EQ(has(k, "/dev/egm4"), shape < EgmShape::kE1);
    }
}

TEST(EgmDriver, CAndDTakeNoMoreRetiredBlocksThanOnePageOfTheTableHolds) {
    for (const EgmShape shape : kShapes) {
        auto config = small_host(4 * kKiB);
        config.shape = shape;
        config.carveouts[0].retired.assign(513, config.carveouts[0].range.begin);
        const bool page_limit = shape == EgmShape::kC || shape == EgmShape::kD;
        EXPECT_EQ(Kernel(config).sys.egm_driver_error(), page_limit ? -EINVAL : 0);
    }
}

TEST(EgmDriver, AGpuWithoutDomainBaseOrSizeIsSkipped) {
    for (const EgmShape shape : kShapes) {
        for (const auto gap : {FirmwareGap::kEgmPxm, FirmwareGap::kEgmBase, FirmwareGap::kEgmSize}) {
            auto config = small_host();
            config.shape = shape;
            config.gpus[0].firmware_gap = gap;
            Kernel one(config);
            EXPECT_TRUE(has(one, "/dev/egm4")) << "the other GPU of the socket describes it";
            EXPECT_EQ(has(one, "/sys/class/egm/egm4/0008:01:00.0"), false);
            config.gpus[1].firmware_gap = gap;
            Kernel none(config);
            EXPECT_FALSE(has(none, "/dev/egm4"));
            EXPECT_EQ(none.sys.egm_driver_error(), 0);
        }
    }
}

TEST(EgmDriver, WithoutARetiredTableOnlyE2MakesTheNodeAndListsNothing) {
    for (const EgmShape shape : kShapes) {
        for (const auto gap : {FirmwareGap::kRetiredTable, FirmwareGap::kRetiredTableZero}) {
            auto config = small_host();
            config.shape = shape;
            config.carveouts[0].retired = {config.carveouts[0].range.begin};
            config.gpus[0].firmware_gap = config.gpus[1].firmware_gap = gap;
            Kernel k(config);
            EXPECT_EQ(has(k, "/dev/egm4"), shape == EgmShape::kE2);
            if (shape == EgmShape::kE2) {
                uapi::EgmRetiredPagesList header{.argsz = 8, .count = 99};
                k.close(3); // the one that `has` opened
                EXPECT_EQ(k.ioctl(k.open("/dev/egm4"), uapi::kEgmRetiredPagesList, &header), 0);
                EXPECT_EQ(header.argsz, 8u);
                EXPECT_EQ(header.count, 0u);
            }
        }
    }
}

TEST(EgmDriver, StaleNodeWithoutADriverAnswersEnxio) {
    auto config = small_host();
    config.carveouts[0].driver_loaded = false;
    EXPECT_EQ(Kernel(config).open("/dev/egm4"), -ENXIO);
}

} // namespace
} // namespace test
