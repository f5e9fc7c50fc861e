// Nested translation: are the objects made in the order that the kernel demands, does an undo take exactly the reverse
// one from every failing call, and does a guest get no bit of its stream table entry past us that is not its own?

#include "egm/nested_smmu.h"

#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_syscalls.h"
#include "models/linux/sim_syscalls.h"
#include "models/sparse_store.h"

namespace egm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// All bits but those that select: valid, stage 1, no ATS.
constexpr StreamTableEntry kGreedy{(~0ull & ~(7ull << 1)) | 5 << 1, ~0ull & ~(3ull << 28)};
constexpr StreamTableEntry kBypass{1 | 4 << 1, 0};
constexpr StreamTableEntry kStage1{1 | 5 << 1 | 0x1'2345'6780, 1ull << 28};

struct NestedSmmuTest : testing::Test {
    FakeSyscalls kernel;
    std::unique_ptr<IommufdMapper> mapper;
    const std::vector<NestedDevice> devices{{"0008:01:00.0", 0x10}, {"0009:01:00.0", 0x20}};

    NestedSmmuTest() { kernel.add_gb200(); }

    void attach() {
        mapper = std::move(*IommufdMapper::open(kernel, false));
        for (const NestedDevice& device : devices)
            ASSERT_TRUE(mapper->attach(device.bdf));
        kernel.iommufd_takes_egm = true;
        ASSERT_TRUE(mapper->map({kGiB}, {kGiB}, kGiB, MemoryKind::kEgm, "egm"));
        ASSERT_TRUE(mapper->map({8 * kGiB}, {kGiB}, kGiB, MemoryKind::kOrdinary, "memory"));
        kernel.log.clear();
    }

    std::unique_ptr<NestedSmmu> create() {
        attach();
        auto nested = NestedSmmu::create(kernel, *mapper, devices);
        EXPECT_TRUE(nested) << nested.error().message();
        return std::move(*nested);
    }

    Error queue_error(NestedSmmu& nested, const Range<Ipa>& ring) {
        const int calls = kernel.calls;
        auto refused = nested.add_queue(ring);
        EXPECT_FALSE(refused);
        EXPECT_EQ(kernel.calls, calls) << "we know the rule";
        return refused ? Error{} : refused.error();
    }
};

TEST_F(NestedSmmuTest, UndoneInExactlyTheReverseOrder) {
    auto nested = create();
    ASSERT_TRUE(nested->set_entry("0009:01:00.0", kStage1));
    ASSERT_TRUE(nested->add_queue({{kGiB}, 64 * kKiB}));
    ASSERT_TRUE(nested->add_queue({{kGiB + 64 * kKiB}, 64 * kKiB}));
    EXPECT_THAT(kernel.log, ElementsAre("make parent HWPT", "attach 0008:01:00.0 to parent HWPT",
                                        "attach 0009:01:00.0 to parent HWPT", "make vIOMMU", "map /dev/iommu",
                                        "make vDEVICE", "make vDEVICE", "make nested HWPT",
                                        "attach 0009:01:00.0 to nested HWPT", "make queue", "make queue"));
    kernel.log.clear();
    nested.reset();
    EXPECT_THAT(kernel.log, ElementsAre("destroy queue", "destroy queue", "attach 0009:01:00.0 to parent HWPT",
                                        "destroy nested HWPT", "destroy vDEVICE", "destroy vDEVICE", "unmap /dev/iommu",
                                        "destroy vIOMMU", "destroy parent HWPT"));
    mapper.reset();
    EXPECT_TRUE(kernel.dma.size() == 2) << "the mappings are not ours";
}

TEST_F(NestedSmmuTest, QueuesOfTheHardwareDecideTheKindOfVirtualIommu) {
    auto with = create();
    EXPECT_EQ(with->queues_max(), 2u);
    ASSERT_NE(with->queue_registers(), nullptr);
    EXPECT_EQ(with->queue_registers()->size(), 64 * kKiB);
}

TEST_F(NestedSmmuTest, HardwareWithoutQueuesGetsAnOrdinaryVirtualIommu) {
    kernel.has_vcmdq = false;
    auto without = create();
    EXPECT_EQ(without->queues_max(), 0u);
    EXPECT_EQ(without->queue_registers(), nullptr);
    auto refused = without->add_queue({{kGiB}, 64 * kKiB});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().error_number, EOPNOTSUPP);
}

