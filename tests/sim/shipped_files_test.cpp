// Every machine, scenario and documented example that we ship: does it load, and without a word?
#include "tests/sim/input_test.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "sim/fields.h"
#include "sim/kinds.h"
#include "sim/spec_fields.h"
#include "sim/words.h"

namespace {

using testing::IsEmpty;

const std::string kRoot = EGMSIM_SOURCE_DIR;

std::string read(const std::string& path) {
    std::ifstream stream(path);
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
}

struct ShippedFilesTest : InputTest {
    const sim::DiskFiles disk;
    const sim::SearchPath installed{{kRoot + "/topologies"}};
};

TEST_F(ShippedFilesTest, EveryTopologyLoadsWithoutAWord) {
    const auto paths = disk.list(kRoot + "/topologies");
    EXPECT_GE(paths.size(), 5u);
    for (const std::string& path : paths) {
        const auto machine = sim::load_topology(path, installed, diagnostics);
        ASSERT_TRUE(machine) << testing::PrintToString(said());
        EXPECT_EQ(machine->name, std::filesystem::path(path).stem().string());
        EXPECT_NE(machine->description, "") << path;
    }
    EXPECT_THAT(said(), IsEmpty());
}

TEST_F(ShippedFilesTest, EveryScenarioLoadsWithoutAWordAndOpensWithItsQuestion) {
    const auto paths = disk.list(kRoot + "/scenarios");
    EXPECT_GE(paths.size(), 12u);
    for (const std::string& path : paths) {
        const auto scenario = sim::load_scenario(path, {}, installed, diagnostics);
        ASSERT_TRUE(scenario) << testing::PrintToString(said());
        EXPECT_EQ(scenario->name, std::filesystem::path(path).stem().string());
        const std::string text = read(path);
        EXPECT_EQ(text.substr(0, 2), "# ") << path;
        EXPECT_NE(text.substr(0, text.find("\nscenario:")).find('?'), std::string::npos) << path;
    }
    EXPECT_THAT(said(), IsEmpty());
}

TEST_F(ShippedFilesTest, EveryFigureOfAPresetNamesItsSource) {
    for (const std::string& path : disk.list(kRoot + "/topologies/presets")) {
        std::istringstream lines(read(path));
        int number = 0;
        for (std::string line; std::getline(lines, line);) {
            ++number;
            const std::size_t colon = line.find(": ");
            const bool figure = colon != std::string::npos && line.find("kind:") == std::string::npos &&
                                line.find("like:") == std::string::npos &&
                                line.find_first_of("0123456789", colon) != std::string::npos;
            if (figure && line.find_first_not_of(' ') != line.find('#')) {
                EXPECT_NE(line.find(" # "), std::string::npos) << path << ":" << number << ": " << line;
            }
        }
    }
}

TEST_F(ShippedFilesTest, TheQuadHasALinkBetweenEveryPairOfGpusAndOfCpus) {
    const auto machine = sim::load_topology("gh200-quad", installed, diagnostics);
    ASSERT_TRUE(machine);
    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(machine->find("hopper" + std::to_string(i))->socket, i);
        for (int j = i + 1; j < 4; ++j) {
            for (const std::string kind : {"hopper", "grace"}) {
                const std::string a = kind + std::to_string(i), b = kind + std::to_string(j);
                EXPECT_EQ(std::count_if(machine->links.begin(), machine->links.end(),
                                        [&](const sim::Link& link) {
                                            return link.a == a && link.b == b &&
                                                   link.spec.count * link.spec.line_bytes_per_second == 150'000'000'000;
                                        }),
                          1)
                    << a << " " << b;
            }
        }
    }
}

TEST_F(ShippedFilesTest, EachGpuOfHgxAndOfTheTrayHasEighteenNvlinks) {
    for (const auto& [name, gpu, gpus] : {std::tuple{"hgx-h100", "h100-", 8}, {"gb200-tray", "blackwell", 4}}) {
        const auto machine = sim::load_topology(name, installed, diagnostics);
        ASSERT_TRUE(machine);
        for (int i = 0; i < gpus; ++i) {
            unsigned links = 0;
            for (const sim::Link& link : machine->links) {
                links += link.kind == sim::LinkKind::kNvlink && link.a == gpu + std::to_string(i) ? link.spec.count : 0;
            }
            EXPECT_EQ(links, 18u) << name << " " << i;
            EXPECT_EQ(machine->find(gpu + std::to_string(i))->socket, i / (gpus / 2));
        }
    }
}

/// The ```yaml blocks of a page, each with the line it begins in.
std::vector<std::pair<int, std::string>> examples(const std::string& page) {
    std::vector<std::pair<int, std::string>> blocks;
    std::istringstream lines(page);
    bool inside = false;
    int number = 0;
    for (std::string line; std::getline(lines, line);) {
        ++number;
        if (line == "```yaml") {
            blocks.emplace_back(number, "");
            inside = true;
        } else if (line == "```") {
            inside = false;
        } else if (inside) {
            blocks.back().second += line + "\n";
        }
    }
    return blocks;
}

TEST_F(ShippedFilesTest, EveryExampleOfTheDocumentationLoads) {
    std::size_t count = 0;
    for (const char* page : {"/README.md", "/docs/topologies.md", "/docs/scenarios.md"}) {
        for (const auto& [line, text] : examples(read(kRoot + page))) {
            ++count;
            if (text.find("presets:") == 0) {
                files.texts["topologies/presets/example.yaml"] = text;
                diagnostics = {};
                EXPECT_TRUE(sim::load_topology("gh200", search, diagnostics)) << page << ":" << line;
                files.texts.erase("topologies/presets/example.yaml");
            } else if (text.find("topology:") == 0) {
                EXPECT_TRUE(topology(text)) << page << ":" << line;
            } else {
                EXPECT_TRUE(scenario(text)) << page << ":" << line;
            }
            EXPECT_THAT(said(), IsEmpty()) << page << ":" << line;
        }
    }
    EXPECT_GE(count, 8u);
}

template <class Spec>
std::vector<std::string> keys_of() {
    sim::Diagnostics ignored;
    const sim::YamlNode empty = sim::make_map({});
    sim::Fields fields(empty, "", ignored);
    Spec spec;
    sim::read_spec(fields, spec, false);
    return fields.known();
}

TEST_F(ShippedFilesTest, EveryKeyOfAPartIsDocumented) {
    const std::string page = read(kRoot + "/docs/topologies.md");
    for (const auto& keys : {keys_of<models::CpuSpec>(), keys_of<models::GpuSpec>(), keys_of<models::MemorySpec>(),
                             keys_of<models::SwitchSpec>(), keys_of<models::NicSpec>(), keys_of<models::LinkSpec>()}) {
        for (const std::string& key : keys) {
            EXPECT_NE(page.find("| `" + key + "`"), std::string::npos) << key;
        }
    }
}

TEST_F(ShippedFilesTest, EveryWordOfAScenarioIsDocumented) {
    const std::string page = read(kRoot + "/docs/scenarios.md");
    const auto documented = [&](const auto& words) {
        for (const auto& [word, value] : words) {
            EXPECT_NE(page.find("`" + word + "`"), std::string::npos) << word;
        }
    };
    documented(sim::operation_words());
    documented(sim::allocator_words());
    documented(sim::iommu_words());
    documented(sim::errno_words());
}

} // namespace
