#pragma once

#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

/// Runs the program egmctl as a user would, in a folder of the test's own.
struct EgmctlProgram : testing::Test {
    struct Answer {
        int status = -1; ///< exit status; -1 when a signal ended it
        std::string out; ///< standard output
        std::string err; ///< standard error
    };

    EgmctlProgram();
    ~EgmctlProgram() override;

    /// `arguments` as a shell reads them.
    Answer run(const std::string& arguments) const;

    /// The JSON that `arguments` and `--json -` print; the status is to be `status`.
    nlohmann::json json(const std::string& arguments, int status = 0) const;

    static std::string read(const std::filesystem::path& path);

    const std::filesystem::path folder;
};
