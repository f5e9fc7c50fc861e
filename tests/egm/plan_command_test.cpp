// egmctl plan and lint, as a user runs them: on each of the six EGM drivers, for people and for programs.

#include <fstream>
#include <string>

#include "egmctl_program.h"

namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::uint64_t kGiB = 1ull << 30;

struct PlanCommandTest : EgmctlProgram {
    PlanCommandTest() {
        write("all.yaml", "vms:\n  - {name: vm0, vcpus: 8, egm: all, gpus: all, iommu: iommufd-tolerant}\n");
        write("two.yaml", "policy: vm-per-socket\nvms:\n  - {name: a, vcpus: 4, egm: {4: whole}, gpus: all}\n"
                          "  - {name: b, vcpus: 4, egm: {5: whole}, gpus: all}\n");
    }

    void write(const std::string& name, const std::string& text) const { std::ofstream(folder / name) << text; }
};

struct PlanOnEveryShapeTest : PlanCommandTest, testing::WithParamInterface<std::string> {
    std::string on() const { return "--on gb200-tray --kernel egm=" + GetParam() + " "; }
};

TEST_P(PlanOnEveryShapeTest, PlanGivesTheWholeTray) {
    const auto plan = json(on() + "plan all.yaml");
    EXPECT_EQ(plan["policy"], "whole-tray");
    const auto& nodes = plan["vms"][0]["nodes"];
    ASSERT_EQ(nodes.size(), 2u);
    EXPECT_EQ(nodes[1]["ipa"], 448 * kGiB);
    EXPECT_EQ(nodes[1]["size_bytes"], 447 * kGiB);
    EXPECT_EQ(nodes[1]["largest_block_bytes"], 512 << 20);
    EXPECT_EQ(plan["vms"][0]["gpus"].size(), 4u);
    EXPECT_TRUE(plan["carveouts"][0]["retired_bytes"].is_null());
}

TEST_P(PlanOnEveryShapeTest, RetiredMemoryIsAHoleAndALossWhenAskedFor) {
    const auto plan = json(on() + "--fault retired_pages=grace1,offsets=[3GiB] plan all.yaml --retired");
    EXPECT_EQ(plan["carveouts"][0]["retired_bytes"], 0);
    EXPECT_EQ(plan["carveouts"][1]["retired_bytes"], 64 << 10);
    EXPECT_EQ(plan["vms"][0]["nodes"][1]["holes"][0]["ipa"], 451 * kGiB);
}

TEST_P(PlanOnEveryShapeTest, LinterFindsNothingInOurOwnCommandLineAndDomain) {
    for (const char* form : {"--qemu", "--libvirt"}) {
        const Answer plan = run(on() + "plan all.yaml " + form);
        ASSERT_EQ(plan.status, 0) << plan.err;
        write("vm0", plan.out);
        EXPECT_THAT(json(on() + "lint vm0")["findings"], IsEmpty()) << form;
    }
}

INSTANTIATE_TEST_SUITE_P(Shapes, PlanOnEveryShapeTest, testing::Values("A", "B", "C", "D", "E1", "E2"),
                         [](const auto& each) { return each.param; });

TEST_F(PlanCommandTest, OneOfSeveralVmsIsChosenByName) {
    const Answer none = run("--on gb200-tray plan two.yaml --qemu");
    EXPECT_EQ(none.status, 2);
    EXPECT_THAT(none.err, HasSubstr("the plan has 2 VMs: choose one with --vm NAME"));
    EXPECT_THAT(run("--on gb200-tray plan two.yaml --qemu --vm b").out, HasSubstr("mem-path=/dev/egm5,size=447G"));
    EXPECT_EQ(run("--on gb200-tray plan two.yaml --qemu --vm c").status, 2);
}

TEST_F(PlanCommandTest, TwoPlannedVmsDoNotDisturbEachOther) {
    for (const std::string name : {"a", "b"})
        write(name, run("--on gb200-tray plan two.yaml --libvirt --vm " + name).out);
    EXPECT_THAT(json("--on gb200-tray lint a b")["findings"], IsEmpty());
    EXPECT_EQ(json("--on gb200-tray lint a a b", 1)["vms"], 3);
}

TEST_F(PlanCommandTest, ImpossiblePlanIsStatusOneAndPrintsNoHalfOfIt) {
    write("no.yaml", "vms:\n  - {name: a, vcpus: 4, egm: {4: 900 GiB}, gpus: all}\n");
    const Answer answer = run("--on gb200-tray plan no.yaml --json out.json");
    EXPECT_EQ(answer.status, 1);
    EXPECT_EQ(answer.out, "");
    EXPECT_THAT(answer.err, HasSubstr("no.yaml:2:12: error: a: the policy whole-tray gives every carveout"));
    EXPECT_THAT(answer.err, HasSubstr("no.yaml:2:31: error: a/egm4: the carveout has 447 GiB"));
    EXPECT_FALSE(std::filesystem::exists(folder / "out.json"));
}

TEST_F(PlanCommandTest, UnusableFilesAreStatusTwo) {
    EXPECT_EQ(run("--on gb200-tray plan absent.yaml").status, 2);
    EXPECT_EQ(run("--on gb200-tray lint absent.sh").status, 2);
    write("bad.yaml", "vms:\n  - {name: a, vcpus: four, egm: all}\n");
    EXPECT_EQ(run("--on gb200-tray plan bad.yaml").status, 2);
    EXPECT_EQ(run("--on gb200-tray plan all.yaml --qemu --libvirt").status, 2);
    EXPECT_EQ(run("--on gb200-tray plan all.yaml --qemu-version 11.1").status, 2);
}

TEST_F(PlanCommandTest, OrdinaryMemoryIsPlannedButNotWritten) {
    write("plain.yaml", "vms:\n  - {name: plain, vcpus: 4, memory: 64 GiB}\n");
    EXPECT_THAT(run("--on hgx-h100 plan plain.yaml").out, HasSubstr("ordinary memory: 64 GiB"));
    EXPECT_EQ(run("--on hgx-h100 plan plain.yaml --qemu").status, 2);
    EXPECT_THAT(run("--on hgx-h100 plan all.yaml").err, HasSubstr("this machine has no EGM carveout"));
}

TEST_F(PlanCommandTest, LintIsStatusOneForErrorsOnly) {
    const std::string sound = run("--on gb200-tray plan all.yaml --qemu").out;
    const std::size_t align = sound.find(",align=512M");
    write("slow.sh", std::string(sound).erase(align, 11));
    EXPECT_EQ(run("--on gb200-tray lint slow.sh").status, 0);
    EXPECT_THAT(run("--on gb200-tray lint slow.sh").out, HasSubstr("1 VM: 0 errors, 1 warning, 0 notes"));
    const std::size_t share = sound.find("share=on");
    write("wrong.sh", std::string(sound).replace(share, 8, "share=off"));
    const auto found = json("--on gb200-tray lint wrong.sh", 1)["findings"];
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0]["severity"], "error");
    EXPECT_EQ(found[0]["file"], "wrong.sh");
    EXPECT_GT(found[0]["line"], 1);
}

TEST_F(PlanCommandTest, WhatIsNoTextIsAFindingToo) {
    write("noise", std::string("\xff\xfe\0 object \x80\x01{", 14));
    EXPECT_EQ(json("--on gb200-tray lint noise", 1)["vms"], 0);
}

} // namespace
