// The shipped scenarios of a fabric with something out of order: does the traffic go on over what is left, and is a
// fabric that falls apart told in words?
#include "tests/run/program.h"

namespace {

using testing::AllOf;
using testing::HasSubstr;

struct FabricFaultsTest : ProgramTest {
    nlohmann::json streams(const std::string& file, const std::vector<std::string>& more = {}) {
        std::vector<std::string> arguments{"run", shipped("faults/" + file), "--quiet", "--json", "-"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        const Answer answer = run(arguments);
        EXPECT_EQ(answer.status, 0) << answer.err;
        auto lines = nlohmann::json::array(); // of all groups
        const auto json = parse(answer.out);
        for (const auto& group : json["traffic"]) {
            lines.insert(lines.end(), group["streams"].begin(), group["streams"].end());
        }
        return lines;
    }
};

// One GPU reads another's HBM over 18 links of 50 GB/s x 98 %, 128 B of data behind 16 B of header: 784 GB/s.
constexpr double kWhole = 18 * 50 * 0.98 * 128 / 144;

TEST_F(FabricFaultsTest, WithADeadLinkItsGpuHasSeventeenAndNobodyElseLosesAnything) {
    const auto lines = streams("dead-link.yaml");
    EXPECT_NEAR(lines[0]["value"], kWhole * 17 / 18, kWhole * 0.01);
    EXPECT_NEAR(lines[1]["value"], kWhole * 17 / 18, kWhole * 0.01);
    EXPECT_NEAR(lines[2]["value"], kWhole, kWhole * 0.01);
    EXPECT_NEAR(lines[0]["static_bound"], kWhole * 17 / 18, kWhole * 1e-6);
}

TEST_F(FabricFaultsTest, WithADeadSwitchEverybodyHasSeventeen) {
    for (const auto& line : streams("dead-switch.yaml")) {
        EXPECT_NEAR(line["value"], kWhole * 17 / 18, kWhole * 0.01) << line;
    }
}

TEST_F(FabricFaultsTest, APartitionIsToldAndWhatNeedsTheLostWayIsRefused) {
    const Answer answer = run({"run", shipped("faults/partitioned-fabric.yaml")});
    EXPECT_EQ(answer.status, 2);
    EXPECT_THAT(answer.err,
                AllOf(HasSubstr("takes the NVLink fabric apart, 71 of 2556 pairs: blackwell5 can no longer reach "
                                "blackwell[0..4], blackwell[6..71]"),
                      HasSubstr("stream \"to the lost one\": blackwell0 does not reach blackwell5 over NVLink"),
                      testing::Not(HasSubstr("still there"))));
    EXPECT_EQ(answer.out, "");
}

TEST_F(FabricFaultsTest, ALinkThatDiesCostsItsGpuAnEighteenthUntilItIsBack) {
    const Answer answer = run({"run", shipped("faults/link-dies.yaml"), "--quiet", "--json", "-"});
    EXPECT_EQ(answer.status, 0) << answer.err;
    const auto json = parse(answer.out);
    const auto& phases = json["traffic"][0]["phases"];
    ASSERT_EQ(phases.size(), 5u);
    EXPECT_NEAR(phases[0]["streams_GB_per_s"][0], kWhole, kWhole * 0.01);
    EXPECT_GT(phases[1]["lost_packets"], 0); // until routes follow
    EXPECT_NEAR(phases[2]["streams_GB_per_s"][0], kWhole * 17 / 18, kWhole * 0.01);
    EXPECT_NEAR(phases[4]["streams_GB_per_s"][0], kWhole, kWhole * 0.01);
    for (const auto& phase : phases) {
        EXPECT_NEAR(phase["streams_GB_per_s"][1], kWhole, kWhole * 0.01) << "the other pair has its own links";
    }
    for (const auto& stream : json["traffic"][0]["streams"]) {
        EXPECT_EQ(stream["bytes_sent"], stream["bytes_received"]);
    }
}

TEST_F(FabricFaultsTest, AFabricThatPartsUnderTrafficEndsWhatIsCutOffAndNothingElse) {
    const Answer answer = run({"run", shipped("faults/fabric-parts.yaml"), "--quiet", "--json", "-"});
    EXPECT_EQ(answer.status, 3);
    EXPECT_THAT(answer.err, HasSubstr("blackwell5 no longer reaches blackwell8 over NVLink"));
    const auto json = parse(answer.out);
    const auto& phases = json["traffic"][0]["phases"];
    EXPECT_NEAR(phases.back()["total_GB_per_s"], kWhole, kWhole * 0.01);
}

} // namespace
