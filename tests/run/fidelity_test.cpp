// Three fidelities of one scenario: do they agree where nothing waits, and do we know where they do not?
#include "tests/run/program.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <set>
#include <sstream>

namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;

constexpr double kAgree = 0.03;

/// A row of the table in docs/fidelity.md: figures that may be further apart.
struct Apart {
    std::string setting;
    std::string stream; ///< or "sum of GROUP"
    bool fluid;
    bool bound;
};

/// The part of docs/fidelity.md that has the table.
std::string section() {
    const std::string text = ProgramTest::read(EGMSIM_SOURCE_DIR "/docs/fidelity.md");
    return text.substr(text.find("## Where they may not agree"));
}

/// The rows of one scenario.
std::vector<Apart> listed_apart(const std::string& scenario) {
    std::istringstream text(section());
    std::vector<Apart> rows;
    for (std::string line; std::getline(text, line);) {
        std::vector<std::string> cells;
        std::istringstream row(line);
        for (std::string cell; std::getline(row, cell, '|');) {
            const auto first = cell.find_first_not_of(' ');
            cells.push_back(first == std::string::npos ? ""
                                                       : cell.substr(first, cell.find_last_not_of(' ') - first + 1));
        }
        if (cells.size() >= 7 && cells[1] == "`" + scenario + "`") {
            EXPECT_NE(cells[6], "") << "each row says why: " << line;
            rows.push_back({cells[2], cells[3], cells[4] == "apart", cells[5] == "apart"});
        }
    }
    return rows;
}

bool apart(double value, double reference) { return std::abs(value / reference - 1) > kAgree; }

struct ShippedFidelityTest : ProgramTest, testing::WithParamInterface<std::string> {
    std::string scenario() const { return GetParam().substr(0, GetParam().find('.')); }
    /// Simulated time of a group at most. That with sixteen streams of terabytes a second is cut short.
    std::string time_max() const { return scenario() == "fan-in" ? "30 us" : "200 us"; }
};

TEST_P(ShippedFidelityTest, FluidAndBoundAgreeWithTheTransactionLevelButWhereTheDocsSayWhyNot) {
    const Answer answer = run({"run", shipped(GetParam()), "--fidelity", "all", "--quiet", "--json", "-", "--set",
                               "measurement.time_max=" + time_max()});
    const auto json = parse(answer.out);
    EXPECT_EQ(json["fidelity"], "all");
    ASSERT_FALSE(json["traffic"].empty());
    std::vector<Apart> found;
    const auto note = [&](const std::string& setting, const std::string& name, double value, double fluid, double bound,
                          bool bound_counts) {
        const Apart one{setting, name, apart(fluid, value), bound_counts && apart(bound, value)};
        if (one.fluid || one.bound) {
            found.push_back(one);
        }
    };
    for (const auto& group : json["traffic"]) {
        const bool alone = group["streams"].size() == 1;
        if (group.contains("work")) {
            const auto& work = group["work"];
            note(group["setting"], group["group"], work["finish_ns"], work["fluid_ns"], work["bound_ns"], false);
            EXPECT_LE(work["bound_ns"], work["finish_ns"].get<double>() * (1 + 1e-9));
        }
        for (const auto& stream : group["streams"]) {
            note(group["setting"], stream["name"], stream["value"], stream["fluid"]["value"], stream["static_bound"],
                 alone);
        }
        if (!alone && group["total_GB_per_s"] > 0) {
            note(group["setting"], "sum of " + group["group"].get<std::string>(), group["total_GB_per_s"],
                 group["total_fluid_GB_per_s"], group["total_bound_GB_per_s"], true);
        }
    }
    const std::vector<Apart> listed = listed_apart(scenario());
    const auto in = [](const Apart& one, const std::vector<Apart>& rows) {
        return std::any_of(rows.begin(), rows.end(), [&](const Apart& row) {
            return row.setting == one.setting && row.stream == one.stream && row.fluid == one.fluid &&
                   row.bound == one.bound;
        });
    };
    for (const Apart& one : found) {
        EXPECT_TRUE(in(one, listed)) << one.setting << ", " << one.stream << " is apart" << (one.fluid ? ", fluid" : "")
                                     << (one.bound ? ", bound" : "") << ", and docs/fidelity.md does not say why";
    }
    for (const Apart& row : listed) {
        EXPECT_TRUE(in(row, found)) << row.setting << ", " << row.stream
                                    << ": docs/fidelity.md says it is apart, and it is not, or not like that";
    }
}

TEST_P(ShippedFidelityTest, FluidAndBoundSayWhatTheyAre) {
    for (const std::string fidelity : {"fluid", "bound"}) {
        const Answer answer = run({"run", shipped(GetParam()), "--fidelity", fidelity, "--json", "result.json"});
        EXPECT_EQ(answer.status, GetParam().rfind("fault-", 0) == 0 ? 3 : 0) << answer.err;
        EXPECT_THAT(answer.out, AllOf(HasSubstr("; fidelity " + fidelity + ")"), HasSubstr("docs/fidelity.md")));
        const auto json = parse(read(path("result.json")));
        EXPECT_EQ(json["fidelity"], fidelity);
        EXPECT_EQ(json["events"], 0) << "no burst was run";
        for (const auto& group : json["traffic"]) {
            EXPECT_EQ(group["measured_ns"], 0);
            EXPECT_LE(group["total_GB_per_s"], group["total_bound_GB_per_s"].get<double>() * (1 + 1e-9));
            for (const auto& stream : group["streams"]) {
                EXPECT_GT(stream["value"], 0);
                EXPECT_LE(stream["share_of_bound"], 1 + 1e-9) << stream;
                EXPECT_NE(stream["binding"]["resource"], "");
                EXPECT_NE(stream["trust"], "calibrated") << "nothing of this level was fitted";
                EXPECT_THAT(stream["trust_reasons"].get<std::vector<std::string>>(),
                            Contains(HasSubstr(fidelity == "fluid" ? "fluid model: " : "static bound: ")));
            }
        }
    }
}

