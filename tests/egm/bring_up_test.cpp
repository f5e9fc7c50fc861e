// bring_up: does a VM get what it asked for, and does nothing stay behind, whatever call fails?

#include "egm/bring_up.h"

#include <algorithm>
#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_syscalls.h"

namespace egm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Steps final : StepListener {
    std::vector<std::string> names;
    int open = 0;

    void begin(std::string_view step, std::string_view) override {
        EXPECT_EQ(open++, 0) << "steps do not nest";
        names.emplace_back(step);
    }
    void end() override { --open; }
};

struct BringUpTest : testing::Test {
    FakeSyscalls kernel;
    Steps steps;
    VmRequest request{.name = "vm0",
                      .vcpus = 144,
                      .regions = {{.pxm = 4}, {.pxm = 5}},
                      .gpu_bdfs = {"0008:01:00.0", "0009:01:00.0", "0018:01:00.0", "0019:01:00.0"}};

    BringUpTest() { kernel.add_gb200(); }

    Result<VirtualMachine> run() { return bring_up(kernel, request, steps); }

    Error error() {
        auto vm = run();
        EXPECT_FALSE(vm);
        EXPECT_TRUE(kernel.clean());
        EXPECT_EQ(steps.open, 0);
        return vm ? Error{} : vm.error();
    }
};

