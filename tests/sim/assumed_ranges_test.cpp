// Ranges of assumed figures: do they load, and do they agree with what presets and documentation say?
#include "tests/sim/input_test.h"

#include <fstream>
#include <regex>
#include <set>

#include "sim/assumed_ranges.h"
#include "sim/call_cost_fields.h"
#include "sim/figure_text.h"

namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAreArray;

const std::string kRoot = EGMSIM_SOURCE_DIR;

std::string read(const std::string& path) {
    std::ifstream stream(path);
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
}

struct AssumedRangesTest : InputTest {
    std::vector<sim::AssumedRange> shipped() {
        const std::vector<std::string> directories{kRoot + "/topologies"};
        const auto presets = sim::load_presets(directories, disk, diagnostics);
        return sim::load_assumed_ranges(directories, presets, disk, diagnostics);
    }

    /// What is said of a range file with this text.
    std::vector<std::string> faults(const std::string& text) {
        files.texts["topologies/ranges/r.yaml"] = text;
        diagnostics = {};
        const auto presets = sim::load_presets({"topologies"}, files, diagnostics);
        sim::load_assumed_ranges({"topologies"}, presets, files, diagnostics);
        return said();
    }

    const sim::DiskFiles disk;
};

/// "3 to 50 ns" in a comment that says "assumed, 3 to 50 ns" or "..., the split is assumed, 3 to 50 ns: why".
std::string range_in(const std::string& comment) {
    static const std::string unit = "(?: (?:[kKMGT]?i?B(?:/s)?|ps|ns|us|ms|s|%))?";
    static const std::regex assumed("assumed[^,:]*[,:] ([0-9.]+" + unit + " (?:to|or) [0-9.]+" + unit +
                                    "|true or false)");
    std::smatch found;
    return std::regex_search(comment, found, assumed) ? found[1].str() : "";
}

/// "preset figure: range" for each figure of a preset whose comment says so.
std::vector<std::string> ranges_in_comments(const std::string& path) {
    std::vector<std::string> found;
    std::istringstream lines(read(path));
    std::string preset, outer;
    static const std::regex entry("^( *)([A-Za-z0-9_.-]+):([^#]*)(#.*)?$");
    for (std::string line; std::getline(lines, line);) {
        std::smatch match;
        if (!std::regex_match(line, match, entry)) {
            continue;
        }
        const auto depth = match[1].length();
        const bool is_map = match[3].str().find_first_not_of(' ') == std::string::npos;
        if (depth == 2) {
            preset = match[2];
        }
        outer = depth == 4 ? (is_map ? match[2].str() + "." : "") : outer;
        const std::string range = range_in(match[4]);
        if (!range.empty()) {
            found.push_back(preset + " " + (depth > 4 ? outer : "") + match[2].str() +
                            (match[3].str().find('{') != std::string::npos ? ".latency" : "") + ": " + range);
        }
    }
    return found;
}

TEST_F(AssumedRangesTest, EachHoldsThePresetsValueAndIsWhatItsCommentSays) {
    std::vector<std::string> ranges, comments;
    for (const sim::AssumedRange& range : shipped()) {
        if (range.preset != sim::kKernelCosts) {
            ranges.push_back(range.preset + " " + range.figure + ": " + range.spelt);
        }
    }
    for (const std::string& path : disk.list(kRoot + "/topologies/presets")) {
        const auto more = ranges_in_comments(path);
        comments.insert(comments.end(), more.begin(), more.end());
    }
    EXPECT_THAT(said(), IsEmpty());
    EXPECT_GE(comments.size(), 100u);
    EXPECT_THAT(ranges, UnorderedElementsAreArray(comments));
}

/// Rows of the table of the page whose head names this preset: by figure, the whole row.
std::multimap<std::string, std::string> rows_of(const std::string& page, const std::string& preset) {
    std::multimap<std::string, std::string> rows;
    std::istringstream lines(page);
    bool inside = false;
    for (std::string line; std::getline(lines, line);) {
        if (line.rfind("| parameter |", 0) == 0) {
            inside = line.find("`" + preset + "`") != std::string::npos;
        } else if (line.rfind("| `", 0) == 0 && inside) {
            rows.emplace(line.substr(3, line.find('`', 3) - 3), line);
        }
    }
    return rows;
}

