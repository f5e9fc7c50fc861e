#pragma once

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/input_files.h"
#include "sim/scenario_loader.h"
#include "sim/topology_loader.h"

/// Loads texts over the shipped topologies and presets, and keeps what was said about them.
struct InputTest : testing::Test {
    InputTest() {
        sim::Diagnostics faults;
        const sim::DiskFiles disk;
        for (const std::string folder : {"topologies", "topologies/presets"}) {
            for (const std::string& path : disk.list(std::string(EGMSIM_SOURCE_DIR) + "/" + folder)) {
                files.texts[folder + path.substr(path.rfind('/'))] = disk.read(path, faults).value_or("");
            }
        }
    }

    std::optional<sim::Topology> topology(const std::string& text) {
        files.texts["t.yaml"] = text;
        diagnostics = {};
        return sim::load_topology("t.yaml", search, diagnostics);
    }

    std::optional<sim::Scenario> scenario(const std::string& text, const std::vector<std::string>& set = {}) {
        files.texts["s.yaml"] = text;
        diagnostics = {};
        return sim::load_scenario("s.yaml", set, search, diagnostics);
    }

    /// One line each, as printed.
    std::vector<std::string> said() const {
        std::vector<std::string> lines;
        for (const sim::Diagnostic& diagnostic : diagnostics.all()) {
            lines.push_back(sim::to_text(diagnostic));
        }
        return lines;
    }

    sim::MemoryFiles files;
    sim::SearchPath search{{"topologies"}, &files};
    sim::Diagnostics diagnostics;
};
