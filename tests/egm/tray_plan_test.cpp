// Tray plan: who gets what under each policy, what follows from it, and is everything impossible refused at once?

#include "egm/tray_plan.h"

#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_syscalls.h"
#include "machines.h"

namespace egm {
namespace {

using machines::gb200_tray;
using machines::gh200_quad;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TrayVm everything(const std::string& name = "vm0", unsigned vcpus = 120) {
    return {.request = {.name = name, .vcpus = vcpus}, .all_carveouts = true, .all_gpus = true};
}

TrayVm one_socket(const std::string& name, int pxm, std::uint64_t size = 0) {
    TrayVm vm{.request = {.name = name, .vcpus = 8, .regions = {{.pxm = pxm, .size = size}}}, .all_gpus = true};
    return vm;
}

TrayPlan planned(const TrayRequest& request, const MachineSurvey& machine) {
    auto plan = plan_tray(request, machine);
    EXPECT_TRUE(plan) << plan.error().front().error.message();
    return plan ? std::move(*plan) : TrayPlan{};
}

/// The advice of each fault.
std::vector<std::string> refused(const TrayRequest& request, const MachineSurvey& machine) {
    std::vector<std::string> advice;
    const auto plan = plan_tray(request, machine);
    EXPECT_FALSE(plan);
    if (!plan)
        for (const PlanFault& fault : plan.error())
            advice.push_back(fault.error.advice);
    return advice;
}

TEST(TrayPlanTest, WholeTrayOfA447GiBMachineGetsTheLargestBlocksEverywhere) {
    for (const std::uint64_t page : {4 * kKiB, 64 * kKiB}) {
        const TrayPlan plan = planned({.vms = {everything()}}, gb200_tray(page));
        const PlannedVm& vm = plan.vms.at(0);
        ASSERT_EQ(vm.nodes.size(), 2u);
        EXPECT_EQ(vm.layout.nodes[1].ram, (Range<Ipa>{{0x70'0000'0000}, 447 * kGiB}));
        EXPECT_EQ(vm.layout.node_count, 34);
        for (const PlannedNode& node : vm.nodes) {
            EXPECT_THAT(node.blocks, ElementsAre(BlockShare{block_size_max(page), 447 * kGiB}));
            EXPECT_EQ(node.why_not_larger, "");
        }
        EXPECT_THAT(plan.idle_gpus, IsEmpty());
        EXPECT_THAT(plan.carveouts[0].owners, ElementsAre("vm0"));
        EXPECT_EQ(plan.carveouts[0].losses, Losses{});
    }
}

TEST(TrayPlanTest, NodeBehindAnOddSizeGetsSmallBlocksAndTheNoteSaysWhatToDo) {
    // The worked example: 1 GiB + 56896 MiB = 0xe24000000 is a multiple of 64 MiB only.
    const TrayPlan plan = planned({.vms = {everything()}}, gh200_quad());
    const PlannedVm& vm = plan.vms.at(0);
    EXPECT_EQ(vm.nodes[0].largest_block, 512 * kMiB);
    EXPECT_EQ(vm.layout.nodes[1].ram.begin, Ipa{0xE'2400'0000});
    EXPECT_EQ(vm.nodes[1].largest_block, 64 * kKiB);
    EXPECT_THAT(vm.nodes[1].why_not_larger, HasSubstr("512 MiB"));
    EXPECT_THAT(vm.notes, Contains(AllOf(HasSubstr("egm4 in front of it has 56896 MiB"),
                                         HasSubstr("ask for \"blocks\" of egm4 (gives up 64 MiB)"))));
    EXPECT_EQ(vm.layout.node_count, 36);
}

TEST(TrayPlanTest, With4KiBPagesTheSameNodeGets2MiBBlocks) {
    const TrayPlan plan = planned({.vms = {everything()}}, gh200_quad(4 * kKiB));
    EXPECT_EQ(plan.vms[0].nodes[0].largest_block, kGiB);
    EXPECT_EQ(plan.vms[0].nodes[1].largest_block, 2 * kMiB);
}

TEST(TrayPlanTest, BlocksGiveUpTheOddTailAndKeepTheNextNodeAligned) {
    TrayVm vm = everything();
    vm.all_carveouts = false;
    vm.request.regions = {{.pxm = 4, .whole_blocks = true},
                          {.pxm = 5, .whole_blocks = true},
                          {.pxm = 6, .whole_blocks = true},
                          {.pxm = 7}};
    const TrayPlan plan = planned({.vms = {vm}}, gh200_quad());
    EXPECT_EQ(plan.vms[0].nodes[0].planned.region.size, 111 * 512 * kMiB);
    for (const PlannedNode& node : plan.vms[0].nodes)
        EXPECT_EQ(node.largest_block, 512 * kMiB);
    EXPECT_EQ(plan.carveouts[0].losses.external, 56896 * kMiB - 111 * 512 * kMiB); // holds no whole block
    EXPECT_EQ(plan.carveouts[3].losses.total(), 0u);
    EXPECT_THAT(plan.vms[0].notes, Not(Contains(HasSubstr("in front of it"))));
}

TEST(TrayPlanTest, BlocksOfACarveoutSmallerThanOneAreAllOfIt) {
    MachineSurvey machine = gh200_quad();
    machine.carveouts.resize(1);
    machine.carveouts[0].size = 100 * kMiB;
    TrayVm vm = one_socket("vm0", 4);
    vm.request.regions[0].whole_blocks = true;
    EXPECT_EQ(planned({.vms = {vm}}, machine).vms[0].nodes[0].planned.region.size, 100 * kMiB);
}

TEST(TrayPlanTest, WholeTrayWantsEveryCarveoutEveryGpuAndOneVm) {
    EXPECT_THAT(refused({.vms = {one_socket("a", 4)}}, gb200_tray()),
                ElementsAre(HasSubstr("add egm5, or choose another policy")));
    EXPECT_THAT(refused({.vms = {one_socket("a", 4), one_socket("b", 5)}}, gb200_tray()),
                ElementsAre(HasSubstr("add egm5"), HasSubstr("to one VM"), HasSubstr("add egm4")));
    TrayVm without = everything();
    without.all_gpus = false;
    without.request.gpu_bdfs = {"0008:01:00.0", "0009:01:00.0", "0018:01:00.0"};
    EXPECT_THAT(refused({.vms = {without}}, gb200_tray()), ElementsAre(HasSubstr("0019:01:00.0")));
}

TEST(TrayPlanTest, VmPerSocketGivesEachItsCarveoutAndGpus) {
    const TrayPlan plan =
        planned({.policy = Sharing::kVmPerSocket, .vms = {one_socket("a", 4), one_socket("b", 5)}}, gb200_tray());
    EXPECT_THAT(plan.vms[1].request.gpu_bdfs, ElementsAre("0018:01:00.0", "0019:01:00.0"));
    EXPECT_EQ(plan.vms[1].layout.nodes[0].ram.begin, kGuestRamBase);
    EXPECT_EQ(plan.vms[1].layout.node_count, 1 + 2 * 8);
    EXPECT_THAT(plan.carveouts[1].owners, ElementsAre("b"));
}

TEST(TrayPlanTest, VmPerSocketRefusesTwoCarveoutsOrTwoOwners) {
    const TrayRequest two{.policy = Sharing::kVmPerSocket, .vms = {everything()}};
    EXPECT_THAT(refused(two, gb200_tray()), ElementsAre(HasSubstr("gives a VM one carveout")));
    TrayVm second = one_socket("b", 4, 10 * kGiB);
    second.all_gpus = false;
    EXPECT_THAT(refused({.policy = Sharing::kVmPerSocket, .vms = {one_socket("a", 4, kGiB), second}}, gb200_tray()),
                Contains(HasSubstr("egm4 belongs to a")));
}

TEST(TrayPlanTest, SharedPutsRegionsSideBySideAndSaysWhatThatNeeds) {
    TrayVm a = one_socket("a", 4, 200 * kGiB);
    TrayVm b = one_socket("b", 4, 100 * kGiB);
    a.all_gpus = b.all_gpus = false;
    a.request.gpu_bdfs = {"0008:01:00.0"};
    b.request.gpu_bdfs = {"0009:01:00.0"};
    const TrayPlan plan = planned({.policy = Sharing::kRegionsPerCarveout, .vms = {a, b}}, gb200_tray());
    EXPECT_EQ(plan.vms[0].nodes[0].planned.region.file_offset, 0u);
    EXPECT_EQ(plan.vms[1].nodes[0].planned.region.file_offset, 200 * kGiB);
    EXPECT_THAT(plan.vms[1].notes, Contains(HasSubstr("begins at offset 0x3200000000")));
    EXPECT_THAT(plan.vms[0].notes, Contains(HasSubstr("egm4 is shared")));
    EXPECT_THAT(plan.vms[0].notes, Not(Contains(HasSubstr("begins at offset"))));
    EXPECT_EQ(plan.carveouts[0].losses.unassigned, 147 * kGiB);
    EXPECT_THAT(plan.idle_gpus, ElementsAre("0018:01:00.0", "0019:01:00.0"));
}

TEST(TrayPlanTest, RetiredMemoryIsAHoleAndALoss) {
    MachineSurvey machine = gb200_tray();
    machine.retired[4] = {{kGiB, 128 * kKiB}, {446 * kGiB, 64 * kKiB}};
    TrayVm vm = one_socket("vm0", 4, 100 * kGiB);
    const TrayPlan plan = planned({.policy = Sharing::kVmPerSocket, .vms = {vm}}, machine);
    EXPECT_THAT(plan.vms[0].nodes[0].retired, ElementsAre(RetiredRange{kGiB, 128 * kKiB}));
    EXPECT_THAT(plan.vms[0].layout.nodes[0].holes, ElementsAre(Range<Ipa>{{2 * kGiB}, 128 * kKiB}));
    EXPECT_EQ(plan.carveouts[0].losses.retired, 128 * kKiB + 64 * kKiB); // in the region and outside
    EXPECT_TRUE(plan.carveouts[0].retired_known);
    EXPECT_FALSE(plan.carveouts[1].retired_known);
    EXPECT_THAT(plan.vms[0].notes, Contains(HasSubstr("retired memory outside the region")));
}

TEST(TrayPlanTest, GpuInTwoVmsIsSaidOnce) {
    TrayVm b = one_socket("b", 5);
    b.all_gpus = false;
    b.request.gpu_bdfs = {"0018:01:00.0", "0019:01:00.0", "0008:01:00.0"};
    const auto plan = plan_tray({.policy = Sharing::kVmPerSocket, .vms = {one_socket("a", 4), b}}, gb200_tray());
    ASSERT_FALSE(plan);
    ASSERT_EQ(plan.error().size(), 1u);
    EXPECT_EQ(plan.error()[0].error.error_number, EBUSY);
    EXPECT_EQ(plan.error()[0].vm, 1u);
    EXPECT_EQ(plan.error()[0].gpu, 2);
    EXPECT_EQ(plan.error()[0].error.advice, "GPU 0008:01:00.0 belongs to a");
}

TEST(TrayPlanTest, EveryFaultOfEveryVmIsFoundInOneGo) {
    TrayVm a = one_socket("a", 4, 500 * kGiB);
    TrayVm b = one_socket("a", 9);
    b.all_gpus = false;
    b.request.gpu_bdfs = {"0042:01:00.0"};
    const auto plan = plan_tray({.policy = Sharing::kVmPerSocket, .vms = {a, b}}, gb200_tray());
    ASSERT_FALSE(plan);
    std::vector<std::string> messages;
    for (const PlanFault& fault : plan.error())
        messages.push_back(fault.error.message());
    EXPECT_THAT(messages, ElementsAre(HasSubstr("another VM has the same name"), HasSubstr("ENOSPC"),
                                      HasSubstr("it has: egm4, egm5"), HasSubstr("has a GPU 0042:01:00.0")));
}

TEST(TrayPlanTest, GpusOfOneSmmuShareAnExpanderBus) {
    MachineSurvey machine = gb200_tray();
    machine.gpus["0009:01:00.0"].smmu = machine.gpus["0008:01:00.0"].smmu;
    const PlannedVm vm = planned({.vms = {everything()}}, machine).vms.at(0);
    ASSERT_EQ(vm.buses.size(), 3u);
    EXPECT_THAT(vm.buses[0].gpus, ElementsAre(0, 1));
    EXPECT_THAT(vm.buses[1].gpus, ElementsAre(2));
    EXPECT_EQ(vm.buses[0].node, 0);
    EXPECT_EQ(vm.buses[2].node, 1);
    EXPECT_THAT((std::vector<int>{vm.buses[0].bus_number, vm.buses[1].bus_number, vm.buses[2].bus_number}),
                ElementsAre(32, 64, 96));
}

TEST(TrayPlanTest, Gb300NeedsAWindowOf8TiB) {
    MachineSurvey machine = gb200_tray();
    for (auto& [bdf, gpu] : machine.gpus)
        gpu.device_id = 0x31C2;
    EXPECT_EQ(planned({.vms = {everything()}}, machine).vms[0].layout.high_mmio.size, 8 * kTiB);
    EXPECT_EQ(planned({.vms = {everything()}}, gb200_tray()).vms[0].layout.high_mmio.size, 4 * kTiB);
}

TEST(TrayPlanTest, EachDmaModeSaysWhatItMeans) {
    TrayVm vm = everything();
    vm.request.iommu = IommuMode::kIommufdStrict;
    EXPECT_THAT(planned({.vms = {vm}}, gb200_tray()).vms[0].notes, Contains(HasSubstr("refuse to map EGM (EFAULT)")));
}

TEST(TrayPlanTest, OrdinaryMemoryNeedsNoCarveout) {
    const TrayVm vm{.request = {.name = "plain", .vcpus = 4, .legacy_memory_bytes = 64 * kGiB}};
    const TrayPlan plan = planned({.vms = {vm}}, MachineSurvey{.page_size = 4 * kKiB});
    EXPECT_THAT(plan.vms[0].nodes, IsEmpty());
    EXPECT_EQ(plan.vms[0].layout.nodes[0].ram, (Range<Ipa>{kLegacyGuestRamBase, 64 * kGiB}));
}

TEST(TrayPlanTest, EverythingOfAMachineWithoutEgmIsRefused) {
    EXPECT_THAT(refused({.vms = {everything()}}, MachineSurvey{.page_size = 4 * kKiB}),
                ElementsAre(HasSubstr("this machine has no EGM carveout")));
}

struct MachineSurveyTest : testing::Test {
    FakeSyscalls syscalls;
    MachineSurveyTest() { syscalls.add_gb200(); }

