// egmctl on a modelled machine with each of the six EGM drivers: do all commands work, and do they undo what they did?

#include <set>
#include <string>
#include <vector>

#include "egmctl_program.h"

namespace {

using testing::HasSubstr;

constexpr std::uint64_t kGiB = 1ull << 30;

struct EveryShapeTest : EgmctlProgram, testing::WithParamInterface<std::string> {
    std::string on(const std::string& more = "") const {
        return "--on gb200-tray --kernel egm=" + GetParam() + more + " ";
    }
};

TEST_P(EveryShapeTest, ListShowsCarveoutsSocketsGpusAndTheDriver) {
    const auto found = json(on() + "list")["carveouts"];
    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[1]["device"], "/dev/egm5");
    EXPECT_EQ(found[1]["size_bytes"], 447 * kGiB);
    EXPECT_EQ(found[1]["socket"], 1);
    EXPECT_EQ(found[1]["gpus"], (std::vector<std::string>{"0018:01:00.0", "0019:01:00.0"}));
    EXPECT_THAT(found[1]["driver"].get<std::string>(), HasSubstr(GetParam()));
    EXPECT_FALSE(found[1].contains("retired"));
}

TEST_P(EveryShapeTest, ListAsksForRetiredPagesWhenToldTo) {
    // Two blocks that touch are one range; with 4 KiB pages each block may be listed as 16 pages or as its first one.
    for (const char* pages : {"", ",page_size=4KiB"}) {
        const auto found = json(on(pages) + "--fault retired_pages=grace0,offsets=[3GiB,64KiB,128KiB] list --retired");
        const auto& retired = found["carveouts"][0]["retired"];
        ASSERT_EQ(retired.size(), 2u) << pages;
        EXPECT_EQ(retired[0]["offset_bytes"], 64 << 10);
        EXPECT_EQ(retired[0]["size_bytes"], 128 << 10);
        EXPECT_EQ(retired[1]["offset_bytes"], 3 * kGiB);
        EXPECT_TRUE(found["carveouts"][1]["retired"].empty());
    }
}

TEST_P(EveryShapeTest, DoctorFindsNothingMissing) {
    const auto found = json(on() + "doctor");
    EXPECT_TRUE(found["egm_usable"]);
    for (const auto& finding : found["findings"]) {
        EXPECT_NE(finding["verdict"], "missing") << finding;
        EXPECT_NE(finding["verdict"], "warning") << finding;
        if (finding["verdict"] == "unseen") {
            EXPECT_EQ(finding["topic"], "c2c") << finding;
        }
        if (finding["topic"] == "egm-driver") {
            EXPECT_THAT(finding["what"].get<std::string>(), HasSubstr(GetParam()));
        }
    }
}

TEST_P(EveryShapeTest, MapTestMapsVerifiesAndUndoes) {
    for (const char* pages : {"", ",page_size=4KiB"}) {
        const auto found = json(on(pages) + "--fault retired_pages=grace1,offsets=[1GiB] map-test");
        EXPECT_TRUE(found["well"]);
        ASSERT_EQ(found["map_tests"].size(), 2u);
        for (const auto& test : found["map_tests"]) {
            EXPECT_TRUE(test["well"]);
            EXPECT_TRUE(test["dma_mapped"]);
            EXPECT_EQ(test["left"], "");
            const std::uint64_t block = *pages ? kGiB : kGiB / 2;
            EXPECT_EQ(test["blocks"][0]["block_bytes"], block);
            EXPECT_EQ(test["blocks"][0]["count"], 447 * kGiB / block);
            // First, last, and both sides of each boundary between blocks; the last block has none behind it.
            const std::uint64_t pages_checked = 2 * (447 * kGiB / block);
            // In the second carveout the block at 1 GiB is retired: not the page behind the boundary there (with 4 KiB
            // pages, 16 of them), but the one behind the block.
            EXPECT_EQ(test["pages_checked"], pages_checked) << test["device"];
        }
    }
}

TEST_P(EveryShapeTest, MapTestTakesOnlyTheCarveoutAskedFor) {
    const auto found = json(on() + "map-test --pxm 5")["map_tests"];
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0]["device"], "/dev/egm5");
}

TEST_P(EveryShapeTest, MapTestOfACarveoutThatAnotherProcessHasIsRefused) {
    const Answer answer = run(on() + "--fault carveout_busy=grace0 map-test --pxm 4");
    // A and E1 count their openers and tell nobody: the holder is found in /proc.
    EXPECT_EQ(answer.status, 1) << answer.out;
    EXPECT_THAT(answer.out, HasSubstr("FAILED: EBUSY"));
    EXPECT_THAT(answer.out, HasSubstr("undone: nothing is left"));
}

INSTANTIATE_TEST_SUITE_P(Shapes, EveryShapeTest, testing::Values("A", "B", "C", "D", "E1", "E2"),
                         [](const auto& info) { return info.param; });

struct MapTestTest : EgmctlProgram {};

TEST_F(MapTestTest, RunsOneTestForEachWayToMapForDma) {
    const auto found = json("--on gh200 map-test --iommu none --iommu type1 --iommu iommufd-tolerant")["map_tests"];
    ASSERT_EQ(found.size(), 3u);
    EXPECT_FALSE(found[0]["dma_mapped"]);
    EXPECT_TRUE(found[1]["dma_mapped"]);
    EXPECT_FALSE(found[2]["dma_mapped"]);
    EXPECT_THAT(found[2]["notes"].dump(), HasSubstr("EFAULT"));
}

