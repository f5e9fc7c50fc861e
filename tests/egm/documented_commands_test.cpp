// The documents: does every command that they show print just what they say?
//
// A block marked ```console is run in bash, with egmctl in the path, in a fresh folder that the blocks of one document
// share. A line with "$ " is a command, one with "> " goes on with it, and what follows is what it prints, on standard
// output and standard error. After a change that is meant: EGMSIM_REFRESH_DOCS=1 build/test_egm
// --gtest_filter='*Documented*', and read the diff.

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace {

namespace fs = std::filesystem;

const std::string kSource = EGMSIM_SOURCE_DIR;
constexpr const char* kOpening = "```console";
constexpr const char* kMark = "-- the next command --";

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);)
        lines.push_back(line);
    return lines;
}

std::string read(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

struct Command {
    std::vector<std::string> lines; ///< as the document shows them, with "$ " and "> "
    std::string printed;            ///< as the document shows it

    std::string script() const {
        std::string script;
        for (const std::string& line : lines)
            script += line.substr(2) + "\n";
        return script;
    }
};

std::vector<Command> commands_of(const std::vector<std::string>& block) {
    std::vector<Command> commands;
    for (const std::string& line : block) {
        if (line.starts_with("$ "))
            commands.push_back({{line}, ""});
        else if (!commands.empty() && line.starts_with("> ") && commands.back().printed.empty())
            commands.back().lines.push_back(line);
        else if (!commands.empty())
            commands.back().printed += line + "\n";
    }
    return commands;
}

struct DocumentedCommandsTest : testing::TestWithParam<std::string> {
    const fs::path folder = make_folder();

    ~DocumentedCommandsTest() override {
        std::error_code ignored;
        fs::remove_all(folder, ignored);
    }

    static fs::path make_folder() {
        std::string name = (fs::temp_directory_path() / "egmctl-docs-XXXXXX").string();
        EXPECT_NE(::mkdtemp(name.data()), nullptr);
        for (const char* shipped : {"topologies", "scenarios"})
            fs::create_directory_symlink(kSource + "/" + shipped, name + "/" + shipped);
        return name;
    }

    /// What each command prints, in one shell; the status of one is $? for the next.
    std::vector<std::string> run(const std::vector<Command>& commands) const {
        std::string script = "cd " + folder.string() + "\n";
        for (const Command& command : commands)
            script += command.script() + "status=$?; echo '" + kMark + "'; (exit $status)\n";
        std::ofstream(folder / ".script") << script;
        const std::string line =
            "PATH=" + std::string(EGMSIM_BINARY_DIR) + ":$PATH bash " + (folder / ".script").string() + " 2>&1";
        FILE* const output = popen(line.c_str(), "r");
        EXPECT_TRUE(output);
        std::string text;
        std::array<char, 4096> buffer;
        while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), output))
            text.append(buffer.data(), got);
        pclose(output);
        std::vector<std::string> printed;
        const std::string mark = std::string(kMark) + "\n";
        for (std::size_t at = 0, end; (end = text.find(mark, at)) != text.npos; at = end + mark.size())
            printed.push_back(text.substr(at, end - at));
        return printed;
    }
};

TEST_P(DocumentedCommandsTest, PrintWhatTheDocumentSays) {
    const bool refresh = std::getenv("EGMSIM_REFRESH_DOCS") != nullptr;
    const fs::path document = kSource + "/" + GetParam();
    const std::vector<std::string> lines = lines_of(read(document));
    ASSERT_FALSE(lines.empty()) << document << " cannot be read";
    std::string refreshed;
    std::size_t blocks = 0;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        refreshed += lines[i] + "\n";
        if (lines[i] != kOpening)
            continue;
        std::vector<std::string> block;
        for (++i; i < lines.size() && lines[i] != "```"; ++i)
            block.push_back(lines[i]);
        ASSERT_LT(i, lines.size()) << document << ": a block has no end";
        const std::vector<Command> commands = commands_of(block);
        ASSERT_FALSE(commands.empty()) << document << ": a block without a command";
        const std::vector<std::string> printed = run(commands);
        ASSERT_EQ(printed.size(), commands.size());
        for (std::size_t n = 0; n < commands.size(); ++n) {
            for (const std::string& line : commands[n].lines)
                refreshed += line + "\n";
            refreshed += printed[n];
            if (!refresh) {
                EXPECT_EQ(printed[n], commands[n].printed) << document << ": " << commands[n].script();
            }
        }
        refreshed += "```\n";
        ++blocks;
    }
    EXPECT_GT(blocks, 0u) << document << " has no console block";
    if (refresh)
        std::ofstream(document) << refreshed;
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
    std::string name;
    for (const char c : info.param)
        name += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
    return name;
}

INSTANTIATE_TEST_SUITE_P(Each, DocumentedCommandsTest,
                         testing::Values("docs/egmctl.md", "docs/hardware-guide.md", "README.md"), test_name);

} // namespace
