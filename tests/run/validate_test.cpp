// egmsim validate: is every row of a file run, compared or refused with its reason, and are the shipped models as good
// as recorded?

#include <cmath>

#include <fmt/format.h>

#include "tests/run/program.h"

namespace {

const std::string kHead = "id,system,variant,initiator,engine,operation,source_memory,target_memory,hops,size_bytes,"
                          "page_size,threads,metric,value,unit,source,note\n";

struct ValidateTest : ProgramTest {
    static std::string validation(const std::string& name) {
        return std::string(EGMSIM_SOURCE_DIR) + "/validation/" + name;
    }
    /// The rows of a comparison by id.
    std::map<std::string, nlohmann::json> rows(const std::string& csv, int status = 0) {
        const Answer answer = run({"validate", file("rows.csv", csv), "--json", "-"});
        EXPECT_EQ(answer.status, status) << answer.err;
        std::map<std::string, nlohmann::json> found;
        const auto json = parse(answer.out);
        for (const auto& row : json["rows"]) {
            found[row["id"]] = row;
        }
        return found;
    }
    /// What the model says of a row, in its unit.
    double predicted(const std::string& row) {
        const auto all = rows(kHead + "X," + row + ",,\n");
        EXPECT_EQ(all.at("X")["status"], "compared") << row << all.at("X");
        return all.at("X")["status"] == "compared" ? all.at("X")["predicted"].get<double>() : 0;
    }
};

// The gate: a change of the models that makes the means worse by more than 0.3 points, loses rows, or throws a row off
// by more than 15 % fails here. What is better is recorded by the command that docs/accuracy.md begins with.
TEST_F(ValidateTest, TheShippedRowsAreMetAsWellAsRecorded) {
    const Answer answer =
        run({"validate", validation("calibration.csv"), "--gate", validation("recorded.yaml"), "--json",
             path("all.json"), "--csv", path("all.csv"), "--plot", path("all.svg"), "--quiet"});
    EXPECT_EQ(answer.status, 0) << answer.err;
    const auto json = parse(read(path("all.json")));
    EXPECT_EQ(json["rows"].size(), 234u);
    std::size_t bandwidth = 0, latency = 0, compared = 0;
    double sum = 0;
    for (const auto& row : json["rows"]) {
        const std::string metric = row["metric"];
        const bool is_latency = metric == "latency" || metric == "roundtrip";
        const bool is_other = metric == "compute_rate" || metric == "runtime" || metric == "percent_reduction";
        bandwidth += !is_latency && !is_other;
        latency += is_latency;
        if (row["status"] == "compared") {
            EXPECT_NEAR(row["error"].get<double>(), row["predicted"].get<double>() / row["measured"].get<double>() - 1,
                        1e-9);
            if (!is_latency && !is_other) {
                sum += std::abs(row["error"].get<double>());
                ++compared;
            }
        } else {
            EXPECT_FALSE(row["reason"].get<std::string>().empty()) << row["id"];
        }
    }
    const auto& summary = json["summary"];
    EXPECT_EQ(summary["bandwidth"]["rows"].get<std::size_t>() + summary["bandwidth"]["unsupported"].get<std::size_t>(),
              bandwidth);
    EXPECT_EQ(summary["latency"]["rows"].get<std::size_t>() + summary["latency"]["unsupported"].get<std::size_t>(),
              latency);
    EXPECT_NEAR(summary["bandwidth"]["mean_abs_error"].get<double>(), sum / static_cast<double>(compared), 1e-9);
    EXPECT_NE(read(path("all.csv")).find("\nCAL-007,"), std::string::npos);
    EXPECT_NE(read(path("all.svg")).find("CAL-007 read"), std::string::npos);

    // docs/accuracy.md says the same, but for what the gate lets through.
    const std::string report = read(std::filesystem::path(EGMSIM_SOURCE_DIR) / "docs" / "accuracy.md");
    for (const char* metric : {"bandwidth", "latency"}) {
        const auto at = report.find(fmt::format("\n| {} | ", metric));
        ASSERT_NE(at, std::string::npos);
        std::istringstream line(report.substr(at, report.find('\n', at + 1) - at));
        std::vector<std::string> cells;
        for (std::string cell; std::getline(line, cell, '|');) {
            cells.push_back(cell);
        }
        EXPECT_EQ(std::stoul(cells.at(2)), summary[metric]["rows"].get<std::size_t>());
        EXPECT_NEAR(std::stod(cells.at(4)), summary[metric]["mean_abs_error"].get<double>() * 100, 0.3)
            << "docs/accuracy.md is old: make it again with the command that it begins with";
    }
}

// What docs/accuracy.md works out on paper is what the program does.
TEST_F(ValidateTest, CompositionsWorkedOutOnPaperAreWhatTheProgramDoes) {
    const Answer answer = run({"validate", validation("compositions.csv"), "--json", "-"});
    EXPECT_EQ(answer.status, 0) << answer.err;
    const auto json = parse(answer.out);
    EXPECT_GE(json["rows"].size(), 18u);
    for (const auto& row : json["rows"]) {
        ASSERT_EQ(row["status"], "compared") << row;
        EXPECT_LE(std::abs(row["error"].get<double>()), 0.05) << row;
    }
}

TEST_F(ValidateTest, AGateThatIsNotMetSaysWhatIsWorse) {
    const std::string gate = file(
        "gate.yaml", "summaries:\n  bandwidth: {rows: 2, mean_abs_error: 0.1 %, median_abs_error: 0 %}\nbands: []\n");
    const Answer answer = run(
        {"validate", file("rows.csv", kHead + "X,single GH200,,Hopper,SM,read,HBM.local,,,,,,bandwidth,3000,GB/s,,\n"),
         "--gate", gate, "--quiet"});
    EXPECT_EQ(answer.status, 3);
    EXPECT_THAT(answer.err, testing::HasSubstr("bandwidth: mean absolute error"));
    EXPECT_THAT(answer.err, testing::HasSubstr("bandwidth: 1 rows compared, recorded 2"));
    EXPECT_THAT(answer.err, testing::HasSubstr("X is off by +2"));
}

// Composed rows. Each expectation is worked out from figures of the presets, as docs/timing.md does.
TEST_F(ValidateTest, PathsAndLoadsThatNoShippedRowHas) {
    // Six NVLink4 between two GPUs of the quad node, reads of 128 B: 150 x 0.94 x 128 / 144 = 125.3.
    EXPECT_NEAR(predicted("Alps,,Hopper,SM,read,HBM.peer,,1,,,,bandwidth,1,GB/s"), 125.3, 1.5);
    // Remote EGM takes the same way and then the owner's C2C, which is wider.
    EXPECT_NEAR(predicted("Alps,,Hopper,SM,read,EGM.remote,,2,,,,bandwidth,1,GB/s"), 125.3, 1.5);
    // Three GPUs on one EGM: three times that way, less than the owner's C2C.
    EXPECT_NEAR(predicted("Alps,,Hopper,SM,read fan-in 3,EGM.remote,,2,,,,bandwidth,1,GB/s"), 3 * 125.3, 6);
    // Two Blackwells on one Grace, each half of its C2C: 2 x 200.8.
    EXPECT_NEAR(predicted("GB200 tray,,B200 x2,SM,read,LPDDR.local,,1,,,,bandwidth,1,GB/s"), 401.6, 8);
    EXPECT_NEAR(predicted("GB200 tray,,B200 x2,SM,read per GPU,LPDDR.local,,1,,,,bandwidth,1,GB/s"), 200.8, 4);
    // A copy both ways over NVLink: each way has links of its own, but acknowledgements ride on the other.
    const double alone = predicted("HGX H100,,H100,CE,D2D write CE,HBM.local,HBM.peer,,,,,bandwidth,1,GB/s");
    const double one =
        predicted("HGX H100,,H100,CE,D2D write CE bidirectional,HBM.local,HBM.peer,,,,,bandwidth,1,GB/s");
    EXPECT_LE(one, alone * 1.001);
    EXPECT_NEAR(predicted("HGX H100,,H100,CE,D2D write CE bidirectional total,HBM.local,HBM.peer,,,,,bandwidth,1,GB/s"),
                2 * one, one * 0.02);
    // Names of nvbandwidth: three GPUs write into one, or one reads from three; a GPU's links bind either way.
    const double in = predicted("GB200 tray,,B200,CE,all_to_one_write_ce,HBM.local,HBM.peer,,,,,bandwidth,1,GB/s");
    EXPECT_GT(in, predicted("GB200 tray,,B200,CE,D2D write CE,HBM.local,HBM.peer,,,,,bandwidth,1,GB/s"));
    EXPECT_LT(in, 900);
    EXPECT_LT(predicted("GB200 tray,,B200,CE,all_to_one_read_ce,HBM.peer,HBM.local,,,,,bandwidth,1,GB/s"), 900);
    // Cores that read all they can take from a copy out of the same memory.
    EXPECT_LT(
        predicted("single GH200,,Hopper,CE,H2D with background CPU read,LPDDR.local,HBM.local,,,,,bandwidth,1,GB/s"),
        0.9 * predicted("single GH200,,Hopper,CE,H2D,LPDDR.local,HBM.local,,,,,bandwidth,1,GB/s"));
    // Algorithm bandwidth of an all-reduce over 8: bus bandwidth / (2 x 7 / 8).
    const double bus = predicted("HGX H100,,H100 x8,SM,NCCL all-reduce ring,HBM.local,HBM.peer,,,,,busbw,1,GB/s");
    EXPECT_NEAR(predicted("HGX H100,,H100 x8,SM,all_reduce,HBM.local,HBM.peer,,,,,algbw,1,GB/s") * 1.75, bus,
                bus * 0.01);
    // A product with its far operand behind NVLink instead of the C2C is slower by the ratio of the two ways.
    EXPECT_NEAR(
        predicted("Alps,,Hopper,SM,GEMM FP64,A=HBM.peer;B=HBM.local,C=HBM.local,,4293404046,,,compute_rate,1,TFLOPS"),
        6.5 * 125.3 / 420.4, 0.1);
}

TEST_F(ValidateTest, RowsThatMakeNoSenseAreToldAndTheOthersRun) {
    const Answer answer =
        run({"validate",
             file("rows.csv", kHead + "A,single GH200,,Hopper,SM,read,HBM.local,,,,,,bandwidth,3800,GB/s,,\n"
                                      "B,singel GH200,,Hopper,SM,read,HBM.local,,,,,,bandwidth,3800,GB/s,,\n"
                                      "C,single GH200,,Hoper,SM,read,HBM.local,,,,,,bandwidth,3800,GB/s,,\n"
                                      "D,single GH200,,Hopper,GPU,read,HBM.local,,,,,,bandwidth,3800,GB/s,,\n"
                                      "E,single GH200,,Hopper,SM,raed,HBM.locl,,,,,,bandwidth,3800,GBs,,\n"
                                      "F,single GH200,,Hopper,SM,pointer-chase,HBM.local,,,,,,bandwidth,3800,GB/s,,\n"
                                      "G,single GH200,,Grace,CE,copy,HBM.local,LPDDR.local,,,,,bandwidth,300,GB/s,,\n"
                                      "H,single GH200,,Hopper,CE,H2D,HBM.local,LPDDR.local,,,,,bandwidth,300,GB/s,,\n"
                                      "I,single GH200,,Hopper,SM,read,,,,,,,bandwidth,300,GB/s,,\n"
                                      "J,single GH200,,Hopper,SM,read,HBM.local,,,,5000,two,bandwidth,300,GB/s,,\n"
                                      "K,single GH200,,Hopper,SM,read,HBM.peer,,,,,,bandwidth,300,GB/s,,\n"
                                      "L,single GH200,,A100,SM,read,HBM.local,,,,,,bandwidth,300,GB/s,,\n"
                                      "M,single GH200,,Grace,CPU,read,LPDDR.local,,,,,500,bandwidth,300,GB/s,,\n"),
             "--json", path("rows.json")});
    EXPECT_EQ(answer.status, 2);
    for (const char* message : {
             ":3:3: error: row B: system \"singel GH200\" is not known; did you mean \"single GH200\"?",
             ":4:17: error: row C: initiator \"Hoper\" is not known; did you mean \"Hopper\"?",
             ":5:24: error: row D: engine \"GPU\" is not known; write CPU, SM, CE or NIC",
             ":6:27: error: row E: operation: the word \"raed\" is not known; did you mean \"read\"?",
             ":6:32: error: row E: memory \"HBM.locl\" is not known; did you mean \"HBM.local\"?",
             "error: row E: \"GBs\" is no unit of bandwidth; did you mean \"GB/s\"?",
             "error: row F: metric bandwidth does not go with \"pointer-chase\"; write latency",
             "error: row G: a Grace has no engine ce; write CPU",
             "error: row H: HBM.local is GPU memory, where the operation says \"H2D\"; write LPDDR.local, EGM.local or "
             "DDR5.host",
             "error: row I: \"read\" needs a source memory; write LPDDR.local, HBM.peer, EGM.remote ...",
             "error: row J: page_size 5000 is no page of these machines",
             "error: row J: threads \"two\" is no number of threads",
             "error: row L: \"single GH200\" has no A100; its initiators: Grace, Hopper, H100, GH200",
         }) {
        EXPECT_THAT(answer.err, testing::HasSubstr(message));
    }
    const auto json = parse(read(path("rows.json")));
    EXPECT_EQ(json["rows"][0]["status"], "compared");
    EXPECT_EQ(json["rows"][10]["status"], "unsupported");
    EXPECT_EQ(json["rows"][10]["reason"], "gh200-480 has no HBM.peer for hopper0");
    EXPECT_EQ(json["rows"][12]["reason"], "stream \"1\": threads 500 is more than the 72 cores of grace0");
    EXPECT_EQ(json["summary"]["bandwidth"]["rows"], 1);
    EXPECT_EQ(json["summary"]["bandwidth"]["unsupported"], 12);
    EXPECT_EQ(json["summary"]["faulty_rows"], 10);
    EXPECT_THAT(answer.out, testing::HasSubstr("K         unsupported: gh200-480 has no HBM.peer for hopper0"));
}

TEST_F(ValidateTest, AFileThatIsNoneEndsWithTwo) {
    EXPECT_EQ(run({"validate", path("absent.csv")}).status, 2);
    EXPECT_EQ(run({"validate", file("empty.csv", "")}).status, 2);
    EXPECT_EQ(run({"validate", file("head.csv", kHead)}).status, 2);
    EXPECT_EQ(run({"validate", validation("calibration.csv"), "--only", "CAL-999"}).status, 2);
    EXPECT_EQ(run({"validate", validation("calibration.csv"), "--show", "CAL-999"}).status, 2);
}

TEST_F(ValidateTest, TheScenarioOfARowIsOneThatRuns) {
    for (const char* id : {"CAL-003", "CAL-011", "CAL-031", "CAL-041", "CAL-152", "CAL-204"}) {
        const Answer shown = run({"validate", validation("calibration.csv"), "--show", id});
        EXPECT_EQ(shown.status, 0) << id;
        EXPECT_EQ(run({"check", file(std::string(id) + ".yaml", shown.out)}).status, 0) << shown.out;
    }
}

TEST_F(ValidateTest, ASystemMayBeAMachineOrAListOfTheUsersOwn) {
    const std::string machine = kHead + "X,gh200,,Hopper,SM,read,LPDDR.local,,,,,,bandwidth,420,GB/s,,\n";
    EXPECT_EQ(rows(machine).at("X")["status"], "compared");
    const std::string systems =
        file("mine.yaml", "systems:\n  - names: [our box]\n    machine: gh200\n    gpu: [Hopper]\n"
                          "    set: {c2c0.count: 5}\n");
    const Answer answer =
        run({"validate", file("rows.csv", kHead + "X,our box,,Hopper,SM,read,LPDDR.local,,,,,,bandwidth,210,GB/s,,\n"),
             "--systems", systems, "--json", "-"});
    EXPECT_EQ(answer.status, 0) << answer.err;
    EXPECT_NEAR(parse(answer.out)["rows"][0]["predicted"].get<double>(), 210.2,
                1); // half of the ten links: half of 420.4
}

TEST_F(ValidateTest, TheSameFileGivesTheSameBytesHoweverManyProcesses) {
    const std::string only = "CAL-001,CAL-007,CAL-021,CAL-031,CAL-094,CAL-146,CAL-158,CAL-199,CAL-204,CAL-220";
    const Answer one = run({"validate", validation("calibration.csv"), "--only", only, "--json", "-", "--jobs", "1"});
    const Answer two = run({"validate", validation("calibration.csv"), "--only", only, "--json", "-", "--jobs", "2"});
    EXPECT_EQ(one.out, two.out);
}

} // namespace
