// egmsim calibrate: does it find a machine again from its own measurements, and what does it say of what it cannot
// find?
#include "tests/run/program.h"

#include <cmath>
#include <random>
#include <sstream>

#include <fmt/format.h>

namespace {

using nlohmann::json;
using testing::AllOf;
using testing::AnyOf;
using testing::Contains;
using testing::HasSubstr;

const std::string kHead = "id,system,initiator,engine,operation,source_memory,target_memory,size_bytes,threads,metric,"
                          "value,unit\n";

/// A row without its value: what stands before it, and the unit.
struct Probe {
    std::string cells, unit;
};
const std::vector<Probe> kProbes{
    {"Grace,CPU,read,LPDDR.local,reg,8589934592,40,bandwidth", "GB/s"},
    {"Grace,CPU,write,reg,LPDDR.local,8589934592,72,bandwidth", "GB/s"},
    {"Grace,CPU,pointer-chase read,LPDDR.local,reg,4294967296,1,latency", "ns"},
    {"Grace,CPU,pointer-chase read,HBM.local,reg,4294967296,1,latency", "ns"},
    {"Hopper,SM,read,HBM.local,reg,8589934592,264x1024,bandwidth", "GB/s"},
    {"Hopper,SM,write,reg,HBM.local,8589934592,264x1024,bandwidth", "GB/s"},
    {"Hopper,SM,pointer-chase read,HBM.local,reg,4294967296,1x1,latency", "ns"},
    {"Hopper,SM,pointer-chase read,L2 (near),reg,8388608,1x1,latency", "ns"},
    {"Hopper,SM,read,LPDDR.local,reg,8589934592,264x1024,bandwidth", "GB/s"},
    {"Hopper,CE,cudaMemcpy H2D,LPDDR.local,HBM.local,8589934592,,bandwidth", "GB/s"},
    {"Hopper,CE,cudaMemcpy D2H,HBM.local,LPDDR.local,8589934592,,bandwidth", "GB/s"},
};

/// gh200 with other figures: what is to be found.
const std::string kTruth = R"(topology: truth
description: a GH200 unlike the preset
parts:
  grace0:  {preset: grace, socket: 0}
  lpddr0:  {preset: lpddr5x-120gb, at: grace0, read_bandwidth: 440 GB/s, write_bandwidth: 428 GB/s}
  hopper0:
    preset: hopper-gh200
    l2: {latency: 152 ns}
    copy_engine: {system_read_bandwidth: 372 GB/s, system_write_bandwidth: 204 GB/s}
  hbm0:    {preset: hbm3-96gb, at: hopper0, read_bandwidth: 3500 GB/s, write_bandwidth: 3420 GB/s, read_latency: 222 ns}
links:
  c2c0: {preset: nvlink-c2c, a: grace0, b: hopper0, efficiency: 93 %}
)";
const std::map<std::string, double> kFactors{
    {"lpddr5x-120gb read_bandwidth", 440. / 478},
    {"lpddr5x-120gb write_bandwidth", 428. / 478},
    {"hopper-gh200 l2.latency", 152. / 140},
    {"hopper-gh200 copy_engine.system_read_bandwidth", 372. / 414.6},
    {"hbm3-96gb read_bandwidth", 3500. / 3800},
    {"hopper-gh200 copy_engine.system_write_bandwidth", 204. / 169.3},
    {"hbm3-96gb write_bandwidth", 3420. / 3765},
    {"hbm3-96gb read_latency", 222. / 204},
    {"nvlink-c2c efficiency", 0.93},
};

struct CalibrateTest : ProgramTest {
    /// What egmsim itself says of the probes on a machine.
    std::vector<double> measure(const std::string& machine) const {
        std::string rows = kHead;
        for (std::size_t i = 0; i < kProbes.size(); ++i) {
            rows += fmt::format("R{},{},{},1,{}\n", i, machine, kProbes[i].cells, kProbes[i].unit);
        }
        const Answer answer = run({"validate", file("probes.csv", rows), "--quiet", "--json", "-"});
        EXPECT_EQ(answer.status, 0) << answer.err;
        std::vector<double> values;
        for (const json& row : parse(answer.out)["rows"]) {
            values.push_back(row["predicted"]);
        }
        return values;
    }

