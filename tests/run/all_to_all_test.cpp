// The shipped all-to-alls of remote EGM reads over whole fabrics: do they come near what the narrowest part allows, and
// is the work to find out the same however long a run may last?
#include "tests/run/program.h"

namespace {

using testing::HasSubstr;

struct AllToAll {
    const char* file;
    double gpus;
    double closed_form; ///< GB/s of one GPU
    const char* narrow; ///< name of the narrowest part
    double events_max;  ///< of the transaction level: a half more than was seen
};

void PrintTo(const AllToAll& one, std::ostream* out) { *out << one.file; }

// Reads of 128 B. A C2C of GB200 has 5 x 45 GB/s for each GPU and brings a header of 15 B with each; both windows of a
// socket are used, so that each C2C serves as much as one GPU asks for:
//
//     225 GB/s x 128 / (128 + 15) = 201.40 GB/s, less than LPDDR5X (478 / 2) and NVLink5 (900)
//
// A Hopper of GH200 has 18 x 25 GB/s x 94 % of NVLink4; what leaves it are the answers to others, 128 + 16 B, and its
// own requests, 16 B:
//
//     423 GB/s x 128 / (128 + 16 + 16) = 338.4 GB/s, less than LPDDR5X (400)
const AllToAll kFabrics[] = {
    {"nvl72-egm-all-to-all.yaml", 72, 225 * 128 / 143., "c2c", 330e3},
    {"gh200-256-egm-all-to-all.yaml", 256, 423 * 128. / 160, "nvl", 3.2e6},
    {"nvl576-egm-all-to-all.yaml", 576, 225 * 128 / 143., "c2c", 1.8e6},
};

struct AllToAllTest : ProgramTest, testing::WithParamInterface<AllToAll> {
    nlohmann::json result(const std::vector<std::string>& more = {}) {
        std::vector<std::string> arguments{"run", shipped(std::string("large/") + GetParam().file), "--quiet", "--json",
                                           "-"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        const Answer answer = run(arguments);
        EXPECT_EQ(answer.status, 0) << answer.err;
        return parse(answer.out);
    }
};

TEST_P(AllToAllTest, ComesWithinThreePercentOfTheNarrowestPartInBoundedWork) {
    const auto json = result();
    const auto& group = json["traffic"][0];
    const double ideal = GetParam().closed_form * GetParam().gpus;
    EXPECT_NEAR(group["total_bound_GB_per_s"], ideal, ideal * 1e-6);
    EXPECT_NEAR(group["total_GB_per_s"], ideal, ideal * 0.03);
    EXPECT_LE(group["total_confidence_half_width"], 0.03 * ideal);
    EXPECT_GE(group["total_confidence_half_width"], 0); // all in step, the sum may not move at all
    EXPECT_LE(json["events"], GetParam().events_max);   // though the run may last 2 ms
    EXPECT_EQ(group["streams"].size(), static_cast<std::size_t>(GetParam().gpus));
    for (const auto& stream : group["streams"]) {
        ASSERT_TRUE(stream["steady"]);
        ASSERT_EQ(stream["bytes_sent"], stream["bytes_received"]);
        ASSERT_NEAR(stream["value"], GetParam().closed_form, GetParam().closed_form * 0.2); // nobody starves
    }
}

// With twice as much in flight as the fabric holds, buffers fill for tens of microseconds, in which more is answered
// than can be in the long run.
TEST_F(ProgramTest, SumThatCannotLastIsNotTakenForTheResult) {
    const Answer answer = run({"run", shipped("large/gh200-256-egm-all-to-all.yaml"), "--quiet", "--json", "-", "--set",
                               "traffic.0.blocks=264"});
    EXPECT_EQ(answer.status, 0) << answer.err;
    const auto json = parse(answer.out);
    const auto& group = json["traffic"][0];
    EXPECT_LE(group["total_GB_per_s"].get<double>() - group["total_confidence_half_width"].get<double>(),
              group["total_bound_GB_per_s"].get<double>() * 1.002);
}

TEST_P(AllToAllTest, TheFluidModelGivesTheClosedFormAndNamesWhatLimits) {
    const auto json = result({"--fidelity", "fluid"});
    const auto& group = json["traffic"][0];
    const double ideal = GetParam().closed_form * GetParam().gpus;
    EXPECT_NEAR(group["total_GB_per_s"], ideal, ideal * 1e-6);
    for (const auto& stream : group["streams"]) {
        ASSERT_THAT(stream["binding"]["resource"].get<std::string>(), HasSubstr(GetParam().narrow));
    }
}

std::string test_name(const testing::TestParamInfo<AllToAll>& info) {
    return "Of" + std::to_string(static_cast<int>(info.param.gpus));
}

INSTANTIATE_TEST_SUITE_P(Fabrics, AllToAllTest, testing::ValuesIn(kFabrics), test_name);

} // namespace
