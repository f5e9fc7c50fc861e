// egmctl: what do a person and a script see, on this host and on a modelled one, and where they ask for nonsense?

#include <filesystem>
#include <fstream>
#include <string>

#include "egmctl_program.h"

namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// On the host that runs the tests, which is taken to have no EGM.
struct ThisHostTest : EgmctlProgram {
    void SetUp() override {
        if (std::filesystem::exists("/sys/class/egm"))
            GTEST_SKIP() << "this host has EGM, and its answers are its own";
    }
};

TEST_F(ThisHostTest, ListSaysThatThereIsNoneAndNamesTheFallback) {
    const Answer answer = run("list");
    EXPECT_EQ(answer.status, 0);
    EXPECT_THAT(answer.out, StartsWith("This machine has no EGM carveout. Its VMs use ordinary memory"));
    EXPECT_EQ(answer.err, "");
}

TEST_F(ThisHostTest, ListForProgramsSaysWhichMachineItIsAbout) {
    const auto found = json("list");
    EXPECT_EQ(found["schema_version"], 1);
    EXPECT_EQ(found["machine"], "this host");
    EXPECT_FALSE(found["modelled"]);
    EXPECT_TRUE(found["carveouts"].empty());
}

TEST_F(ThisHostTest, DoctorFailsSaysWhatToDoAndNamesTheFallback) {
    const Answer answer = run("doctor");
    EXPECT_EQ(answer.status, 1);
    EXPECT_THAT(answer.out, HasSubstr("MISSING  carveout      none"));
    EXPECT_THAT(answer.out, HasSubstr("EGM is not usable on this machine. The fallback, plain VFIO with hugepages"));
}

TEST_F(ThisHostTest, DoctorClaimsAboutTheNodesWhatIsSo) {
    const auto found = json("doctor", 1);
    for (const auto& [topic, path] : {std::pair{"kvm", "/dev/kvm"}, std::pair{"iommufd", "/dev/iommu"}})
        for (const auto& finding : found["findings"]) {
            if (finding["topic"] == topic && !std::filesystem::exists(path)) {
                EXPECT_THAT(finding["what"].get<std::string>(), HasSubstr(std::string("ENOENT on ") + path));
            }
        }
}

TEST_F(ThisHostTest, MapTestHasNothingToTest) {
    const Answer answer = run("map-test --yes");
    EXPECT_EQ(answer.status, 1);
    EXPECT_THAT(answer.err, HasSubstr("no EGM carveout"));
}

struct CommandLineTest : EgmctlProgram {};

TEST_F(CommandLineTest, WrongOnesEndWithTwoAndSayWhy) {
    for (const char* arguments : {"",
                                  "lst",
                                  "list --jsn -",
                                  "list --json",
                                  "--on list",
                                  "--kernel egm=E2 list",
                                  "--fault unbound=hopper0 list",
                                  "--on gh200 map-test --iommu typ1",
                                  "--on gh200 map-test --pxm four",
                                  "--on gh200 map-test --pxm -4",
                                  "--on gh200 map-test --pxm 5",
                                  "--on nosuch list",
                                  "--on / list",
                                  "--on /dev/null list",
                                  "--on x.yaml list",
                                  "--on gh200 --kernel egm=F list",
                                  "--on gh200 --kernel vfio=six list",
                                  "--on gh200 --kernel page_size=3KiB list",
                                  "--on gh200 --kernel shape=E2 list",
                                  "--on gh200 --kernel vfio=6.18,version=6.18 list",
                                  "--on gh200 --kernel '}{' list",
                                  "--on gh200 --kernel '[' list",
                                  "--on gh200 --fault missing=sun list",
                                  "--on gh200 --fault unbound=grace0 list",
                                  "--on gh200 --fault carveout_busy=hopper0 list",
                                  "--on gh200 --fault retired_pages=grace0 list",
                                  "--on gh200 --fault fail_call=0,errno=EIO list",
                                  "--on gh200 --fault 'retired_pages=grace0,offsets=[1 KiB]' list",
                                  "--on hgx-h100 --kernel page_size=64KiB list"}) {
        const Answer answer = run(arguments);
        EXPECT_EQ(answer.status, 2) << arguments;
        EXPECT_NE(answer.err, "") << arguments;
        EXPECT_EQ(answer.out, "") << arguments;
    }
}