TEST_F(BringUpTest, TwoWholeCarveoutsBecomeTwoNodesInLargestBlocks) {
    kernel.retired = {{0x10000, 0x10000}, {447 * kGiB - 0x10000, 0x10000}};
    auto vm = run();
    ASSERT_TRUE(vm) << vm.error().message();
    ASSERT_EQ(vm->regions().size(), 2u);
    const GuestRegion& first = vm->regions()[0];
    EXPECT_EQ(first.pxm, 4);
    EXPECT_EQ(first.size, 447 * kGiB);
    EXPECT_EQ(first.ipa, Ipa{0x4000'0000});
    EXPECT_TRUE(is_aligned(first.hva.value, 512 * kMiB));
    EXPECT_EQ(first.largest_block, 512 * kMiB);
    EXPECT_THAT(first.blocks, ElementsAre(BlockShare{512 * kMiB, 447 * kGiB}));
    EXPECT_EQ(first.why_not_larger, "");
    EXPECT_EQ(first.retired.size(), 2u);
    EXPECT_EQ(first.losses, (Losses{.retired = 0x20000, .alignment = 0, .unassigned = 0}));
    EXPECT_EQ(vm->regions()[1].ipa, Ipa{0x70'0000'0000});
    EXPECT_EQ(vm->layout().node_count, 34);
    EXPECT_THAT(vm->dma_notes(), IsEmpty());
    EXPECT_EQ(kernel.slots.size(), 2u);
    EXPECT_EQ(kernel.vm_type, 43u) << "the MMIO window ends at 8 TiB";
    EXPECT_EQ(kernel.dma,
              (std::map<std::uint64_t, std::uint64_t>{{0x4000'0000, 447 * kGiB}, {0x70'0000'0000, 447 * kGiB}}));
    EXPECT_THAT(kernel.violations, IsEmpty());
}

TEST_F(BringUpTest, StepsAreToldInOrder) {
    request.regions = {{.pxm = 4}};
    request.gpu_bdfs = {"0008:01:00.0", "0009:01:00.0"};
    ASSERT_TRUE(run());
    EXPECT_THAT(steps.names, ElementsAre("discover", "plan VM", "open carveout", "query retired pages", "map carveout",
                                         "lay out guest memory", "open IOMMU", "open GPU", "open GPU", "create VM",
                                         "set memory slot", "map DMA"));
    EXPECT_EQ(steps.open, 0);
}

TEST_F(BringUpTest, DestructorUndoesInReverse) {
    request.regions = {{.pxm = 4}};
    request.gpu_bdfs = {"0008:01:00.0", "0009:01:00.0"};
    auto vm = run();
    ASSERT_TRUE(vm);
    const auto done = kernel.log;
    EXPECT_THAT(done, ElementsAre("open /dev/egm4", "map /dev/egm4", "open /dev/vfio/vfio", "open /dev/vfio/10",
                                  "open 0008:01:00.0", "open /dev/vfio/11", "open 0009:01:00.0", "open /dev/kvm",
                                  "open VM", "set slot 0", "map DMA 0x40000000"));
    kernel.log.clear();
    { auto moved = std::move(*vm); }
    EXPECT_THAT(kernel.log,
                ElementsAre("unmap DMA 0x40000000", "delete slot 0", "close VM", "close /dev/kvm", "close 0009:01:00.0",
                            "close 0008:01:00.0", "close /dev/vfio/11", "close /dev/vfio/10", "close /dev/vfio/vfio",
                            "unmap /dev/egm4", "close /dev/egm4"));
    EXPECT_TRUE(kernel.clean());
    EXPECT_THAT(kernel.violations, IsEmpty());
}

/// Fails every call in turn; afterwards nothing may be left, and nothing may have been undone in the wrong order.
void fail_every_call(const VmRequest& request) {
    int total = 0;
    {
        FakeSyscalls kernel;
        kernel.add_gb200();
        kernel.iommufd_takes_egm = true;
        kernel.retired = {{0, 0x10000}};
        Steps steps;
        auto vm = bring_up(kernel, request, steps);
        ASSERT_TRUE(vm) << vm.error().message();
        total = kernel.calls;
    }
    int refused = 0;
    for (int n = 1; n <= total; ++n) {
        FakeSyscalls kernel;
        kernel.add_gb200();
        kernel.iommufd_takes_egm = true;
        kernel.retired = {{0, 0x10000}};
        kernel.fail_at = n;
        kernel.fail_with = EIO;
        Steps steps;
        {
            auto vm = bring_up(kernel, request, steps);
            if (!vm) {
                ++refused;
                EXPECT_EQ(vm.error().error_number, EIO) << vm.error().message();
            }
        }
        EXPECT_TRUE(kernel.clean()) << "after the failure of call " << n << " of " << total;
        EXPECT_THAT(kernel.violations, IsEmpty()) << "after the failure of call " << n << " of " << total;
        EXPECT_EQ(steps.open, 0);
    }
    // All but the close of a file that has been read: its error says nothing.
    EXPECT_GE(refused, total - 8);
}

TEST_F(BringUpTest, NothingStaysBehindWhateverCallFailsWithType1) { fail_every_call(request); }

TEST_F(BringUpTest, NothingStaysBehindWhateverCallFailsWithIommufd) {
    request.iommu = IommuMode::kIommufdStrict;
    fail_every_call(request);
}

TEST_F(BringUpTest, NothingStaysBehindWhateverCallFailsWithOrdinaryMemory) {
    request.regions.clear();
    request.legacy_memory_bytes = 64 * kGiB;
    fail_every_call(request);
}

TEST_F(BringUpTest, BrokenRulesAreRefusedBeforeAnythingIsOpened) {
    const VmRequest good = request;
    const auto refused = [&](auto change, const char* why) {
        request = good;
        change(request);
        const Error told = error();
        EXPECT_EQ(told.error_number, EINVAL);
        EXPECT_THAT(told.message(), HasSubstr(why));
        EXPECT_THAT(kernel.log, IsEmpty());
    };
    refused(
        [](VmRequest& r) {
            r.regions[1].file_offset = kGiB;
            r.regions[1].size = kGiB;
        },
        "plan region");
    refused([](VmRequest& r) { r.gpu_bdfs[1] = r.gpu_bdfs[0]; }, "claimed twice");
    refused([](VmRequest& r) { r.regions[1].pxm = 4; }, "named twice");
    refused([](VmRequest& r) { r.regions[1].pxm = 9; }, "it has: egm4, egm5");
    refused([](VmRequest& r) { r.gpu_bdfs.push_back("0028:01:00.0"); }, "no carveout of this machine has a GPU 0028");
    refused([](VmRequest& r) { r.gpu_bdfs.pop_back(); }, "GPU 0019:01:00.0 reaches all of this carveout");
    refused([](VmRequest& r) { r.regions[0].size = kGiB + 4096; }, "multiples of the host's page, 64 KiB");
    refused([](VmRequest& r) { r.block_alignment = 3 * kMiB; }, "power of two");
    refused([](VmRequest& r) { r.regions.clear(); }, "either EGM regions or ordinary memory");
    refused([](VmRequest& r) { r.legacy_memory_bytes = kGiB; }, "either EGM regions or ordinary memory");
}

TEST_F(BringUpTest, CarveoutTooSmallIsRefusedBeforeAnythingIsOpened) {
    request.regions[0].size = 448 * kGiB;
    EXPECT_EQ(error().message(),
              "ENOSPC: plan region vm0/egm4: the carveout has 447 GiB, and no free piece of it holds "
              "the region: ask for less");
    EXPECT_THAT(kernel.log, IsEmpty());
}

TEST_F(BringUpTest, FaultInjectionLetsTheCorruptingMappingThrough) {
    request.regions[0] = {.pxm = 4, .size = 64 * kGiB, .file_offset = kGiB};
    request.enforce_offset_zero = false;
    auto vm = run();
    ASSERT_TRUE(vm) << vm.error().message();
    EXPECT_EQ(vm->regions()[0].file_offset, kGiB);
    EXPECT_EQ(vm->regions()[0].largest_block, 512 * kMiB) << "the CPU's side looks perfectly well";
}

TEST_F(BringUpTest, GpuHeldByAnotherVmSaysSo) {
    kernel.devices["/dev/vfio/11"] = EBUSY;
    EXPECT_EQ(error().message(),
              "EBUSY: open /dev/vfio/11: another VM holds this GPU's group: a GPU belongs to one VM at a time");
}

TEST_F(BringUpTest, GpuThatIsNotReadySaysWhatToLookAt) {
    kernel.refused["ioctl 0x3b6a"] = ETIME;
    const Error told = error();
    EXPECT_EQ(told.error_number, ETIME);
    EXPECT_EQ(told.object, "0008:01:00.0");
    EXPECT_THAT(told.message(), HasSubstr("reset the GPU"));
}

TEST_F(BringUpTest, StrictIommufdRefusesEgmByName) {
    request.iommu = IommuMode::kIommufdStrict;
    const Error told = error();
    EXPECT_EQ(told.error_number, EFAULT);
    EXPECT_EQ(told.call, "ioctl IOMMU_IOAS_MAP");
    EXPECT_EQ(told.object, "vm0/egm4 [0x0, 0x6fc0000000)");
    EXPECT_THAT(told.advice, HasSubstr("type1"));
}

TEST_F(BringUpTest, TolerantIommufdAcceptsAndReports) {
    request.iommu = IommuMode::kIommufdTolerant;
    auto vm = run();
    ASSERT_TRUE(vm) << vm.error().message();
    ASSERT_EQ(vm->dma_notes().size(), 2u);
    EXPECT_THAT(vm->dma_notes()[0], HasSubstr("EFAULT tolerated: ioctl IOMMU_IOAS_MAP vm0/egm4"));
    EXPECT_FALSE(vm->regions()[0].dma_mapped);
    EXPECT_THAT(kernel.dma, IsEmpty());
}

TEST_F(BringUpTest, SmallerAlignmentIsExactlyThatSmall) {
    kernel.page = 4 * kKiB;
    request.block_alignment = 2 * kMiB;
    auto vm = run();
    ASSERT_TRUE(vm) << vm.error().message();
    EXPECT_EQ(vm->regions()[0].hva.value % (4 * kMiB), 2 * kMiB);
    EXPECT_EQ(vm->regions()[0].largest_block, 2 * kMiB);
    EXPECT_THAT(vm->regions()[0].why_not_larger, HasSubstr("differ modulo 1 GiB"));
}

TEST_F(BringUpTest, MachineWithoutEgmRunsOnOrdinaryMemory) {
    FakeSyscalls x86;
    x86.page = 4 * kKiB;
    x86.ipa_bits_max = 0;
    x86.takes_pfnmap = false;
    x86.add_kernel_devices();
    x86.add_gpu("0000:17:00.0", 3);
    const VmRequest wanted{.name = "vm0", .vcpus = 32, .gpu_bdfs = {"0000:17:00.0"}, .legacy_memory_bytes = 64 * kGiB};
    {
        auto vm = bring_up(x86, wanted, steps);
        ASSERT_TRUE(vm) << vm.error().message();
        ASSERT_EQ(vm->regions().size(), 1u);
        EXPECT_EQ(vm->regions()[0].pxm, -1);
        EXPECT_EQ(vm->regions()[0].ipa, kLegacyGuestRamBase);
        EXPECT_EQ(x86.dma, (std::map<std::uint64_t, std::uint64_t>{{4 * kGiB, 64 * kGiB}}));
    }
    EXPECT_TRUE(x86.clean());
    EXPECT_THAT(x86.violations, IsEmpty());
}

TEST_F(BringUpTest, KernelThatCannotMapEgmIntoAGuestSaysWhatIsNeeded) {
    kernel.takes_pfnmap = false;
    EXPECT_THAT(error().message(), HasSubstr("Linux 6.17"));
}

} // namespace
} // namespace egm
