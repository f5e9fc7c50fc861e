// One logic, two worlds: is egm/ the same object code in `egmsim` and in `egmctl`?
//
// That libegm.a knows neither SystemC nor libc's door calls is tested beside the logic (tests/egm/seam_test.cpp).
#include <array>
#include <cstdio>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <string>

#include <gtest/gtest.h>

namespace {

const std::string kBuild = EGMSIM_BINARY_DIR;

/// Calls `line` for each line that `command` prints.
template <class Line>
void lines_of(const std::string& command, Line line) {
    FILE* const listing = popen(command.c_str(), "r");
    ASSERT_TRUE(listing);
    std::array<char, 16384> text;
    while (std::fgets(text.data(), text.size(), listing) != nullptr) {
        line(std::string(text.data()).substr(0, std::string(text.data()).find('\n')));
    }
    EXPECT_EQ(pclose(listing), 0) << command;
}

/// Functions of namespace egm that libegm.a defines for others to call.
std::set<std::string> functions_of_the_library() {
    std::set<std::string> names;
    lines_of("nm --defined-only " + kBuild + "/egm/libegm.a", [&](const std::string& line) {
        std::smatch match;
        if (std::regex_match(line, match, std::regex(R"([0-9a-f]+ T (_ZNK?3egm\S+))"))) {
            names.insert(match[1]);
        }
    });
    return names;
}

/// Each function's instructions, without what the linker decides: addresses, distances and the names at them.
std::map<std::string, std::string> bodies(const std::string& file, const std::set<std::string>& wanted) {
    const std::regex kPlaced(R"(-?0x[0-9a-f]+\(%rip\)|\b[0-9a-f]{3,}\b)"); // a distance, or the target of a jump
    const std::regex kPadding(R"((\t(nop|xchg   %ax,%ax|data16|cs nop)[^\n]*\n)+$)");
    std::map<std::string, std::string> found;
    std::string* body = nullptr;
    lines_of("objdump -d --no-show-raw-insn --no-addresses " + file, [&](const std::string& line) {
        if (line.size() > 3 && line.front() == '<' && line.substr(line.size() - 2) == ">:") {
            const std::string name = line.substr(1, line.size() - 3);
            body = wanted.count(name) != 0 ? &found[name] : nullptr;
        } else if (line.empty()) {
            body = nullptr;
        } else if (body != nullptr) {
            const std::string bare = line.substr(0, line.find_first_of("<#"));
            *body += std::regex_replace(bare, kPlaced, "@") + "\n";
        }
    });
    for (auto& [name, instructions] : found) { // what fills the gap before the next function
        instructions = std::regex_replace(instructions, kPadding, "");
    }
    return found;
}

constexpr const char* kDiscover = "_ZN3egm8discoverERNS_8SyscallsE";
constexpr const char* kBringUp = "_ZN3egm8bring_upERNS_8SyscallsERKNS_9VmRequestERNS_12StepListenerE";

TEST(SameObjectTest, BothProgramsRunTheInstructionsOfTheLibrary) {
#if !defined(__x86_64__) || defined(__SANITIZE_ADDRESS__)
    GTEST_SKIP() << "the comparison knows what the linker changes in plain x86-64 code only";
#endif
    const auto functions = functions_of_the_library();
    const auto library = bodies(kBuild + "/egm/libegm.a", functions);
    const auto simulated = bodies(kBuild + "/egmsim", functions);
    const auto real = bodies(kBuild + "/egmctl", functions);
    ASSERT_EQ(library.count(kBringUp), 1u);
    EXPECT_EQ(simulated.count(kBringUp), 1u);
    EXPECT_EQ(simulated.count(kDiscover), 1u);
    EXPECT_EQ(real.count(kDiscover), 1u);
    for (const auto* program : {&simulated, &real}) {
        EXPECT_GT(program->size(), 20u); // a linker leaves out what a program does not call
        for (const auto& [name, body] : *program) {
            EXPECT_EQ(body, library.at(name)) << name;
        }
    }
}

TEST(SameObjectTest, BothProgramsAreLinkedAgainstTheOneLibrary) {
    if (!std::filesystem::exists(kBuild + "/build.ninja")) {
        GTEST_SKIP() << "another generator than Ninja keeps its link commands elsewhere";
    }
    for (const char* program : {"egmsim", "egmctl"}) {
        std::set<std::string> archives;
        lines_of("ninja -C " + kBuild + " -t commands " + program, [&](const std::string& line) {
            const std::regex archive(R"(\S*libegm\S*\.a)");
            for (std::sregex_iterator at(line.begin(), line.end(), archive), end; at != end; ++at) {
                archives.insert(at->str());
            }
        });
        EXPECT_EQ(archives, std::set<std::string>{"egm/libegm.a"}) << program;
    }
}

} // namespace
