// nvbandwidth's test cases by their names: do they give what published runs of the tool gave, is one run enough for
// pairs that are alike, and can a program that reads the tool's output read ours?
#include <cmath>
#include <fstream>
#include <map>

#include <fmt/format.h>

#include "tests/run/program.h"

namespace {

using testing::HasSubstr;

struct NvbandwidthTest : ProgramTest {
    /// `egmsim run` of one entry; both JSON files of it.
    nlohmann::json run_cases(const std::string& machine, const std::string& entry,
                             nlohmann::json* tool = nullptr) const {
        const std::string text =
            fmt::format("scenario: cases\nmachine: {}\ntraffic:\n  - {{nvbandwidth: {}}}\n", machine, entry);
        const Answer answer = run({"run", file("cases.yaml", text), "--quiet", "--json", path("own.json"),
                                   "--nvbandwidth-json", path("tool.json")});
        EXPECT_EQ(answer.status, 0) << answer.err;
        if (tool != nullptr) {
            *tool = parse(read(path("tool.json")));
        }
        return parse(read(path("own.json")));
    }
    /// The mean of a case's last matrix, over its cells.
    static double mean(const nlohmann::json& test_case) {
        double sum = 0, count = 0;
        for (const auto& row : test_case["matrices"].back()["values"]) {
            for (const auto& value : row) {
                sum += value.is_null() ? 0 : value.get<double>();
                count += !value.is_null();
            }
        }
        return sum / count;
    }
};

TEST_F(NvbandwidthTest, TwoDocumentsDoNotShareOneFile) {
    for (const std::string& file : {std::string("-"), path("same.json")}) {
        const Answer answer = run({"run", shipped("ping-pong.yaml"), "--json", file, "--nvbandwidth-json", file});
        EXPECT_EQ(answer.status, 2);
        EXPECT_EQ(answer.out, "");
        EXPECT_THAT(answer.err, HasSubstr("--json and --nvbandwidth-json would both write to"));
    }
}

TEST_F(NvbandwidthTest, WarnsOfAListWithoutCases) {
    const Answer answer = run({"run", shipped("ping-pong.yaml"), "--nvbandwidth-json", path("none.json")});
    EXPECT_EQ(answer.status, 0);
    EXPECT_THAT(answer.err, HasSubstr("has no nvbandwidth entry"));
}

/// The published figures, by row of validation/calibration.csv.
std::map<std::string, double> published() {
    std::map<std::string, double> values;
    std::ifstream csv(std::string(EGMSIM_SOURCE_DIR) + "/validation/calibration.csv");
    for (std::string line; std::getline(csv, line);) {
        std::vector<std::string> cells{""};
        bool quoted = false;
        for (const char c : line) {
            quoted = quoted != (c == '"');
            if (c == ',' && !quoted) {
                cells.emplace_back();
            } else {
                cells.back() += c;
            }
        }
        if (cells.size() > 13) {
            values[cells[0]] = std::strtod(cells[13].c_str(), nullptr);
        }
    }
    return values;
}

// This holds that the names mean the right streams. How close the model comes is for the calibration to say, within
// narrower bands; here a bandwidth may be 10 % off, a latency 20 %. CAL-170 is left out: 772 ns where CAL-161 has 621
// on the same board, with an older driver and an unknown page size.
TEST_F(NvbandwidthTest, FiguresAreThoseOfPublishedRuns) {
    struct Machine {
        std::string name;
        std::map<std::string, std::vector<std::string>> rows; ///< of calibration.csv, by test case
    };
    const std::vector<Machine> machines{
        {"gh200-480",
         {{"host_to_device_memcpy_ce", {"CAL-159", "CAL-166"}},
          {"device_to_host_memcpy_ce", {"CAL-160", "CAL-167"}},
          {"host_to_device_memcpy_sm", {"CAL-168"}},
          {"device_to_host_memcpy_sm", {"CAL-169"}},
          {"host_device_latency_sm", {"CAL-161"}}}},
        {"hgx-h100",
         {{"device_to_device_memcpy_read_ce", {"CAL-194"}},
          {"device_to_device_memcpy_write_ce", {"CAL-195"}},
          {"host_to_device_memcpy_ce", {"CAL-196"}},
          {"device_to_host_memcpy_ce", {"CAL-197"}},
          {"device_to_device_latency_sm", {"CAL-198"}},
          {"host_to_device_memcpy_sm", {"CAL-199"}},
          {"device_to_host_memcpy_sm", {"CAL-200"}}}},
        {"dgx-a100", {{"device_to_device_memcpy_write_ce", {"CAL-202"}}, {"host_to_device_memcpy_ce", {"CAL-203"}}}},
        {"gb200-tray",
         {{"host_to_device_memcpy_ce", {"CAL-214"}},
          {"device_to_host_memcpy_ce", {"CAL-215"}},
          {"host_to_device_memcpy_sm", {"CAL-216"}},
          {"device_to_host_memcpy_sm", {"CAL-217"}},
          {"device_to_device_memcpy_read_ce", {"CAL-218"}},
          {"device_to_device_memcpy_write_ce", {"CAL-219"}},
          {"device_to_device_memcpy_read_sm", {"CAL-220"}},
          {"device_to_device_memcpy_write_sm", {"CAL-221"}},
          {"host_device_latency_sm", {"CAL-222"}},
          {"device_to_device_latency_sm", {"CAL-223"}},
          {"device_local_copy", {"CAL-224"}}}},
    };
    const auto measured = published();
    for (const Machine& machine : machines) {
        std::string names;
        for (const auto& [name, rows] : machine.rows) {
            names += (names.empty() ? "[" : ", ") + name;
        }
        const auto json = run_cases(machine.name, names + "]");
        for (const auto& one : json["nvbandwidth"]) {
            for (const std::string& row : machine.rows.at(one["name"])) {
                const double tolerance = one["unit"] == "ns" ? 0.20 : 0.10;
                EXPECT_NEAR(mean(one) / measured.at(row), 1, tolerance) << row << " " << one["name"];
            }
        }
    }
}

TEST_F(NvbandwidthTest, CellsThatAreAlikeHaveTheFiguresThatARunOfEachGives) {
    const std::string cases = "[device_to_device_bidirectional_memcpy_read_ce, device_to_device_memcpy_write_sm, "
                              "device_to_device_latency_sm, all_to_one_write_sm, host_to_device_memcpy_sm]";
    for (const std::string machine : {"gb200-tray", "gh200-quad"}) {
        const auto distinct = run_cases(machine, cases + ", pairs: distinct")["nvbandwidth"];
        const auto all = run_cases(machine, cases + ", pairs: all")["nvbandwidth"];
        for (std::size_t i = 0; i < all.size(); ++i) {
            EXPECT_EQ(all[i]["runs"], all[i]["cells"]);
            EXPECT_EQ(distinct[i]["runs"], 1) << "every pair of this machine is like every other";
            const auto& expected = all[i]["matrices"][0]["values"];
            const auto& found = distinct[i]["matrices"][0]["values"];
            for (std::size_t row = 0; row < expected.size(); ++row) {
                for (std::size_t column = 0; column < expected[row].size(); ++column) {
                    if (expected[row][column].is_null()) {
                        EXPECT_TRUE(found[row][column].is_null());
                    } else {
                        EXPECT_NEAR(found[row][column].get<double>() / expected[row][column].get<double>(), 1, 0.01)
                            << machine << " " << all[i]["name"] << " " << row << "," << column;
                    }
                }
            }
        }
    }
}

TEST_F(NvbandwidthTest, TheToolsJsonHasItsKeysAndTheSameFigures) {
    nlohmann::json tool;
    const auto own = run_cases("gb200-tray",
                               "[device_to_device_bidirectional_memcpy_read_ce, host_device_latency_sm, "
                               "multinode_device_to_device_broadcast_one_to_all_sm], gpus: [blackwell0, "
                               "blackwell2]",
                               &tool)["nvbandwidth"];
    ASSERT_TRUE(tool.contains("nvbandwidth"));
    const auto& root = tool["nvbandwidth"];
    for (const char* key : {"CUDA Runtime Version", "Driver Version", "GPU Device list", "git_version", "version"}) {
        EXPECT_TRUE(root.contains(key)) << key;
    }
    EXPECT_EQ(root["GPU Device list"][1], "1: blackwell2: (gb200-tray)");
    const auto& pair = root["testcases"][0];
    EXPECT_EQ(pair["name"], "device_to_device_bidirectional_memcpy_read_ce");
    EXPECT_EQ(pair["status"], "Passed");
    EXPECT_EQ(pair["bandwidth_description"], "memcpy CE GPU(row) <-> GPU(column) Total bandwidth (GB/s)");
    ASSERT_EQ(pair["bandwidth_matrix"].size(), 3u * 2u); // rows of three matrices of two GPUs
    EXPECT_EQ(pair["bandwidth_matrix"][0][0], "N/A");
    const double total = own[0]["matrices"][2]["values"][0][1];
    EXPECT_NEAR(std::stod(pair["bandwidth_matrix"][4][1].get<std::string>()), total, total * 1e-5); // six digits
    EXPECT_NEAR(pair["sum"].get<double>(), 2 * total, 1e-9 * total);
    EXPECT_EQ(root["testcases"][1]["bandwidth_description"], "memory latency SM CPU(row) <-> GPU(column) (ns)");
    EXPECT_EQ(root["testcases"][2],
              nlohmann::json({{"name", "multinode_device_to_device_broadcast_one_to_all_sm"}, {"status", "Waived"}}));
}

TEST_F(NvbandwidthTest, AWaivedCaseSaysWhyInTextAndJson) {
    const std::string scenario = file("s.yaml", "scenario: s\nmachine: gb200-tray\ntraffic:\n"
                                                "  - nvbandwidth: [multinode_device_to_device_broadcast_one_to_all_sm, "
                                                "multinode_device_to_device_broadcast_all_to_all_sm]\n");
    const Answer text = run({"run", scenario, "--quiet"});
    const auto own = parse(run({"run", scenario, "--quiet", "--json", "-"}).out)["nvbandwidth"];
    ASSERT_EQ(own.size(), 2u);
    for (const auto& one : own) {
        const std::string why = one["reason"];
        EXPECT_EQ(one["status"], "Waived");
        EXPECT_THAT(why, testing::HasSubstr("\"collective: broadcast\" with \"algorithm: nvls\""));
        EXPECT_THAT(text.out, testing::HasSubstr("Running " + one["name"].get<std::string>() + ".\nWaived: " + why));
    }
}

TEST_F(NvbandwidthTest, MatricesArePrintedAsTheToolPrintsThem) {
    const Answer answer =
        run({"run",
             file("s.yaml", "scenario: s\nmachine: gh200-quad\nmeasurement: {time_max: 20 us}\ntraffic:\n"
                            "  - nvbandwidth: [device_to_device_latency_sm, host_to_device_bidirectional_memcpy_ce]\n"
                            "    gpus: [hopper0, hopper3]\n"),
             "--quiet"});
    EXPECT_EQ(answer.status, 0) << answer.err;
    EXPECT_THAT(answer.out,
                testing::ContainsRegex("Device 1: hopper3\n"
                                       "\n"
                                       "Running device_to_device_latency_sm\\.\n"
                                       "Device to Device Latency SM GPU\\(row\\) <-> GPU\\(column\\) \\(ns\\)\n"
                                       "           0         1\n"
                                       " 0       N/A +[0-9]+\\.[0-9][0-9]\n"
                                       " 1 +[0-9]+\\.[0-9][0-9]       N/A\n"
                                       "\n"
                                       "SUM device_to_device_latency_sm [0-9]+\\.[0-9][0-9]\n"));
    EXPECT_THAT(answer.out, HasSubstr("2 cells from 1 run: the others are alike"));
    EXPECT_THAT(answer.out,
                HasSubstr("memcpy CE CPU(row) <-> GPU(column) bandwidth (GB/s)\n           0         1\n 0 "));
}

TEST_F(NvbandwidthTest, AKernelThatCopiesBothWaysIsHeldByTheSlowerOne) {
    // Over PCIe an SM loads at most 36 GB/s and stores at 52 (CAL-199, 200). Blocks with warps of both ways advance at
    // one pace: below the loads alone, but not starved by stores that run ahead.
    const auto json = run_cases("hgx-h100", "[host_to_device_memcpy_sm, host_to_device_bidirectional_memcpy_sm, "
                                            "device_to_host_bidirectional_memcpy_sm], gpus: [h100-0]")["nvbandwidth"];
    EXPECT_LT(mean(json[1]), mean(json[0]));
    EXPECT_GT(mean(json[1]), 0.6 * mean(json[0]));
    EXPECT_NEAR(mean(json[1]) / mean(json[2]), 1, 0.005) << "the tool runs the same kernel for both";
    EXPECT_LE(json[1]["share_of_bound"]["max"], 1.0001);
}

TEST_F(NvbandwidthTest, RunsInAVmAndBesideIt) {
    const std::string text = "scenario: s\nmachine: gh200\nmeasurement: {time_max: 20 us}\nsoftware:\n  vms:\n"
                             "    - {name: vm0, memory: [{of: grace0.egm}], gpus: [hopper0]}\n"
                             "traffic:\n  - nvbandwidth: host_to_device_memcpy_ce\n";
    const Answer answer = run({"run", file("s.yaml", text), "--quiet", "--json", path("own.json")});
    EXPECT_EQ(answer.status, 0) << answer.err;
    const auto json = parse(read(path("own.json")));
    ASSERT_EQ(json["nvbandwidth"].size(), 2u);
    EXPECT_EQ(json["nvbandwidth"][0]["setting"], "native");
    EXPECT_EQ(json["nvbandwidth"][1]["setting"], "vm");
    EXPECT_NEAR(mean(json["nvbandwidth"][1]) / mean(json["nvbandwidth"][0]), 1, 0.01);
}

} // namespace
