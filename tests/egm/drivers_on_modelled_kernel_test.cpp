// The logic on the modelled kernel with each public EGM driver: does a VM come up on all of them, does nobody get a
// carveout that another VM has, and is what one driver or kernel can do more than another made use of?

#include <cerrno>
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "egm/bring_up.h"
#include "egm/nested_smmu.h"
#include "models/linux/sim_syscalls.h"
#include "models/sparse_store.h"

namespace egm {
namespace {

using models::linux::EgmShape;
using models::linux::KernelConfig;
using models::linux::SimSyscalls;
using testing::HasSubstr;

struct NoClock final : models::linux::Clock {
    void pass(std::uint64_t) override {}
};

struct NoListener final : StepListener {
    void begin(std::string_view, std::string_view) override {}
    void end() override {}
};

constexpr const char* kGpu = "0009:01:00.0";

struct DriverTest : testing::TestWithParam<EgmShape> {
    NoClock clock;
    NoListener listener;
    models::SparseStore store;
    std::unique_ptr<SimSyscalls> kernel;
    KernelConfig config{.page_size = 4 * kKiB};
    VmRequest request{.name = "vm0", .regions = {{.pxm = 4}}, .gpu_bdfs = {kGpu}};

    DriverTest() {
        config.carveouts.push_back(
            {.pxm = 4, .range = {{2 * kGiB}, 16 * kGiB}, .retired = {Spa{3 * kGiB}}, .gpu_bdfs = {kGpu}});
        config.host_memory.push_back({{20 * kGiB}, 8 * kGiB});
        config.gpus.push_back(
            {.bdf = kGpu, .iommu_group = 10, .device_id = 0x2342, .socket = 0, .hbm = {{0x0400'0000'0000}, 96 * kGiB}});
    }

