// Calibration: do the component figures follow the published measurements?
//
// validation/components.csv says for each row of validation/calibration.csv which stream of which machine stands for
// it, and how far off it may be: 5 % for a bandwidth, 10 % for a latency, more only with a reason. The table of
// residuals in docs/timing.md must be the one that this run makes; build/residuals.md is that table, to be pasted when
// it changes.

#include <cmath>
#include <fstream>
#include <map>

#include <fmt/format.h>

#include "tests/run/program.h"

namespace {

/// The fields of one line of CSV, in which a field may stand in double quotes.
std::vector<std::string> fields(const std::string& line) {
    std::vector<std::string> found{""};
    bool quoted = false;
    for (const char c : line) {
        if (c == '"') {
            quoted = !quoted;
        } else if (c == ',' && !quoted) {
            found.emplace_back();
        } else {
            found.back() += c;
        }
    }
    return found;
}

struct Row {
    std::string id, machine, reason, stream;
    double tolerance = 0;
    double measured = 0;
    std::string unit;
    std::string what;
};

std::vector<Row> rows() {
    const std::string folder = std::string(EGMSIM_SOURCE_DIR) + "/validation/";
    std::map<std::string, std::vector<std::string>> measured;
    std::ifstream calibration(folder + "calibration.csv");
    for (std::string line; std::getline(calibration, line);) {
        const auto cells = fields(line);
        measured[cells.at(0)] = cells;
    }
    std::vector<Row> found;
    std::ifstream components(folder + "components.csv");
    std::string line;
    std::getline(components, line);
    while (std::getline(components, line)) {
        const auto cells = fields(line);
        const auto& row = measured.at(cells.at(0));
        found.push_back(
            {cells[0], cells[1], cells[3], cells[4], std::stod(cells[2]) / 100, std::stod(row.at(13)), row.at(14),
             fmt::format("{} {}: {}, {} to {}{}", row[3], row[4], row[5], row[6], row[7],
                         row[11].empty() ? ""
                                         : ", " + row[11] + (row[4] == "SM" ? " (blocks x threads)" : " threads"))});
    }
    return found;
}

struct CalibrationTest : ProgramTest {
    /// Figures by row, each stream alone on bare metal.
    std::map<std::string, double> predict(const std::vector<Row>& rows) {
        std::map<std::string, std::string> scenarios;
        for (const Row& row : rows) {
            std::string& text = scenarios[row.machine];
            if (text.empty()) {
                text = fmt::format("scenario: rows\nmachine: {}\ntraffic:\n  - each_alone: rows\n    streams:\n",
                                   row.machine);
            }
            text += fmt::format("      - {{name: {}, {}\n", row.id, row.stream.substr(1));
        }
        std::map<std::string, double> figures;
        for (const auto& [machine, text] : scenarios) {
            const std::string result = path(machine + ".json");
            const Answer answer = run({"run", file(machine + ".yaml", text), "--quiet", "--json", result});
            EXPECT_EQ(answer.status, 0) << answer.err;
            const auto json = parse(read(result));
            for (const auto& group : json["traffic"]) {
                for (const auto& stream : group["streams"]) {
                    figures[stream["name"]] = stream["value"];
                }
            }
        }
        return figures;
    }
};

TEST_F(CalibrationTest, ComponentFiguresFollowThePublishedMeasurements) {
    const auto all = rows();
    ASSERT_GE(all.size(), 100u);
    const auto figures = predict(all);
    std::string table = "| row | what | measured | predicted | error |\n| --- | --- | ---: | ---: | ---: |\n";
    double bandwidth = 0, latency = 0;
    unsigned bandwidths = 0, latencies = 0;
    for (const Row& row : all) {
        ASSERT_TRUE(figures.count(row.id)) << row.id;
        const double predicted = figures.at(row.id);
        const double error = predicted / row.measured - 1;
        EXPECT_LE(std::abs(error), row.tolerance) << row.id << " " << row.what << ": measured " << row.measured
                                                  << ", predicted " << predicted << " " << row.unit;
        const bool is_latency = row.unit == "ns";
        EXPECT_TRUE(row.tolerance <= (is_latency ? 0.10 : 0.05) || !row.reason.empty()) << row.id << " needs a reason";
        (is_latency ? latency : bandwidth) += std::abs(error);
        ++(is_latency ? latencies : bandwidths);
        table += fmt::format("| {} | {} | {:.4g} {} | {:.4g} {} | {:+.1f} % |\n", row.id, row.what, row.measured,
                             row.unit, predicted, row.unit, error * 100);
    }
    table += fmt::format("\n{} bandwidth rows: mean absolute error {:.1f} %. {} latency rows: {:.1f} %.\n", bandwidths,
                         bandwidth / bandwidths * 100, latencies, latency / latencies * 100);
    std::ofstream(std::string(EGMSIM_BINARY_DIR) + "/residuals.md") << table;

    const std::string timing = read(std::filesystem::path(EGMSIM_SOURCE_DIR) / "docs" / "timing.md");
    EXPECT_NE(timing.find(table), std::string::npos)
        << "docs/timing.md has other residuals: paste build/residuals.md into its section";
}

} // namespace