TEST_F(AssumedRangesTest, TheTimingPageSaysTheSameRanges) {
    const std::string page = read(kRoot + "/docs/timing.md");
    const std::string kernel = page.substr(page.find("## Kernel calls"));
    for (const sim::AssumedRange& range : shipped()) {
        const std::string name = range.preset + " " + range.figure;
        if (range.preset == sim::kKernelCosts) {
            const std::size_t row = kernel.find("| `" + range.figure + "` |");
            ASSERT_NE(row, std::string::npos) << name;
            EXPECT_THAT(kernel.substr(row, kernel.find('\n', row) - row), HasSubstr(range.spelt)) << name;
            continue;
        }
        const std::string figure = range.figure.substr(0, range.figure.rfind(".latency"));
        const auto says = [&](const std::string& preset, const std::string& text) {
            const auto rows = rows_of(page, preset);
            const auto [first, last] = rows.equal_range(figure);
            return std::any_of(first, last,
                               [&](const auto& row) { return row.second.find(text) != std::string::npos; });
        };
        // Of what a preset has taken from another the page gives the range once; hopper-gh200-480 has no column.
        const bool taken = range.preset == "hopper-gh200-480" || says(range.preset, "taken from `hopper-gh200`");
        EXPECT_TRUE(says(range.preset, range.spelt) || (taken && says("hopper-gh200", range.spelt)))
            << name << ": " << range.spelt;
    }
}

TEST_F(AssumedRangesTest, EveryCostOfACallThatIsAssumedHasARange) {
    std::set<std::string> ranged;
    for (const sim::AssumedRange& range : shipped()) {
        ranged.insert(range.preset == sim::kKernelCosts ? range.figure : "");
    }
    for (const sim::CallCostKey& cost : sim::call_cost_keys()) {
        const bool published = cost.key == "gpu_poll" || cost.key == "gpu_timeout"; // in the driver's source
        EXPECT_EQ(ranged.count(std::string(cost.key)), published ? 0u : 1u) << cost.key;
    }
}

TEST_F(AssumedRangesTest, EveryFaultOfARangeIsToldWithItsPlace) {
    EXPECT_THAT(faults("ranges:\n  grase:\n    cores: {range: 1 to 2, why: x}\n"),
                testing::ElementsAre("topologies/ranges/r.yaml:2:3: error: ranges: there is no preset \"grase\"; did "
                                     "you mean \"grace\"?"));
    const auto said = faults("ranges:\n  grace:\n"
                             "    smmu.walkers: {range: 4 to 64}\n"
                             "    smmu.walkerz: {range: 4 to 64, why: x}\n"
                             "    smmu.walk_access: {range: 3 to 50, why: x}\n"
                             "    core_latency: {range: 5 to 9 ns, why: x}\n"
                             "    fabric_latency: {range: 80 to 70 ns, why: x}\n"
                             "    owner_cache: {range: about 1 MiB, why: x}\n"
                             "  kernel:\n"
                             "    scrub: {range: 8 to 43 GB/s, why: x}\n"
                             "    pte_fill: {range: 1 to 10, why: x}\n");
    EXPECT_THAT(said, Contains(HasSubstr("r.yaml:3:19: error: range of grace smmu.walkers: no why; write")));
    EXPECT_THAT(said, Contains(HasSubstr("r.yaml:4:5: error: range of grace smmu.walkerz: the preset has no such")));
    EXPECT_THAT(said, Contains(HasSubstr("walk_access \"3\" has no unit; write \"3 ns\"")));
    EXPECT_THAT(said, Contains(HasSubstr("\"5 to 9 ns\" does not hold the preset's 3 ns")));
    EXPECT_THAT(said, Contains(HasSubstr("\"80 to 70 ns\" has its ends in the wrong order")));
    EXPECT_THAT(said, Contains(HasSubstr("\"about 1 MiB\" has no two ends; write \"3 to 50 ns\"")));
    EXPECT_THAT(said, Contains(HasSubstr("did you mean \"scrub_bandwidth\"")));
    EXPECT_THAT(said, Contains(HasSubstr("pte_fill \"1\" has no unit")));
}

