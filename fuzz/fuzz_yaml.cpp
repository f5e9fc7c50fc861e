// The loaders read whatever a person hands them. No text may crash them, trip an assertion, or take them long.
//
// The first byte of an input chooses what the rest is: 't' a topology, 'p' a preset file, 's' a scenario, 'o' override
// arguments for the quick-start scenario, one a line; any other byte counts by its value. The shipped files are read
// once, before the first input; then nothing touches the file system.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "sim/input_files.h"
#include "sim/scenario_loader.h"
#include "sim/topology_loader.h"

namespace {

/// The shipped files, by path from the repository's root.
const sim::MemoryFiles& shipped() {
    static const sim::MemoryFiles files = [] {
        sim::MemoryFiles read;
        const sim::DiskFiles disk;
        sim::Diagnostics faults;
        for (const std::string folder : {"topologies", "topologies/presets", "scenarios"}) {
            for (const std::string& path : disk.list(std::string(EGMSIM_SOURCE_DIR) + "/" + folder)) {
                read.texts[folder + path.substr(path.rfind('/'))] = disk.read(path, faults).value_or("");
            }
        }
        if (faults.has_errors() || read.texts.empty()) {
            std::cerr << "the shipped files cannot be read from " << EGMSIM_SOURCE_DIR << '\n';
            std::abort();
        }
        return read;
    }();
    return files;
}

std::vector<std::string> lines(const std::string& text) {
    std::vector<std::string> all;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
        all.push_back(line);
    }
    return all;
}

char choice(std::uint8_t byte) {
    constexpr char kAll[] = {'t', 'p', 's', 'o'};
    for (const char each : kAll) {
        if (byte == static_cast<std::uint8_t>(each)) {
            return each;
        }
    }
    return kAll[byte % 4];
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
    sim::MemoryFiles files = shipped();
    const sim::SearchPath search{{"topologies"}, &files};
    sim::Diagnostics diagnostics;
    bool loaded = false;
    switch (choice(data[0])) {
    case 't':
        files.texts["topologies/fuzz.yaml"] = text;
        loaded = sim::load_topology("fuzz", search, diagnostics).has_value();
        break;
    case 'p':
        files.texts["topologies/presets/fuzz.yaml"] = text;
        loaded = sim::load_topology("gh200", search, diagnostics).has_value();
        break;
    case 's':
        files.texts["scenarios/fuzz.yaml"] = text;
        loaded = sim::load_scenario("scenarios/fuzz.yaml", {}, search, diagnostics).has_value();
        break;
    default:
        loaded = sim::load_scenario("scenarios/quickstart.yaml", lines(text), search, diagnostics).has_value();
    }
    if (loaded == diagnostics.has_errors()) {
        std::cerr << "a result and an error, or neither\n";
        std::abort();
    }
    std::ostringstream printed;
    diagnostics.print(printed);
    return 0;
}
