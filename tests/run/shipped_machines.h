#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

/// The machines of `topologies/`, by name: read from the folder, so that none is forgotten.
inline std::vector<std::string> shipped_machines() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(EGMSIM_SOURCE_DIR "/topologies")) {
        if (entry.path().extension() == ".yaml") {
            names.push_back(entry.path().stem().string());
        }
    }
    std::sort(names.begin(), names.end());
    return names;
}

/// A machine's name as a test's.
inline std::string machine_test_name(const testing::TestParamInfo<std::string>& info) {
    std::string name = info.param;
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
}
