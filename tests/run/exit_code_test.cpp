// egmsim in trouble: what does it say, how does it end, and what does it leave behind?
#include "tests/run/program.h"

#include <algorithm>
#include <fmt/format.h>

namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

struct ExitCodeTest : ProgramTest {
    /// A VM start without traffic, with these lines as its `software`.
    Answer bring_up(const std::string& software, const std::string& machine = "gh200") const {
        const std::string scenario = "scenario: start\nmachine: " + machine + "\nsoftware:\n" + software;
        return run({"run", file("start.yaml", scenario), "--json", "result.json"});
    }
    std::vector<std::string> left_behind() const {
        std::vector<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator(directory)) {
            names.push_back(entry.path().filename().string());
        }
        std::sort(names.begin(), names.end());
        return names;
    }
};

// --- 2: bad input -------------------------------------------------------------------------------------------------

TEST_F(ExitCodeTest, EveryFaultOfAScenarioIsToldInOneGo) {
    const std::string bad = file("bad.yaml", "scenario: bad\nmachine: gh200\ntraffic:\n  - group: g\n    streams:\n"
                                             "      - {from: hopper0.sm, op: reed, source: grace0.egm}\n"
                                             "      - {from: hopper9.sm, op: read, source: grace0.egm}\n"
                                             "      - {from: hopper0.sm, op: read, source: grace0.egm, burst: 4}\n");
    for (const char* verb : {"run", "check"}) {
        const Answer answer = run({verb, bad});
        EXPECT_EQ(answer.status, 2);
        EXPECT_EQ(answer.out, "");
        EXPECT_THAT(answer.err, AllOf(HasSubstr(bad + ":6:"), HasSubstr(bad + ":7:"), HasSubstr(bad + ":8:"),
                                      HasSubstr("did you mean \"read\""), HasSubstr("error: ")));
    }
}

TEST_F(ExitCodeTest, FileThatIsNotThereIsBadInput) {
    const Answer answer = run({"run", "no-such.yaml"});
    EXPECT_EQ(answer.status, 2);
    EXPECT_THAT(answer.err, HasSubstr("no-such.yaml"));
}

TEST_F(ExitCodeTest, TextThatIsNoYamlIsBadInput) {
    EXPECT_EQ(run({"run", file("noise.yaml", "{[}\x01\xff")}).status, 2);
    EXPECT_EQ(run({"run", file("empty.yaml", "")}).status, 2);
}

TEST_F(ExitCodeTest, OverrideThatNothingUsesIsAnError) {
    const Answer answer = run({"run", shipped("ping-pong.yaml"), "--set", "software.host_page_sise=4 KiB"});
    EXPECT_EQ(answer.status, 2);
    EXPECT_THAT(answer.err, AllOf(HasSubstr("host_page_sise"), HasSubstr("host_page_size")));
    EXPECT_EQ(answer.out, "");
}

TEST_F(ExitCodeTest, WrongCommandLineIsBadInput) {
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{}, {"rum"}, {"run"}, {"run", "a", "--jsn", "b"}, {"show", "gh300"}}) {
        EXPECT_EQ(run(words).status, 2);
    }
    EXPECT_EQ(run({"--help"}).status, 0);
    EXPECT_THAT(run({"--version"}).out, HasSubstr("egmsim "));
}

// --- 3: an impossible bring-up ------------------------------------------------------------------------------------

struct Impossible {
    const char* name;
    const char* machine;
    const char* software;
    const char* said; ///< errno, call and object

    friend void PrintTo(const Impossible& one, std::ostream* out) { *out << one.name; }
};

struct ImpossibleTest : ExitCodeTest, testing::WithParamInterface<Impossible> {};

TEST_P(ImpossibleTest, NamesCallAndErrnoAndUndoesEverything) {
    const Answer answer = bring_up(GetParam().software, GetParam().machine);
    EXPECT_EQ(answer.status, 3);
    EXPECT_THAT(answer.err, AllOf(HasSubstr(std::string("bring-up failed: ") + GetParam().said),
                                  HasSubstr("Everything done until then was undone.")));
    const auto json = parse(read(path("result.json")));
    EXPECT_TRUE(json["error"]["undone"]);
    const std::string said = GetParam().said;
    EXPECT_EQ(json["error"]["errno_name"], said.substr(0, said.find(':')));
    EXPECT_TRUE(json["vms"].empty() || json["vms"].size() == 1u);
}

constexpr const char* kFirstVm = "  vms:\n    - name: left\n      memory: [{of: grace0.egm, size: 8 GiB}]\n"
                                 "      gpus: [hopper0]\n";
const std::string kSameCarveout = std::string(kFirstVm) +
                                  "    - name: right\n      memory: [{of: grace0.egm, size: 8 GiB}]\n"
                                  "      gpus: [hopper0]\n";
const std::string kSameGpu = std::string(kFirstVm) +
                             "    - name: right\n      memory: [{of: grace1.egm, size: 8 GiB}]\n"
                             "      gpus: [hopper1, hopper0]\n";
