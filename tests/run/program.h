#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

/// Runs `egmsim` as a user would, in a directory of the test's own.
struct ProgramTest : testing::Test {
    struct Answer {
        int status = -1; ///< exit code; -1 when a signal ended it
        std::string out;
        std::string err;
    };

    ProgramTest();
    ~ProgramTest() override;

    /// `egmsim` with these arguments, to its end. `interrupt`: SIGINT once it has said so much on standard error that
    /// this text is in it.
    Answer run(const std::vector<std::string>& arguments, const std::string& interrupt = {}) const;

    /// Writes `text` to a file of the test's directory and returns its path.
    std::string file(const std::string& name, const std::string& text) const;
    static std::string read(const std::filesystem::path& path);
    static nlohmann::json parse(const std::string& text);

    std::string path(const std::string& name) const { return (directory / name).string(); }
    static std::string shipped(const std::string& name) {
        return std::string(EGMSIM_SOURCE_DIR) + "/scenarios/" + name;
    }
    /// The names in a folder of the source tree that end in ".yaml", sorted.
    static std::vector<std::string> files_of(const std::string& folder);

    const std::filesystem::path directory;
};
