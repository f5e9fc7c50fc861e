// The table of a run: does it have a column for each setting that was run, and none for one that was not?
#include "tests/run/program.h"

#include <sstream>

namespace {

using testing::ElementsAre;

struct ReportColumnsTest : ProgramTest {
    struct Table {
        std::string head, row;
    };
    /// The head of the traffic table, and its first row.
    Table table(const std::string& software) {
        const Answer answer = run({"run", "--fidelity", "bound",
                                   file("s.yaml", "scenario: s\nmachine: gh200\n" + software +
                                                      "traffic:\n  - group: g\n    streams:\n"
                                                      "      - {name: HBM, from: hopper0.sm, op: read, source: "
                                                      "hopper0.hbm}\n")});
        EXPECT_EQ(answer.status, 0) << answer.err;
        Table table;
        std::istringstream lines(answer.out);
        while (std::getline(lines, table.head) && !table.head.starts_with("Traffic")) {
        }
        std::getline(lines, table.row);
        return table;
    }
    static std::vector<std::string> words(const std::string& text) {
        std::istringstream in(text);
        return {std::istream_iterator<std::string>(in), {}};
    }
    /// Figures stand under the names of their columns, right-aligned.
    static void expect_under(const Table& table, const std::string& column, const std::string& unit) {
        const std::size_t end = table.head.find(column) + column.size();
        EXPECT_EQ(table.row.substr(end - unit.size(), unit.size()), unit) << table.head << "\n" << table.row;
    }
};

const std::string kVm = "software:\n  vms: [{name: a, memory: [{of: grace0.egm}], gpus: [hopper0]}]\n";

TEST_F(ReportColumnsTest, OfBareMetalOneColumn) {
    const Table bare = table("");
    EXPECT_THAT(words(bare.head), ElementsAre("Traffic", "native", "bound", "share", "95", "%", "CI", "trust"));
    expect_under(bare, "native", "TB/s");
    expect_under(bare, "bound", "TB/s");
}

TEST_F(ReportColumnsTest, OfAVmAloneOneColumn) {
    const Table vm = table(kVm + "  compare_native: false\n");
    EXPECT_THAT(words(vm.head), ElementsAre("Traffic", "in", "VM", "bound", "share", "95", "%", "CI", "trust"));
    expect_under(vm, "in VM", "TB/s");
    expect_under(vm, "bound", "TB/s");
}

TEST_F(ReportColumnsTest, OfBothTheirRatioToo) {
    const Table both = table(kVm);
    EXPECT_THAT(words(both.head),
                ElementsAre("Traffic", "native", "in", "VM", "ratio", "bound", "share", "95", "%", "CI", "trust"));
    expect_under(both, "native", "TB/s");
    expect_under(both, "in VM", "TB/s");
    expect_under(both, "ratio", "1.000");
    expect_under(both, "bound", "TB/s");
}

} // namespace