const std::string kStrict = "  iommu: iommufd\n" + std::string(kFirstVm);
const std::string kNotReady = std::string(kFirstVm) + "  faults: [{gpu_not_ready: hopper0}]\n";

INSTANTIATE_TEST_SUITE_P(
    Each, ImpossibleTest,
    testing::Values(
        Impossible{"CarveoutTooSmall", "gh200",
                   "  vms: [{name: vm0, memory: [{of: grace0.egm, size: 4 TiB}], gpus: [hopper0]}]\n",
                   "ENOSPC: plan region vm0/egm4"},
        Impossible{"CarveoutTaken", "gh200", kSameCarveout.c_str(), "EBUSY: open /dev/egm4"},
        Impossible{"GpuTaken", "gh200-quad", kSameGpu.c_str(), "EBUSY: open /dev/vfio/"},
        Impossible{
            "NotAtOffsetZero", "gh200",
            "  vms: [{name: vm0, memory: [{of: grace0.egm, size: 8 GiB, file_offset: 1 GiB}], gpus: [hopper0]}]\n",
            "EINVAL: plan region vm0/egm4"},
        Impossible{"IommufdRefusesPfnmap", "gh200", kStrict.c_str(), "EFAULT: ioctl IOMMU_IOAS_MAP left/egm4"},
        Impossible{"GpuNotReady", "gh200", kNotReady.c_str(), "ETIME: "}),
    [](const auto& info) { return info.param.name; });

TEST_F(ExitCodeTest, RegionNotAtOffsetZeroLetThroughIsCaughtAsCorruptedByName) {
    const Answer answer =
        bring_up("  vms:\n    - {name: vm7, memory: [{of: grace0.egm, size: 8 GiB, file_offset: 1 GiB}],\n"
                 "       gpus: [hopper0], enforce_offset_zero: false}\n");
    EXPECT_EQ(answer.status, 3);
    EXPECT_THAT(answer.err,
                AllOf(HasSubstr("region vm7/grace0.egm is corrupted: EGM aperture as hopper0 sees it"),
                      HasSubstr("begins at carveout offset 0x40000000, not 0"), Not(HasSubstr("bring-up failed"))));
}

TEST_F(ExitCodeTest, WhicheverCallFailsIsNamedAndEverythingIsUndone) {
    int failed = 0;
    for (int n = 1; n <= 60; ++n) {
        const Answer answer = bring_up(fmt::format("{}  faults: [{{fail_call: {}, errno: EIO}}]\n", kFirstVm, n));
        if (answer.status != 0) {
            ++failed;
            EXPECT_EQ(answer.status, 3) << "call " << n;
            EXPECT_THAT(answer.err, AllOf(HasSubstr("bring-up failed: EIO: "), HasSubstr("was undone")))
                << "call " << n;
        }
    }
    EXPECT_GT(failed, 20); // all but the closing of a file that was only read
}

// --- 130: interrupted ---------------------------------------------------------------------------------------------

TEST_F(ExitCodeTest, InterruptPrintsWhatIsKnownAndLeavesNoPartialFile) {
    const Answer answer = run({"run", shipped("fan-in.yaml"), "--progress", "--json", "result.json"},
                              "native: one GPU reads every EGM"); // the second group begins
    EXPECT_EQ(answer.status, 130);
    EXPECT_THAT(answer.out, HasSubstr("hopper1.sm read grace0.egm"));
    const auto json = parse(read(path("result.json")));
    EXPECT_TRUE(json["interrupted"]);
    EXPECT_EQ(json["traffic"][0]["group"], "all GPUs read one EGM");
    EXPECT_LT(json["traffic"].size(), 3u);
    EXPECT_THAT(left_behind(), ElementsAre("result.json"));
}

// --- results that cannot be written -------------------------------------------------------------------------------

TEST_F(ExitCodeTest, ResultThatCannotBeWrittenIsAnErrorAndIsNotLost) {
    std::filesystem::create_directory(path("folder"));
    for (const std::string& where : {path("no/such/folder/result.json"), path("folder"), std::string("/dev/full")}) {
        for (const bool quiet : {false, true}) {
            std::vector<std::string> words{"run", shipped("ping-pong.yaml"), "--json", where};
            if (quiet) {
                words.push_back("--quiet");
            }
            const Answer answer = run(words);
            EXPECT_EQ(answer.status, 2) << where;
            EXPECT_THAT(answer.err, AllOf(HasSubstr("egmsim: error: "), HasSubstr(where))) << where;
            EXPECT_THAT(answer.out, HasSubstr("two cores")) << where << (quiet ? " quiet" : "");
        }
    }
    EXPECT_THAT(left_behind(), ElementsAre("folder"));
}

TEST_F(ExitCodeTest, ResultReplacesAnEarlierOneWhole) {
    file("result.json", std::string(1 << 20, 'x'));
    EXPECT_EQ(run({"run", shipped("ping-pong.yaml"), "--quiet", "--json", "result.json"}).status, 0);
    EXPECT_EQ(parse(read(path("result.json")))["scenario"], "ping-pong");
    EXPECT_THAT(left_behind(), ElementsAre("result.json"));
}

} // namespace