    /// Each probe measured several times, with noise of 2 %, the same in every run of the test.
    std::string noisy_rows(const std::vector<double>& values, int times) const {
        std::mt19937 random(7);
        const auto uniform = [&] { return (static_cast<double>(random()) + 0.5) / 4294967296.0; };
        std::string rows = kHead;
        for (int time = 0; time < times; ++time) {
            for (std::size_t i = 0; i < values.size(); ++i) {
                const double normal = std::sqrt(-2 * std::log(uniform())) * std::cos(2 * M_PI * uniform());
                rows += fmt::format("R{}-{},mine,{},{:.5g},{}\n", i, time, kProbes[i].cells,
                                    values[i] * (1 + 0.02 * normal), kProbes[i].unit);
            }
        }
        return rows;
    }
};

TEST_F(CalibrateTest, AMachineIsFoundAgainFromItsOwnNoisyMeasurements) {
    const std::string rows = file("rows.csv", noisy_rows(measure(file("truth.yaml", kTruth)), 6));
    const Answer answer = run({"calibrate", rows, "--machine", "gh200", "--out", path("found.yaml"), "--json", "-"});
    ASSERT_EQ(answer.status, 0) << answer.err;
    const json result = parse(answer.out);
    std::size_t determined = 0;
    std::set<std::string> told;
    for (const json& parameter : result["parameters"]) {
        const std::string name = parameter["name"];
        const double factor = parameter["factor"], deviation = parameter["deviation"];
        const double truth = kFactors.count(name) > 0 ? kFactors.at(name) : 1;
        told.insert(name);
        if (parameter["state"] == "determined") {
            ++determined;
            EXPECT_NEAR(factor / truth, 1, 0.03) << name;
            EXPECT_FALSE(parameter["rows"].empty()) << name;
        } else if (parameter["state"] == "weak") {
            EXPECT_LE(std::abs(std::log(factor / truth)), 3 * deviation) << name;
        } else {
            EXPECT_EQ(factor, 1) << name; // left as it is
        }
    }
    for (const auto& [name, factor] : kFactors) {
        EXPECT_EQ(told.count(name), 1u) << name;
    }
    EXPECT_GE(determined, 5u);
    // What is left of the residuals is the noise: 2 % normal is 1.6 % on average.
    EXPECT_LT(result["mean_abs_error"]["after"], 0.02);
    EXPECT_GT(result["mean_abs_error"]["before"], 0.05);
    EXPECT_LT(result["spread"], 1.3);
    // No probe plays ping-pong; a core's window and issue rate show in no single-core row.
    for (const json& parameter : result["parameters"]) {
        if (parameter["name"] == "grace core_to_core_latency") {
            EXPECT_EQ(parameter["state"], "silent");
        }
    }
    EXPECT_FALSE(result["undetermined_combinations"].empty());

    // The file is a machine that meets the rows, and names what fixed each figure.
    const std::string machine = read(path("found.yaml"));
    EXPECT_THAT(machine, AllOf(HasSubstr("# gh200 fitted to 66 rows"), HasSubstr("preset: hbm3-96gb"),
                               HasSubstr(" # ±"), HasSubstr("was 3800 GB/s: R4-")));
    EXPECT_EQ(run({"show", path("found.yaml")}).status, 0);
    const auto truth = measure(path("truth.yaml")), found = measure(path("found.yaml"));
    for (std::size_t i = 0; i < kProbes.size(); ++i) {
        EXPECT_NEAR(found[i] / truth[i], 1, 0.03) << kProbes[i].cells;
    }
}

TEST_F(CalibrateTest, TheExampleOfThePageDoesWhatThePageSays) {
    const std::string page = read(std::string(EGMSIM_SOURCE_DIR) + "/docs/calibrate.md");
    const std::size_t begin = page.find("```csv\n") + 7;
    file("my-rows.csv", page.substr(begin, page.find("```", begin) - begin));
    const std::string command = "egmsim calibrate my-rows.csv --machine gh200 --out my-gh200.yaml\n";
    ASSERT_NE(page.find("\n" + command), std::string::npos);
    const Answer answer = run({"calibrate", path("my-rows.csv"), "--machine", "gh200", "--out", path("my-gh200.yaml")});
    ASSERT_EQ(answer.status, 0) << answer.err;
    EXPECT_THAT(answer.out, AllOf(HasSubstr("hbm3-96gb read_bandwidth"), HasSubstr("outlier: hardly counted"),
                                  HasSubstr("no row depends on them"), HasSubstr("What the rows do not notice:")));
    EXPECT_THAT(read(path("my-gh200.yaml")), HasSubstr("topology: my-gh200\n"));
    const Answer used = run({"run",
                             file("s.yaml", "scenario: s\nmachine: ./my-gh200.yaml\ntraffic:\n  - group: g\n"
                                            "    streams: [{from: hopper0.sm, op: read, source: hopper0.hbm}]\n"),
                             "--json", "-"});
    ASSERT_EQ(used.status, 0) << used.err;
    // Rows of 3620, 3650 and, hardly counted, 2630 GB/s.
    EXPECT_NEAR(parse(used.out)["traffic"][0]["streams"][0]["value"], 3620, 40);
}