    MachineSurvey surveyed() {
        auto machine = survey(syscalls);
        EXPECT_TRUE(machine);
        return machine ? std::move(*machine) : MachineSurvey{};
    }
};

TEST_F(MachineSurveyTest, SmmuIsTheEndOfTheIommuLink) {
    syscalls.links["/sys/bus/pci/devices/0008:01:00.0/iommu"] =
        "../../../platform/NVDA200C:00/iommu/smmu3.0x0000000011a00000";
    syscalls.files["/sys/bus/pci/devices/0008:01:00.0/device"] = "0x31c2\n";
    const MachineSurvey machine = surveyed();
    EXPECT_EQ(machine.gpus.at("0008:01:00.0").smmu, "smmu3.0x0000000011a00000");
    EXPECT_EQ(machine.gpus.at("0008:01:00.0").device_id, 0x31C2u);
    EXPECT_EQ(machine.gpus.at("0009:01:00.0").smmu, "segment 0009");
    EXPECT_EQ(machine.gpus.at("0009:01:00.0").device_id, 0u);
    EXPECT_EQ(machine.page_size, syscalls.page);
    EXPECT_THAT(machine.retired, IsEmpty());
    EXPECT_THAT(syscalls.log, Not(Contains(HasSubstr("egm"))));
}

TEST_F(MachineSurveyTest, DeviceIdThatIsNoNumberIsUnknown) {
    for (const char* text : {"", "0x", "31c2", "0xzz", "0x31c2 x"}) {
        syscalls.files["/sys/bus/pci/devices/0008:01:00.0/device"] = text;
        EXPECT_EQ(surveyed().gpus.at("0008:01:00.0").device_id, 0u) << text;
    }
}

TEST_F(MachineSurveyTest, RetiredMemoryOfEveryCarveoutIsAskedForAndNothingStaysOpen) {
    syscalls.retired = {{0x10'0000, 0x1'0000}};
    MachineSurvey machine = surveyed();
    ASSERT_TRUE(survey_retired(syscalls, machine));
    EXPECT_THAT(machine.retired.at(5), ElementsAre(RetiredRange{0x10'0000, 0x1'0000}));
    EXPECT_TRUE(syscalls.clean());
}

TEST_F(MachineSurveyTest, BusyCarveoutIsAnErrorAndTheSurveyStaysAsItWas) {
    syscalls.devices["/dev/egm5"] = EBUSY;
    MachineSurvey machine = surveyed();
    const auto done = survey_retired(syscalls, machine);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().error_number, EBUSY);
    EXPECT_THAT(machine.retired, IsEmpty());
    EXPECT_TRUE(syscalls.clean());
}

} // namespace
} // namespace egm
