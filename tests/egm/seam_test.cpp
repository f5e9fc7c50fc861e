// The seam: does the logic reach the machine through `Syscalls` only, and does it know no clock, thread or simulator?

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace {

std::vector<std::filesystem::path> sources(const std::string& folder) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(std::string(EGMSIM_SOURCE_DIR) + "/" + folder))
        if (entry.path().extension() == ".h" || entry.path().extension() == ".cpp")
            files.push_back(entry.path());
    return files;
}

std::vector<std::string> includes(const std::filesystem::path& file) {
    static const std::regex kInclude(R"(^\s*#\s*include\s*[<"]([^>"]+)[>"].*)");
    std::vector<std::string> names;
    std::ifstream text(file);
    for (std::string line; std::getline(text, line);)
        if (std::smatch match; std::regex_match(line, match, kInclude))
            names.push_back(match[1]);
    return names;
}

TEST(SeamTest, LogicIncludesNoSimulatorClockThreadOrRandomness) {
    const std::regex forbidden(
        "systemc.*|tlm.*|sysc/.*|models/.*|sim/.*|egm/linux/.*|linux/.*|thread|mutex|shared_mutex|"
        "atomic|future|condition_variable|chrono|ctime|time\\.h|sys/time\\.h|random|unistd\\.h|"
        "sys/ioctl\\.h|pthread\\.h|dirent\\.h|filesystem|fstream");
    ASSERT_FALSE(sources("egm").empty());
    for (const char* folder : {"egm", "egm/uapi"})
        for (const auto& file : sources(folder))
            for (const std::string& name : includes(file))
                EXPECT_FALSE(std::regex_match(name, forbidden)) << file << " includes " << name;
}

TEST(SeamTest, ToolReachesModelsInOnePlaceAndOfTheSimulatorOnlyWhatReadsAndWritesFiles) {
    const std::regex files_only("sim/(diagnostics|fields|input_files|suggest|units|whole_file|yaml_tree)\\.h");
    int files = 0;
    for (const auto& file : sources("egm/linux")) {
        if (file.stem() == "modelled_machine")
            continue;
        ++files;
        for (const std::string& name : includes(file)) {
            EXPECT_FALSE(name.starts_with("models/")) << file << " includes " << name;
            EXPECT_TRUE(!name.starts_with("sim/") || std::regex_match(name, files_only))
                << file << " includes " << name;
        }
    }
    EXPECT_GT(files, 5);
}

TEST(SeamTest, UapiHeadersIncludeNothingButTheStandardLibraryAndEachOther) {
    for (const auto& file : sources("egm/uapi"))
        for (const std::string& name : includes(file))
            EXPECT_TRUE(name == "cstddef" || name == "cstdint" || name.starts_with("egm/uapi/"))
                << file << ": " << name;
}

TEST(SeamTest, ToolSeesTheModelThroughOneFileAndNoSimulator) {
    const std::regex simulator("systemc.*|tlm.*|sysc/.*|models/(?!linux/|sparse_store).*");
    ASSERT_FALSE(sources("egm/linux").empty());
    for (const auto& file : sources("egm/linux"))
        for (const std::string& name : includes(file)) {
            EXPECT_FALSE(std::regex_match(name, simulator)) << file << " includes " << name;
            if (name.starts_with("models/")) {
                EXPECT_EQ(file.filename(), "modelled_machine.cpp") << "includes " << name;
            }
        }
}

TEST(SeamTest, LibraryCallsNoSystemCallItself) {
    const std::string library = std::string(EGMSIM_BINARY_DIR) + "/egm/libegm.a";
    ASSERT_TRUE(std::filesystem::exists(library)) << library;
    FILE* const listing = popen(("nm -uC " + library).c_str(), "r");
    ASSERT_TRUE(listing);
    const std::regex forbidden(
        R"(\s+[Uw] ((__)?(open|openat|ioctl|mmap|munmap|mremap|close|read|pread|write|pwrite|fsync|rename|unlink|)"
        R"(readlink|opendir|)"
        R"(readdir|sysconf|getpagesize|clock_gettime|gettimeofday|time|rand|random)(64)?(_2)?|)"
        R"(sc_core::.*|pthread_.*)(@.*)?\s*)");
    int symbols = 0;
    for (char line[4096]; std::fgets(line, sizeof line, listing); ++symbols)
        EXPECT_FALSE(std::regex_match(std::string(line), forbidden)) << line;
    EXPECT_EQ(pclose(listing), 0);
    EXPECT_GT(symbols, 100);
}

} // namespace