TEST_F(CalibrateTest, ItFitsWhatIsChosenAndIsTheSameTwice) {
    const std::string rows =
        file("rows.csv", kHead + "a,mine," + kProbes[6].cells + ",360,ns\nb,mine," + kProbes[7].cells + ",140,ns\n");
    const std::vector<std::string> command{"calibrate",    rows,           "--machine", "gh200",
                                           "--parameters", "read_latency", "--json",    "-"};
    const Answer answer = run(command);
    ASSERT_EQ(answer.status, 0) << answer.err;
    EXPECT_EQ(run(command).out, answer.out);
    const json result = parse(answer.out);
    ASSERT_EQ(result["parameters"].size(), 2u); // of LPDDR5X, which no row touches, and of HBM
    EXPECT_EQ(result["parameters"][0]["state"], "silent");
    // 360 = L2 140 + 220 of HBM, if 204 were certain only to 30 % and the row to 2 %.
    EXPECT_EQ(result["parameters"][1]["name"], "hbm3-96gb read_latency");
    EXPECT_NEAR(result["parameters"][1]["factor"], 220. / 204, 0.01);
}

TEST_F(CalibrateTest, TheListOfThePageLoadsAndFaultsOfAListAreTold) {
    const std::string page = read(std::string(EGMSIM_SOURCE_DIR) + "/docs/calibrate.md");
    const std::size_t begin = page.find("```yaml\n") + 8;
    const std::string list = file("list.yaml", page.substr(begin, page.find("```", begin) - begin));
    const std::string rows = file("rows.csv", kHead + "a,mine," + kProbes[6].cells + ",360,ns\n");
    const Answer answer = run({"calibrate", rows, "--machine", "gh200", "--parameters", list, "--json", "-"});
    ASSERT_EQ(answer.status, 0) << answer.err;
    EXPECT_EQ(parse(answer.out)["parameters"].size(), 5u); // two memories with two figures each, and one link
    const std::string bad = file("bad.yaml", "parameters:\n  memry:\n    read_latency: {prior: 30 %, what: x}\n"
                                             "  memory:\n    read_latenzy: {prior: 30 %, what: x}\n"
                                             "    write_latency: {prior: 300 %}\n");
    const Answer refused = run({"calibrate", rows, "--machine", "gh200", "--parameters", bad});
    EXPECT_EQ(refused.status, 2);
    EXPECT_THAT(refused.err, AllOf(HasSubstr("bad.yaml:2:3: error: parameters: \"memry\" is no kind of part; did you "
                                             "mean \"memory\"?"),
                                   HasSubstr("bad.yaml:5:5: error: parameters: \"read_latenzy\" is no figure"),
                                   HasSubstr("bad.yaml:6:28: error: parameter memory write_latency: prior \"300 %\"")));
    EXPECT_THAT(run({"calibrate", rows, "--machine", "gh200", "--parameters", "read_latenzy"}).err,
                HasSubstr("the machine has no parameter \"read_latenzy\"; did you mean \"read_latency\"?"));
}