TEST_F(AssumedRangesTest, APresetLikeAnotherHasTheRangesOfTheFiguresThatItHasFromThere) {
    files.texts["topologies/presets/mine.yaml"] = "presets:\n"
                                                  "  mine: {like: grace, trust: assumed, smmu: {walkers: 8}}\n"
                                                  "  further: {like: mine, trust: assumed}\n";
    files.texts["topologies/ranges/r.yaml"] = "ranges:\n"
                                              "  grace:\n"
                                              "    smmu.walkers: {range: 4 to 64, why: x}\n"
                                              "    smmu.walk_access: {range: 3 to 50 ns, why: y}\n";
    const auto presets = sim::load_presets({"topologies"}, files, diagnostics);
    const auto ranges =
        sim::with_inherited_ranges(sim::load_assumed_ranges({"topologies"}, presets, files, diagnostics), presets);
    EXPECT_THAT(said(), IsEmpty());
    std::vector<std::string> names;
    for (const sim::AssumedRange& range : ranges) {
        names.push_back(range.preset + " " + range.figure);
    }
    // Nobody says anything of the eight walkers of mine.
    EXPECT_THAT(names, UnorderedElementsAreArray({"grace smmu.walkers", "grace smmu.walk_access",
                                                  "mine smmu.walk_access", "further smmu.walk_access"}));
}

TEST_F(AssumedRangesTest, TheFirstOfTwoEndsTakesTheUnitOfTheSecond) {
    using Ends = std::pair<std::string, std::string>;
    EXPECT_EQ(sim::split_range("3 to 50 ns"), Ends("3 ns", "50 ns"));
    EXPECT_EQ(sim::split_range("5 us to 10 ms"), Ends("5 us", "10 ms"));
    EXPECT_EQ(sim::split_range("256 to 8192"), Ends("256", "8192"));
    EXPECT_EQ(sim::split_range("70 to 90 %"), Ends("70 %", "90 %"));
    EXPECT_EQ(sim::split_range("true or false"), Ends("true", "false"));
    EXPECT_FALSE(sim::split_range("3"));
    EXPECT_FALSE(sim::split_range(" to 3"));
}

TEST_F(AssumedRangesTest, AScenarioReplacesCostsOfCalls) {
    const std::string head = "scenario: s\nmachine: gh200\nsoftware:\n  vms: [{name: v, memory: [{of: grace0.egm}]}]\n";
    const auto good = scenario(head + "  kernel: {costs: {scrub_bandwidth: 40 GB/s, pte_fill: 0 ns}}\n");
    ASSERT_TRUE(good) << testing::PrintToString(said());
    EXPECT_EQ(good->software.costs.scrub_bytes_per_second, 40'000'000'000u);
    EXPECT_EQ(good->software.costs.pte_fill_ps, 0u);
    EXPECT_EQ(good->software.costs.open_ps, 2'000'000u); // left as it is
    EXPECT_FALSE(scenario(head + "  kernel: {costs: {scrub_bandwidth: 40, gpu_poll: 0 s, scrub: 1 s}}\n"));
    EXPECT_THAT(said(), Contains(HasSubstr("s.yaml:5:37: error: kernel: costs: scrub_bandwidth \"40\" has no unit")));
    EXPECT_THAT(said(), Contains(HasSubstr("gpu_poll")));
    EXPECT_THAT(said(), Contains(HasSubstr("unknown key \"scrub\"")));
}

TEST_F(AssumedRangesTest, EveryCostOfACallIsDocumented) {
    const std::string page = read(kRoot + "/docs/scenarios.md");
    for (const sim::CallCostKey& cost : sim::call_cost_keys()) {
        EXPECT_NE(page.find("`" + std::string(cost.key) + "`"), std::string::npos) << cost.key;
    }
}

TEST_F(AssumedRangesTest, TheExampleOfThePageLoads) {
    const std::string page = read(kRoot + "/docs/sensitivity.md");
    const std::size_t begin = page.find("```yaml\n") + 8;
    EXPECT_THAT(faults(page.substr(begin, page.find("```", begin) - begin)), IsEmpty());
}

} // namespace