TEST_P(ShippedFidelityTest, FluidGivesTheSameBytesAgain) {
    run({"run", shipped(GetParam()), "--fidelity", "fluid", "--quiet", "--json", "first.json"});
    run({"run", shipped(GetParam()), "--fidelity", "fluid", "--quiet", "--json", "second.json"});
    EXPECT_FALSE(read(path("first.json")).empty());
    EXPECT_EQ(read(path("first.json")), read(path("second.json")));
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
    std::string name = info.param.substr(0, info.param.find('.'));
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
}

INSTANTIATE_TEST_SUITE_P(Each, ShippedFidelityTest, testing::ValuesIn(ProgramTest::files_of("scenarios")), test_name);

struct FidelityTest : ProgramTest {
    nlohmann::json result(const std::string& streams, const std::string& fidelity,
                          const std::string& machine = "gh200") {
        const Answer answer = run({"run",
                                   file("one.yaml", "scenario: one\nmachine: " + machine +
                                                        "\ntraffic:\n  - group: one\n    streams:\n" + streams),
                                   "--quiet", "--fidelity", fidelity, "--json", "-"});
        EXPECT_EQ(answer.status, 0) << answer.err;
        return parse(answer.out)["traffic"][0];
    }
};

TEST_F(FidelityTest, EachRowOfTheDocsNamesAShippedScenario) {
    const auto shipped = files_of("scenarios");
    std::size_t rows = 0;
    for (const std::string& name : shipped) {
        rows += listed_apart(name.substr(0, name.find('.'))).size();
    }
    std::istringstream text(section());
    std::size_t in_docs = 0;
    for (std::string line; std::getline(text, line);) {
        in_docs += line.rfind("| `", 0) == 0;
    }
    EXPECT_EQ(rows, in_docs);
    EXPECT_GT(rows, 0u);
}

TEST_F(FidelityTest, UnknownFidelityIsBadInput) {
    const Answer answer = run({"run", shipped("quickstart.yaml"), "--fidelity", "exact"});
    EXPECT_EQ(answer.status, 2);
    EXPECT_THAT(answer.err, AllOf(HasSubstr("exact"), HasSubstr("fluid")));
}

TEST_F(FidelityTest, SharedLimitOnBytesInFlightBindsByLittlesLaw) {
    // 212 KiB of a socket's loads, each away for half the fabric 38.5 + core 3 + C2C 400 + hub 115 + HBM 204 ns.
    const auto group = result("      - {from: grace0.cpu, op: read, source: hopper0.hbm}\n", "fluid");
    const auto& stream = group["streams"][0];
    EXPECT_EQ(stream["binding"]["resource"], "grace0 loads in flight over coherent links");
    EXPECT_NEAR(stream["value"], 212 * 1024 / 760.5, 0.01);
    EXPECT_EQ(stream["trust"], "composed");
}

TEST_F(FidelityTest, StreamThatComesAndGoesIsWorkedOutTimeByTime) {
    // 427.5 GB/s of C2C towards the GPU, shared by equal rates between 100 and 200 us; alone before.
    const std::string streams =
        "      - {name: first, from: hopper0.sm, op: read, source: grace0.egm}\n"
        "      - {name: second, from: hopper0.ce, op: copy, source: grace0.egm, target: hopper0.hbm, start: 100 us, "
        "stop: 200 us}\n";
    const auto fluid = result(streams, "fluid")["streams"];
    const double alone =
        result("      - {from: hopper0.sm, op: read, source: grace0.egm}\n", "fluid")["streams"][0]["value"];
    const double shared = fluid[1]["value"];
    EXPECT_NEAR(fluid[0]["value"], (alone + shared) / 2, 1e-9);
    EXPECT_LT(shared, 0.52 * alone);
    const auto transaction = result(streams, "transaction")["streams"];
    for (int i : {0, 1}) {
        EXPECT_FALSE(apart(fluid[i]["value"], transaction[i]["value"])) << fluid[i] << transaction[i];
    }
}

TEST_F(FidelityTest, ThousandsOfStreamsShareWithoutRoundingApart) {
    std::string streams;
    for (int i = 0; i < 4000; ++i) {
        streams += fmt::format("      - {{from: hopper{}.sm, op: read, source: grace{}.egm, working_set: 2 MiB}}\n",
                               i % 4, i / 4 % 4);
    }
    const auto group = result(streams, "fluid", "gh200-quad");
    std::map<std::pair<std::string, std::string>, double> by_pair;
    for (const auto& stream : group["streams"]) {
        const std::string name = stream["name"];
        const auto key = std::pair(stream["initiator"].get<std::string>(), name.substr(0, name.find(" #")));
        const auto [known, fresh] = by_pair.try_emplace(key, stream["value"]);
        EXPECT_DOUBLE_EQ(known->second, stream["value"]) << name;
    }
    EXPECT_EQ(by_pair.size(), 16u);
}

} // namespace