TEST_F(CalibrateTest, NvbandwidthsOwnJsonIsRead) {
    // Two cases of a GH200: copies to and from the GPU, 10 % slower and 20 % faster than the preset.
    const std::string good = R"({"nvbandwidth": {"version": "0.8", "testcases": [
        {"name": "host_to_device_memcpy_ce", "status": "Passed", "bandwidth_matrix": [["373.1"]], "sum": 373.1},
        {"name": "device_to_host_memcpy_ce", "status": "Passed", "bandwidth_matrix": [["203.2"]], "sum": 203.2},
        {"name": "device_to_device_memcpy_read_ce", "status": "Waived"}]}})";
    const Answer answer = run({"calibrate", file("nvbandwidth.json", good), "--machine", "gh200", "--parameters",
                               "copy_engine.system_read_bandwidth,copy_engine.system_write_bandwidth", "--json", "-"});
    ASSERT_EQ(answer.status, 0) << answer.err;
    EXPECT_THAT(answer.err, HasSubstr("device_to_device_memcpy_read_ce did not pass: left out"));
    const json result = parse(answer.out);
    EXPECT_NEAR(result["parameters"][0]["factor"], 373.1 / 414.5, 0.005);
    EXPECT_NEAR(result["parameters"][1]["factor"], 203.2 / 169.3, 0.005);
    const Answer bad = run({"calibrate", file("bad.json", R"({"nvbandwidth": {"testcases": [
        {"name": "host_to_device_memcpy_cee", "status": "Passed", "bandwidth_matrix": [["1"]]},
        {"name": "device_to_host_memcpy_ce", "status": "Passed", "bandwidth_matrix": [["fast"]]},
        {"name": "device_to_host_memcpy_sm", "status": "Passed"},
        {"name": "device_to_host_memcpy_ce", "status": "Passed", "bandwidth_matrix": [["1", "2"]]}]}})"),
                            "--machine", "gh200"});
    EXPECT_EQ(bad.status, 2);
    EXPECT_THAT(bad.err,
                AllOf(HasSubstr("testcase 0: there is no test \"host_to_device_memcpy_cee\"; did you mean"),
                      HasSubstr("testcase 1 device_to_host_memcpy_ce: \"fast\" is no number"),
                      HasSubstr("testcase 2 device_to_host_memcpy_sm has no \"bandwidth_matrix\""),
                      HasSubstr("testcase 3 device_to_host_memcpy_ce: its matrix has 2 columns, and gh200 has 1")));
    EXPECT_EQ(run({"calibrate", file("no.json", "[1, 2"), "--machine", "gh200"}).status, 2);
}

TEST_F(CalibrateTest, BadInputIsToldRowByRow) {
    const std::string bad =
        file("bad.csv", kHead + "a,mine,Hopper,SM,reed,HBM.local,reg,8589934592,264x1024,bandwidth,3600,GB/s\n" +
                            "b,mine,Hopper,SM,read,HBM.local,reg,8589934592,264x1024,bandwidth,3600,ns\n" +
                            "c,mine,Hopper,SM,read,HBM.local,reg,8589934592,264x1024,bandwidth,,GB/s\n");
    const Answer answer = run({"calibrate", bad, "--machine", "gh200", "--out", path("never.yaml")});
    EXPECT_EQ(answer.status, 2);
    EXPECT_THAT(answer.err, AllOf(HasSubstr(bad + ":2:"), HasSubstr(bad + ":3:"), HasSubstr(bad + ":4:")));
    EXPECT_FALSE(std::filesystem::exists(path("never.yaml")));
    EXPECT_EQ(run({"calibrate", file("empty.csv", ""), "--machine", "gh200"}).status, 2);
    EXPECT_THAT(run({"calibrate", file("head.csv", kHead), "--machine", "gh200"}).err, HasSubstr("rows"));
    EXPECT_THAT(run({"calibrate", bad, "--machine", "gh2000"}).err, HasSubstr("did you mean \"gh200\""));
    EXPECT_THAT(run({"calibrate", file("rows.txt", ""), "--machine", "gh200"}).err, HasSubstr("neither CSV nor JSON"));
    EXPECT_THAT(run({"calibrate", bad, "--machine", "gh200", "--noise", "2"}).err, HasSubstr("is no noise"));
    EXPECT_THAT(run({"calibrate", bad, "--machine", "gh200", "--out", "my machine.yaml"}).err,
                HasSubstr("is no name of a machine file"));
    const std::string two =
        file("two.csv", kHead + "a,mine," + kProbes[6].cells + ",360,ns\nb,yours," + kProbes[7].cells + ",140,ns\n");
    EXPECT_THAT(run({"calibrate", two, "--machine", "gh200"}).err, HasSubstr("choose with --system: mine; yours"));
    // A machine without such parts: nothing can be fitted, and each row says why.
    const Answer none = run({"calibrate",
                             file("peer.csv", kHead + "a,mine,Hopper,SM,pointer-chase read,HBM.peer,reg,"
                                                      "4294967296,1x1,latency,700,ns\n"),
                             "--machine", "gh200"});
    EXPECT_EQ(none.status, 2);
    EXPECT_THAT(none.err, HasSubstr("a"));
    EXPECT_THAT(none.err, HasSubstr("peer.csv"));
}

} // namespace