TEST_F(NestedSmmuTest, KernelThatCannotBeAskedForQueuesHasNone) {
    kernel.answers_hw_info_type = false;
    EXPECT_EQ(create()->queues_max(), 0u);
}

TEST_F(NestedSmmuTest, NewEntryReplacesTheOldWithoutAGap) {
    auto nested = create();
    ASSERT_TRUE(nested->set_entry("0008:01:00.0", kBypass));
    kernel.log.clear();
    ASSERT_TRUE(nested->set_entry("0008:01:00.0", kStage1));
    EXPECT_THAT(kernel.log,
                ElementsAre("make nested HWPT", "attach 0008:01:00.0 to nested HWPT", "destroy nested HWPT"));
}

TEST_F(NestedSmmuTest, RefusedEntryLeavesTheOldOneInForce) {
    auto nested = create();
    ASSERT_TRUE(nested->set_entry("0008:01:00.0", kBypass));
    const auto objects = kernel.objects.size();
    kernel.log.clear();
    kernel.refused["ioctl 0x3b77"] = EBUSY; // attach
    EXPECT_FALSE(nested->set_entry("0008:01:00.0", kStage1));
    EXPECT_EQ(kernel.objects.size(), objects);
    EXPECT_THAT(kernel.log, ElementsAre("make nested HWPT", "destroy nested HWPT"));
    kernel.refused.clear();
}

TEST_F(NestedSmmuTest, RingMustBeAlignedToItsPowerOfTwoInContiguousMappedMemory) {
    auto nested = create();
    EXPECT_THAT(queue_error(*nested, {{kGiB}, 48}).message(), HasSubstr("power of two from 32 bytes"));
    EXPECT_THAT(queue_error(*nested, {{kGiB}, 16}).message(), HasSubstr("power of two from 32 bytes"));
    EXPECT_THAT(queue_error(*nested, {{kGiB + 4 * kKiB}, 8 * kKiB}).message(), HasSubstr("multiple of its length"));
    EXPECT_THAT(queue_error(*nested, {{2 * kGiB}, 64 * kKiB}).message(), HasSubstr("mapped for DMA"));
    EXPECT_THAT(queue_error(*nested, {{0}, 64 * kKiB}).message(), HasSubstr("mapped for DMA"));
    EXPECT_THAT(queue_error(*nested, {{8 * kGiB}, 128 * kKiB}).message(), HasSubstr("physically contiguous"));
    EXPECT_TRUE(nested->add_queue({{8 * kGiB}, 64 * kKiB})) << "one page of ordinary memory is contiguous";
    EXPECT_TRUE(nested->add_queue({{2 * kGiB - 512 * kKiB}, 512 * kKiB})) << "EGM is, to its last byte";
    EXPECT_EQ(queue_error(*nested, {{kGiB}, 64 * kKiB}).error_number, ENOSPC) << "the hardware has two";
}

TEST_F(NestedSmmuTest, QueueTakenBackMakesRoomForItsNumber) {
    auto nested = create();
    ASSERT_TRUE(nested->add_queue({{kGiB}, 64 * kKiB}));
    ASSERT_TRUE(nested->add_queue({{kGiB}, 64 * kKiB}));
    nested->remove_queue();
    EXPECT_EQ(nested->queues(), 1u);
    EXPECT_TRUE(nested->add_queue({{kGiB}, 64 * kKiB}));
}

TEST_F(NestedSmmuTest, DevicesMustBeAttachedAndHaveTheirOwnStreamIds) {
    attach();
    const auto refused = [&](const std::vector<NestedDevice>& wanted, const char* why) {
        auto nested = NestedSmmu::create(kernel, *mapper, wanted);
        ASSERT_FALSE(nested);
        EXPECT_EQ(nested.error().error_number, EINVAL);
        EXPECT_THAT(nested.error().message(), HasSubstr(why));
        EXPECT_THAT(kernel.log, IsEmpty());
    };
    refused({}, "no device");
    refused({{"0018:01:00.0", 1}}, "0018:01:00.0: the device is not attached");
    refused({{"0008:01:00.0", 0x10}, {"0009:01:00.0", 0x10}}, "StreamID 0x10 is another device's");
}

