// Every scenario that we ship: does it run to its end, within its bounds, losing no byte, and twice the same?
#include "tests/run/program.h"

#include <algorithm>

namespace {

using testing::HasSubstr;

struct ShippedScenarioTest : ProgramTest, testing::WithParamInterface<std::string> {
    std::string scenario() const { return shipped(GetParam()); }
    /// 3 where the scenario shows a fault that must be caught.
    int status_expected() const { return GetParam().rfind("fault-", 0) == 0 ? 3 : 0; }

    /// Simulated time of a group at most. That with sixteen streams of terabytes a second is cut short.
    std::string time_max() const { return GetParam() == "fan-in.yaml" ? "30 us" : "2 ms"; }
};

TEST_P(ShippedScenarioTest, RunsWithinItsBoundsAndLosesNoByte) {
    const Answer answer =
        run({"run", scenario(), "--quiet", "--json", "-", "--set", "measurement.time_max=" + time_max()});
    EXPECT_EQ(answer.status, status_expected()) << answer.err;
    const auto json = parse(answer.out);
    EXPECT_EQ(json["schema_version"], 1);
    EXPECT_FALSE(json["interrupted"]);
    EXPECT_FALSE(json.contains("error"));
    EXPECT_FALSE(json["traffic"].empty());
    for (const auto& group : json["traffic"]) {
        // What is in flight changes between the ends of a measurement; in the one that is cut short, by more.
        const double most = (GetParam() == "fan-in.yaml" ? 1.003 : 1.001) * group["total_bound_GB_per_s"].get<double>();
        EXPECT_LE(group["total_GB_per_s"].get<double>(), most) << group;
        for (const auto& stream : group["streams"]) {
            ASSERT_FALSE(stream.contains("fault")) << stream;
            EXPECT_GT(stream["value"], 0) << stream;
            EXPECT_LE(stream["share_of_bound"], 1.001) << group["setting"] << " " << stream;
            EXPECT_EQ(stream["bytes_sent"], stream["bytes_received"]) << stream;
            EXPECT_NE(stream["binding"]["resource"], "") << stream;
        }
    }
    const bool corrupted = std::any_of(json["views"].begin(), json["views"].end(),
                                       [](const auto& view) { return !view["agree"].template get<bool>(); });
    EXPECT_EQ(corrupted, status_expected() == 3) << json["views"];
}

TEST_P(ShippedScenarioTest, SameSeedGivesTheSameBytes) {
    std::string first;
    for (const char* name : {"first.json", "second.json"}) {
        run({"run", scenario(), "--quiet", "--json", name, "--set", "measurement.time_max=10 us"});
        const std::string text = read(path(name));
        ASSERT_FALSE(text.empty());
        EXPECT_TRUE(first.empty() || text == first);
        first = text;
    }
}

TEST_P(ShippedScenarioTest, PrintsItsTableAndItsName) {
    const Answer answer = run({"run", scenario(), "--quiet", "--set", "measurement.time_max=10 us"});
    EXPECT_EQ(answer.status, status_expected());
    EXPECT_THAT(answer.out, HasSubstr(GetParam().substr(0, GetParam().find('.')) + " on "));
    EXPECT_EQ(answer.err.empty(), status_expected() == 0) << answer.err;
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
    std::string name = info.param.substr(0, info.param.find('.'));
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
}

INSTANTIATE_TEST_SUITE_P(Each, ShippedScenarioTest, testing::ValuesIn(ProgramTest::files_of("scenarios")), test_name);

struct ShippedMachineTest : ProgramTest, testing::WithParamInterface<std::string> {
    std::string machine() const { return GetParam().substr(0, GetParam().find('.')); }
};

TEST_P(ShippedMachineTest, ShowsItsPartsAndLinks) {
    const Answer answer = run({"show", machine()});
    EXPECT_EQ(answer.status, 0) << answer.err;
    EXPECT_EQ(answer.err, "");
    const bool ideal = machine().rfind("ideal-", 0) == 0; // end points and switches only
    const bool cpus_only = machine() == "grace-superchip";
    for (const std::string word : {"part", ideal ? "end point" : "CPU",
                                   ideal       ? "switch"
                                   : cpus_only ? "CPU"
                                               : "GPU",
                                   ideal ? "ideal" : "memory", "link", "each direction"}) {
        EXPECT_THAT(answer.out, HasSubstr(word));
    }
    EXPECT_EQ(answer.out.rfind(machine() + ": ", 0), 0u);
}

TEST_P(ShippedMachineTest, ShowsItselfAsAGraph) {
    const Answer answer = run({"show", machine(), "--dot"});
    EXPECT_EQ(answer.status, 0) << answer.err;
    EXPECT_EQ(answer.out.rfind("graph \"" + machine() + "\" {\n", 0), 0u);
    EXPECT_EQ(answer.out.substr(answer.out.size() - 2), "}\n");
    const auto count = [&](char sign) { return std::count(answer.out.begin(), answer.out.end(), sign); };
    EXPECT_EQ(count('{'), count('}'));
    EXPECT_EQ(count('"') % 2, 0);
    EXPECT_THAT(answer.out, HasSubstr(" -- "));
}

TEST_P(ShippedMachineTest, ShowsItselfToPrograms) {
    const Answer answer = run({"show", machine(), "--json", "-"});
    EXPECT_EQ(answer.status, 0) << answer.err;
    EXPECT_TRUE(parse(answer.out).is_object());
}

INSTANTIATE_TEST_SUITE_P(Each, ShippedMachineTest, testing::ValuesIn(ProgramTest::files_of("topologies")), test_name);

} // namespace
