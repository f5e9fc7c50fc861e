// EXPERIMENTAL: a carveout as a device region of its GPUs. Is it found, mapped and queried as one behind a character
// device is, and does a whole VM come up on it?

#include "egm/carveout_experimental_vfio.h"

#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "egm/bring_up.h"
#include "egm/uapi/egm_experimental_vfio.h"
#include "fake_syscalls.h"

namespace egm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint32_t kIndex = 9;

/// What follows the head of a device region that is carveout `pxm`.
std::vector<std::byte> capabilities(std::uint32_t pxm, const std::vector<uapi::EgmRetiredPage>& retired,
                                    std::uint32_t claimed) {
    constexpr std::uint32_t kFirst = sizeof(uapi::VfioRegionInfo);
    const uapi::VfioRegionInfoCapType type{
        {uapi::kVfioRegionInfoCapType, 1, kFirst + std::uint32_t(sizeof(uapi::VfioRegionInfoCapType))},
        uapi::kVfioRegionTypePciVendor | uapi::kVfioPciVendorNvidia,
        uapi::kVfioRegionSubtypeExperimentalEgm};
    const uapi::VfioRegionInfoCapExperimentalEgm egm{{uapi::kVfioRegionInfoCapExperimentalEgm, 1, 0}, pxm, claimed};
    std::vector<std::byte> bytes;
    const auto add = [&](const void* from, std::size_t size) {
        const auto* begin = static_cast<const std::byte*>(from);
        bytes.insert(bytes.end(), begin, begin + size);
    };
    add(&type, sizeof type);
    add(&egm, sizeof egm);
    add(retired.data(), retired.size() * sizeof(uapi::EgmRetiredPage));
    return bytes;
}

void add_carveout_regions(FakeSyscalls& kernel) {
    int group = 10;
    for (const char* bdf : {"0008:01:00.0", "0009:01:00.0", "0018:01:00.0"}) {
        kernel.add_gpu(bdf, group++);
        kernel.device_regions[bdf][kIndex] = {
            .size = 447 * kGiB,
            .capabilities = capabilities(bdf[2] == '1' ? 5 : 4, {{0x40000, 0x10000}, {0x10000, 0x1000}}, 2)};
    }
    kernel.add_kernel_devices();
}

struct ExperimentalVfioTest : testing::Test {
    FakeSyscalls kernel;
    std::unique_ptr<DmaMapper> mapper;
    std::unique_ptr<ExperimentalVfioSource> source;

    ExperimentalVfioTest() {
        add_carveout_regions(kernel);
        mapper = std::move(*DmaMapper::create(kernel, IommuMode::kType1));
        const std::vector<std::string> bdfs{"0009:01:00.0", "0008:01:00.0", "0018:01:00.0"};
        for (const std::string& bdf : bdfs)
            EXPECT_TRUE(mapper->attach(bdf));
        source = std::make_unique<ExperimentalVfioSource>(kernel, *mapper, bdfs);
    }
    ~ExperimentalVfioTest() override { EXPECT_THAT(kernel.violations, IsEmpty()); }
};

TEST_F(ExperimentalVfioTest, GpusOfOneSocketShareTheirCarveout) {
    auto found = source->find();
    ASSERT_TRUE(found) << found.error().message();
    ASSERT_EQ(found->size(), 2u);
    EXPECT_EQ((*found)[0].pxm, 4);
    EXPECT_EQ((*found)[0].size, 447 * kGiB);
    EXPECT_THAT((*found)[0].gpu_bdfs, ElementsAre("0008:01:00.0", "0009:01:00.0"));
    EXPECT_THAT((*found)[1].gpu_bdfs, ElementsAre("0018:01:00.0"));
}

TEST_F(ExperimentalVfioTest, RetiredPagesComeWithTheDeviceRegion) {
    auto carveout = source->open((*source->find())[0]);
    ASSERT_TRUE(carveout) << carveout.error().message();
    EXPECT_THAT(*(*carveout)->retired(), ElementsAre(RetiredRange{0x10000, 0x10000}, RetiredRange{0x40000, 0x10000}));
}