TEST_F(NestedSmmuTest, NothingStaysBehindWhateverCallFails) {
    attach();
    const auto before = kernel.objects.size();
    const auto use = [&] { // false: something failed
        auto nested = NestedSmmu::create(kernel, *mapper, devices);
        return nested && (*nested)->set_entry("0008:01:00.0", kStage1) && (*nested)->add_queue({{kGiB}, 64 * kKiB}) &&
               (*nested)->add_queue({{kGiB}, 64 * kKiB});
    };
    const int begin = kernel.calls;
    ASSERT_TRUE(use());
    const int calls = kernel.calls - begin;
    const int undo = 2 + 2 + 2 + 1 + 1 + 2 + 1; // queues, entry, vDEVICEs, registers, vIOMMU, devices, parent
    for (int n = 1; n <= calls - undo; ++n) {
        kernel.fail_at = kernel.calls + n;
        kernel.fail_with = EIO;
        EXPECT_FALSE(use()) << n;
        EXPECT_EQ(kernel.objects.size(), before) << "after the failure of call " << n;
        EXPECT_THAT(kernel.mapped, IsEmpty()) << "after the failure of call " << n;
        EXPECT_EQ(kernel.objects.at(mapper->find_device("0008:01:00.0")->id).number, mapper->ioas());
    }
    EXPECT_THAT(kernel.violations, IsEmpty());
}

TEST(StreamTableEntryTest, OnlyTheGuestsOwnBitsPass) {
    auto passed = host_part(kGreedy, "gpu");
    ASSERT_TRUE(passed);
    EXPECT_EQ((*passed)[0], 0xF80F'FFFF'FFFF'FFFBull) << "V, Cfg 5, S1Fmt, S1ContextPtr, S1CDMax";
    EXPECT_EQ((*passed)[1], 0x0800'00FFull) << "S1DSS, S1CIR, S1COR, S1CSH, S1STALLD";
}

TEST(StreamTableEntryTest, EntryThatIsNotValidSaysNothingElse) {
    EXPECT_EQ(*host_part({~1ull, ~0ull}, "gpu"), (StreamTableEntry{0, 0}));
}

TEST(StreamTableEntryTest, GuestHasNoStageTwoAndNoSplitAts) {
    for (const std::uint64_t config : {1, 2, 3, 6, 7})
        EXPECT_THAT(host_part({1 | config << 1, 0}, "gpu").error().message(), HasSubstr("no stage 2 of its own"));
    EXPECT_THAT(host_part({1 | 5 << 1, 2ull << 28}, "gpu").error().message(), HasSubstr("split-stage ATS"));
}

/// The same on the modelled kernel, which knows the kernel's own checks.
TEST(NestedSmmuOnModelledKernelTest, GuestTablesGoOverTheIoas) {
    struct NoClock final : models::linux::Clock {
        void pass(std::uint64_t) override {}
    } clock;
    models::SparseStore store;
    models::linux::KernelConfig config{.version = 618};
    config.host_memory.push_back({Spa{4 * kGiB}, 16 * kGiB});
    for (int i = 0; i < 2; ++i)
        config.gpus.push_back({.bdf = i == 0 ? "0008:01:00.0" : "0009:01:00.0",
                               .iommu_group = i,
                               .vfio_index = i,
                               .device_id = 0x2941,
                               .socket = 0,
                               .hbm = {Spa{0x0400'0000'0000 + std::uint64_t(i) * 256 * kGiB}, 186 * kGiB}});
    models::linux::SimSyscalls kernel(config, clock, store);
    {
        auto mapper = IommufdMapper::open(kernel, false);
        ASSERT_TRUE(mapper);
        for (const char* bdf : {"0008:01:00.0", "0009:01:00.0"})
            ASSERT_TRUE((*mapper)->attach(bdf));
        auto nested = NestedSmmu::create(kernel, **mapper, {{"0008:01:00.0", 0x10}, {"0009:01:00.0", 0x20}});
        ASSERT_TRUE(nested) << nested.error().message();
        EXPECT_TRUE((*nested)->set_entry("0008:01:00.0", kBypass));
        auto replaced = (*nested)->set_entry("0008:01:00.0", kStage1);
        EXPECT_TRUE(replaced) << replaced.error().message();
        auto greedy = (*nested)->set_entry("0009:01:00.0", kGreedy);
        EXPECT_TRUE(greedy) << "no bit that the kernel refuses with EIO: " << greedy.error().message();
    }
    EXPECT_EQ(kernel.open_state(), models::linux::SimSyscalls::OpenState{});
}

} // namespace
} // namespace egm