    void boot(EgmShape shape) {
        config.shape = shape;
        ASSERT_THAT(models::linux::faults(config), testing::IsEmpty());
        kernel = std::make_unique<SimSyscalls>(config, clock, store);
    }
    Result<VirtualMachine> run() { return bring_up(*kernel, request, listener); }
    void expect_nothing_held() { EXPECT_EQ(kernel->open_state(), SimSyscalls::OpenState{}); }
};

TEST_P(DriverTest, VmComesUpOnItsWholeCarveout) {
    boot(GetParam());
    {
        auto vm = run();
        ASSERT_TRUE(vm) << vm.error().message();
        const GuestRegion& region = vm->regions()[0];
        EXPECT_EQ(region.largest_block, kGiB);
        EXPECT_THAT(region.retired, testing::ElementsAre(RetiredRange{kGiB, 64 * kKiB}))
            << "one block, in 1 entry or in 16";
        const auto translation = kernel->stage2(vm->vm_fd(), region.ipa + 5 * kGiB);
        ASSERT_TRUE(translation);
        EXPECT_EQ(translation->spa, Spa{7 * kGiB});
        EXPECT_EQ(translation->block_bytes, kGiB);
    }
    expect_nothing_held();
}

TEST_P(DriverTest, SecondVmIsBusyWhetherTheDriverSaysSoOrNot) {
    boot(GetParam());
    auto first = run();
    ASSERT_TRUE(first) << first.error().message();
    const auto held = kernel->open_state();
    auto second = run();
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().error_number, EBUSY) << second.error().message();
    EXPECT_EQ(second.error().object, "/dev/egm4");
    EXPECT_EQ(kernel->open_state(), held);
}

TEST_P(DriverTest, RegionPastTheStartIsMappedOnlyWhereTheOffsetCounts) {
    boot(GetParam());
    request.regions = {{.pxm = 4, .size = 4 * kGiB, .file_offset = 8 * kGiB}};
    request.enforce_offset_zero = false;
    auto vm = run();
    if (GetParam() == EgmShape::kE1 || GetParam() == EgmShape::kE2) {
        ASSERT_TRUE(vm) << vm.error().message();
        EXPECT_EQ(kernel->stage2(vm->vm_fd(), vm->regions()[0].ipa)->spa, Spa{10 * kGiB});
        return;
    }
    ASSERT_FALSE(vm);
    EXPECT_THAT(vm.error().message(), HasSubstr("may ignore the offset"));
    expect_nothing_held();
}

std::string name_of(const testing::TestParamInfo<EgmShape>& info) {
    static constexpr const char* kNames[] = {"A", "B", "C", "D", "E1", "E2"};
    return kNames[int(info.param)];
}

INSTANTIATE_TEST_SUITE_P(Shapes, DriverTest,
                         testing::Values(EgmShape::kA, EgmShape::kB, EgmShape::kC, EgmShape::kD, EgmShape::kE1,
                                         EgmShape::kE2),
                         name_of);

struct DriverFeatureTest : DriverTest {};
INSTANTIATE_TEST_SUITE_P(Newest, DriverFeatureTest, testing::Values(EgmShape::kE2), name_of);

TEST_P(DriverFeatureTest, GuestAndPeersReachTheGpusMemory) {
    boot(GetParam());
    {
        auto vm = run();
        ASSERT_TRUE(vm) << vm.error().message();
        ASSERT_EQ(vm->gpu_memory().size(), 1u);
        const GuestGpuMemory& memory = vm->gpu_memory()[0];
        EXPECT_EQ(memory.size, 95 * kGiB) << "GH200's driver keeps the last GiB for MIG";
        EXPECT_TRUE(vm->layout().high_mmio.contains(memory.ipa));
        for (const std::uint64_t offset : {std::uint64_t{0}, 42 * kGiB + 4096, memory.size - 4096}) {
            const auto translation = kernel->stage2(vm->vm_fd(), memory.ipa + offset);
            ASSERT_TRUE(translation) << offset;
            EXPECT_EQ(translation->spa, Spa{0x0400'0000'0000} + offset);
            EXPECT_EQ(translation->block_bytes, kGiB) << offset;
            const auto dma = kernel->iommu(kGpu, Iova{memory.ipa.value + offset});
            ASSERT_TRUE(dma);
            EXPECT_EQ(dma->spa, translation->spa);
        }
        EXPECT_FALSE(kernel->stage2(vm->vm_fd(), memory.ipa + memory.size)) << "beyond the memory there is nothing";
    }
    expect_nothing_held();
}

TEST_P(DriverFeatureTest, EgmByDmaBufIsRefusedByMainlineByName) {
    request.iommu = IommuMode::kIommufdDmaBuf;
    for (const auto& [version, number] : {std::pair{618, EINVAL}, std::pair{619, EOPNOTSUPP}}) {
        config.version = version; // 6.19 is the first to take any dma-buf
        boot(EgmShape::kD);
        auto vm = run();
        ASSERT_FALSE(vm);
        EXPECT_EQ(vm.error().error_number, number) << vm.error().message();
        EXPECT_EQ(vm.error().call, "ioctl IOMMU_IOAS_MAP_FILE");
        EXPECT_THAT(vm.error().object, HasSubstr("vm0/egm4"));
        EXPECT_THAT(vm.error().advice, HasSubstr("use the type1 container"));
        expect_nothing_held();
    }
}

TEST_P(DriverFeatureTest, DriverWithoutDmaBufSaysSo) {
    boot(EgmShape::kE2);
    request.iommu = IommuMode::kIommufdDmaBuf;
    auto vm = run();
    ASSERT_FALSE(vm);
    EXPECT_EQ(vm.error().error_number, EOPNOTSUPP);
    EXPECT_THAT(vm.error().message(), HasSubstr("driver of shape E1 or E2 (stand-alone, 2026) does not export"));
    expect_nothing_held();
}

TEST_P(DriverFeatureTest, QueuesForTheGuestGoByAllRulesOfTheKernel) {
    config.iommufd_pfnmap_bypass = true; // a vendor kernel, where EGM is in the IOAS
    config.version = 618;
    boot(GetParam());
    {
        auto mapper = IommufdMapper::open(*kernel, false);
        ASSERT_TRUE(mapper && (*mapper)->attach(kGpu));
        const auto info = CarveoutInfo{.pxm = 4, .device_path = "/dev/egm4", .size = 16 * kGiB};
        auto carveout = Carveout::open(*kernel, info);
        ASSERT_TRUE(carveout) << carveout.error().message();
        auto mapping = (*carveout)->map(0, 16 * kGiB, kGiB);
        ASSERT_TRUE(mapping);
        ASSERT_TRUE((*mapper)->map({kGiB}, mapping->hva(), 16 * kGiB, MemoryKind::kEgm, "egm4"));
        auto nested = NestedSmmu::create(*kernel, **mapper, {{kGpu, 0x10}});
        ASSERT_TRUE(nested) << nested.error().message();
        ASSERT_GT((*nested)->queues_max(), 1u);
        EXPECT_NE((*nested)->queue_registers(), nullptr);
        for (const std::uint64_t offset : {64 * kKiB, 128 * kKiB}) {
            auto queue = (*nested)->add_queue({{kGiB + offset}, 64 * kKiB});
            EXPECT_TRUE(queue) << queue.error().message();
        }
        EXPECT_TRUE((*nested)->set_entry(kGpu, {1 | 5 << 1 | 0x4000'0000, 1ull << 28}));
        nested->reset();
        EXPECT_TRUE((*mapper)->unmap({{kGiB}, 16 * kGiB})) << "no queue holds it any more";
    }
    expect_nothing_held();
}

} // namespace
} // namespace egm