TEST_F(ExperimentalVfioTest, ListOfRetiredPagesThatIsCutOffIsRefused) {
    auto carveout = source->open((*source->find())[1]);
    kernel.device_regions["0018:01:00.0"][kIndex].capabilities = capabilities(5, {{0, 0x10000}}, 70000);
    auto retired = (*carveout)->retired();
    ASSERT_FALSE(retired);
    EXPECT_EQ(retired.error().error_number, EPROTO);
}

TEST_F(ExperimentalVfioTest, PartIsMappedFromItsPlaceInTheDevice) {
    auto carveout = source->open((*source->find())[0]);
    auto mapping = (*carveout)->map(3 * kGiB + 2 * kMiB, kGiB, kGiB);
    ASSERT_TRUE(mapping) << mapping.error().message();
    EXPECT_EQ(mapping->hva().value % kGiB, 2 * kMiB);
    EXPECT_EQ(kernel.mapped_offset.at(mapping->hva().value), (std::uint64_t(kIndex) << 40) + 3 * kGiB + 2 * kMiB);
    EXPECT_THAT((*carveout)->map(447 * kGiB, kGiB, kGiB).error().message(), HasSubstr("not inside the carveout"));
}

TEST_F(ExperimentalVfioTest, SizesThatContradictEachOtherAreRefused) {
    kernel.device_regions["0009:01:00.0"][kIndex].size = kGiB;
    auto found = source->find();
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().error_number, EPROTO);
    EXPECT_THAT(found.error().message(), HasSubstr("another size"));
}

TEST_F(ExperimentalVfioTest, DeviceRegionOfAnotherKindIsNoCarveout) {
    for (auto& [bdf, regions] : kernel.device_regions)
        regions[kIndex].capabilities.resize(sizeof(uapi::VfioRegionInfoCapType) - 8);
    EXPECT_THAT(*source->find(), IsEmpty());
    for (auto& [bdf, regions] : kernel.device_regions)
        regions[kIndex].capabilities.clear();
    EXPECT_THAT(*source->find(), IsEmpty());
}

struct NoListener final : StepListener {
    void begin(std::string_view, std::string_view) override {}
    void end() override {}
};

TEST(ExperimentalVfioBringUpTest, WholeVmComesUpAndNothingStaysBehindWhateverCallFails) {
    const VmRequest request{.name = "vm0",
                            .regions = {{.pxm = 4}},
                            .gpu_bdfs = {"0008:01:00.0", "0009:01:00.0"},
                            .carveouts = CarveoutForm::kExperimentalVfio};
    NoListener listener;
    const auto failing_at = [&](int n) {
        FakeSyscalls kernel;
        add_carveout_regions(kernel);
        kernel.fail_at = n;
        kernel.fail_with = EIO;
        int calls = 0;
        {
            auto vm = bring_up(kernel, request, listener);
            calls = kernel.calls;
            EXPECT_TRUE(vm || n > 0) << vm.error().message();
            if (vm && n == 0) {
                EXPECT_EQ(vm->regions()[0].size, 447 * kGiB);
                EXPECT_EQ(vm->regions()[0].largest_block, 512 * kMiB);
                EXPECT_EQ(vm->regions()[0].retired.size(), 2u);
                EXPECT_TRUE(vm->regions()[0].dma_mapped);
            }
        }
        EXPECT_TRUE(kernel.clean()) << "after the failure of call " << n;
        EXPECT_THAT(kernel.violations, IsEmpty()) << "after the failure of call " << n;
        return calls;
    };
    const int total = failing_at(0);
    for (int n = 1; n <= total; ++n)
        failing_at(n);
}

TEST(ExperimentalVfioBringUpTest, CarveoutWithoutAGpuCannotBeSeen) {
    FakeSyscalls kernel;
    add_carveout_regions(kernel);
    NoListener listener;
    auto vm = bring_up(kernel, {.name = "vm0", .regions = {{.pxm = 4}}, .carveouts = CarveoutForm::kExperimentalVfio},
                       listener);
    ASSERT_FALSE(vm);
    EXPECT_THAT(vm.error().message(), HasSubstr("seen through the VM's GPUs"));
    EXPECT_TRUE(kernel.clean());
}

} // namespace
} // namespace egm