TEST_F(CommandLineTest, HelpAndVersionAreNoErrors) {
    for (const char* arguments : {"--help", "--version", "list --help", "doctor --help", "map-test --help"}) {
        const Answer answer = run(arguments);
        EXPECT_EQ(answer.status, 0) << arguments;
        EXPECT_NE(answer.out, "") << arguments;
    }
    EXPECT_THAT(run("--help").out, HasSubstr("Examples:"));
    EXPECT_THAT(run("--version").out, StartsWith("egmctl "));
}

TEST_F(CommandLineTest, FaultsOfATopologyComeWithFileAndLine) {
    std::ofstream(folder / "odd.yaml") << "topology: odd\ndescription: odd\nparts:\n  cpu: {preset: grce}\n";
    const Answer answer = run("--on ./odd.yaml list");
    EXPECT_EQ(answer.status, 2);
    EXPECT_THAT(answer.err, HasSubstr("odd.yaml:4:"));
    EXPECT_THAT(answer.err, HasSubstr("error: "));
}

TEST_F(CommandLineTest, OnIsUnderstoodBeforeAndAfterTheCommandAndSaysThatTheMachineIsModelled) {
    for (const char* arguments : {"--on gb200-tray list", "list --on gb200-tray"}) {
        const Answer answer = run(arguments);
        EXPECT_EQ(answer.status, 0);
        EXPECT_EQ(answer.err, "On the modelled gb200-tray, Linux 6.18, driver shape E2, 64 KiB pages. No hardware is "
                              "touched.\n");
        EXPECT_THAT(answer.out, HasSubstr("/dev/egm5     447 GiB  1       0018:01:00.0 0019:01:00.0"));
    }
}

TEST_F(CommandLineTest, KernelWordsReachTheModelledMachine) {
    EXPECT_EQ(json("--on gh200 --kernel egm=B,vfio=6.12,page_size=4KiB list")["machine"],
              "modelled gh200, Linux 6.12, driver shape B, 4 KiB pages");
    EXPECT_EQ(json("--on hgx-h100 list")["machine"], "modelled hgx-h100, Linux 6.18, no EGM, 4 KiB pages");
}

TEST_F(CommandLineTest, UnknownFaultIsToldWithAllThatThereAre) {
    const Answer answer = run("--on gh200 --fault bogus=1 list");
    EXPECT_EQ(answer.status, 2);
    EXPECT_THAT(answer.err, HasSubstr("--fault: error: says no fault; write one of carveout_busy, fail_call"));
}

TEST_F(CommandLineTest, OutputThatIsLostIsAFailure) {
    std::ofstream(folder / "vm.yaml") << "vms:\n  - {name: a, vcpus: 4, egm: all, gpus: all}\n";
    for (const std::string command : {"list", "doctor", "map-test", "plan vm.yaml"}) {
        const Answer answer = run("--on gh200 " + command + " >/dev/full 2>.err; exit $?; :");
        EXPECT_EQ(answer.status, 1) << command;
        EXPECT_THAT(answer.err, HasSubstr("standard output could not be written")) << command;
    }
}

struct JsonFileTest : EgmctlProgram, testing::WithParamInterface<std::string> {};

TEST_P(JsonFileTest, IsWrittenWholeOrAComplaintIsMade) {
    const std::string command = "--on gh200 " + GetParam();
    EXPECT_EQ(run(command + " --json found.json").status, 0);
    EXPECT_EQ(read(folder / "found.json"), run(command + " --json -").out);
    for (const char* path : {"/no/such/folder/found.json", "/dev/full", "."}) {
        const Answer answer = run(command + " --json " + path);
        EXPECT_EQ(answer.status, 1) << path;
        EXPECT_THAT(answer.err, HasSubstr(std::string("cannot write ") + path));
    }
    // Nothing is left beside what could be written.
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        EXPECT_THAT(entry.path().filename().string(), testing::AnyOf("found.json", ".out", ".err"));
}

INSTANTIATE_TEST_SUITE_P(Each, JsonFileTest, testing::Values("list", "doctor", "map-test"), [](const auto& info) {
    return info.param == "map-test" ? std::string("map_test") : info.param;
});

} // namespace