TEST_F(MapTestTest, IommufdThatRefusesEgmFailsWithWhatToDo) {
    const auto found = json("--on gh200 map-test --iommu iommufd", 1)["map_tests"][0];
    EXPECT_FALSE(found["well"]);
    EXPECT_EQ(found["error"]["errno"], "EFAULT");
    EXPECT_THAT(found["error"]["advice"].get<std::string>(), HasSubstr("type1"));
    EXPECT_EQ(found["steps"].back()["step"], "map DMA");
    EXPECT_EQ(found["left"], "");
}

TEST_F(MapTestTest, GpuThatNeverGetsReadyTakesHalfAMinuteAndIsNamed) {
    const auto found = json("--on gh200 --fault gpu_not_ready=hopper0 map-test", 1)["map_tests"][0];
    EXPECT_EQ(found["error"]["errno"], "ETIME");
    EXPECT_EQ(found["error"]["object"], "0008:01:00.0");
    EXPECT_GT(found["steps"].back()["picoseconds"], 30'000'000'000'000u);
    EXPECT_EQ(found["left"], "");
}

TEST_F(MapTestTest, FailingCarveoutDoesNotKeepTheNextFromItsTest) {
    const auto found = json("--on gb200-tray --fault unbound=blackwell0 map-test", 1)["map_tests"];
    ASSERT_EQ(found.size(), 2u);
    EXPECT_FALSE(found[0]["well"]);
    EXPECT_TRUE(found[1]["well"]);
}

TEST_F(MapTestTest, AnyFailingCallIsToldAndEverythingIsUndone) {
    // Calls of one map-test on a gh200, from the first; once the failing call lies behind the last, all is well. A
    // failing close or unmap during the undo cannot be told, and may leave its own mapping.
    int well = 0, left_behind = 0;
    for (int n = 1; n < 120 && well < 20; ++n) {
        const std::string at = "--on gh200 --fault fail_call=" + std::to_string(n) + ",errno=EIO map-test";
        const Answer answer = run(at);
        ASSERT_TRUE(answer.status == 0 || answer.status == 1) << at << "\n" << answer.out << answer.err;
        const bool told = answer.out.find("EIO") != std::string::npos || answer.err.find("EIO") != std::string::npos;
        const bool undoing = answer.out.find("  undo ") != std::string::npos;
        if (answer.status == 1 && !undoing) {
            EXPECT_TRUE(told) << at << "\n" << answer.out << answer.err;
        }
        if (answer.err.find("EIO") == std::string::npos && !undoing) {
            EXPECT_THAT(answer.out, HasSubstr("undone: nothing is left")) << at;
        }
        if (answer.out.find("FAILED: not undone, still held: 1 mapping\n") != std::string::npos) {
            ++left_behind;
            EXPECT_EQ(answer.status, 1);
        }
        well = answer.status == 0 && !told ? well + 1 : 0;
    }
    EXPECT_EQ(left_behind, 2) << "nothing makes up for the munmaps of the carveout and of the GPU's memory";
    EXPECT_EQ(well, 20) << "the failing call was never behind the last";
}

struct MissingThingTest : EgmctlProgram, testing::WithParamInterface<std::pair<std::string, std::string>> {};

TEST_P(MissingThingTest, IsNamedByTheDoctorWithWhatToDo) {
    const auto& [missing, topic] = GetParam();
    const bool is_fatal = topic != "memlock" && topic != "permissions" && topic != "iommufd" && topic != "vfio";
    const auto found = json("--on gh200 --fault missing=" + missing + " doctor", is_fatal ? 1 : 0);
    bool named = false;
    for (const auto& finding : found["findings"])
        if (finding["topic"] == topic && finding["verdict"] == (is_fatal ? "missing" : "warning")) {
            named = true;
            EXPECT_NE(finding["advice"], "");
        }
    EXPECT_TRUE(named) << found.dump(1);
}

INSTANTIATE_TEST_SUITE_P(Each, MissingThingTest,
                         testing::Values(std::pair{"egm", "carveout"}, std::pair{"egm_module", "carveout"},
                                         std::pair{"iommu", "iommu"}, std::pair{"type1", "vfio"},
                                         std::pair{"iommufd", "iommufd"}, std::pair{"kvm", "kvm"},
                                         std::pair{"s2fwb", "kvm-pfnmap"}, std::pair{"root", "permissions"},
                                         std::pair{"memlock", "memlock"}),
                         [](const auto& info) { return info.param.first; });

struct DocumentedTopicsTest : EgmctlProgram {};

TEST_F(DocumentedTopicsTest, StandInTheReferenceAndInTheGuidesTable) {
    const std::string reference = read(std::string(EGMSIM_SOURCE_DIR) + "/docs/egmctl.md");
    const std::string guide = read(std::string(EGMSIM_SOURCE_DIR) + "/docs/hardware-guide.md");
    std::set<std::string> topics;
    for (const auto& [machine, status] : {std::pair{"gb200-tray", 0}, std::pair{"hgx-h100", 1}}) {
        const auto found = json(std::string("--on ") + machine + " doctor", status);
        for (const auto& finding : found["findings"])
            topics.insert(finding["topic"]);
    }
    EXPECT_GE(topics.size(), 16u);
    for (const std::string& topic : topics) {
        EXPECT_THAT(reference, HasSubstr("`" + topic + "`"));
        if (topic != "egm-driver" && topic != "gpu") { // the one is always well, the other is the guide's third step
            EXPECT_THAT(guide, HasSubstr("`" + topic + "`"));
        }
    }
}

} // namespace
