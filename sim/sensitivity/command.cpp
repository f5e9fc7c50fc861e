#include "sim/sensitivity/command.h"

#include <chrono>
#include <filesystem>
#include <iostream>

#include <fmt/format.h>

#include "sim/sensitivity/report.h"
#include "sim/shipped_topologies.h"
#include "sim/whole_file.h"

namespace sim {
namespace {

constexpr int kBadInput = 2, kImpossible = 3, kInterrupted = 130;

/// Where the presets and ranges of this scenario's machine are: as the scenario's loader looks for them.
std::vector<std::string> directories_of(const Scenario& scenario, const SearchPath& search) {
    namespace fs = std::filesystem;
    std::vector<std::string> directories{
        fs::path(scenario.topology.file).parent_path().string(),
        (fs::path(scenario.file).parent_path() / ".." / "topologies").lexically_normal().string()};
    directories.insert(directories.end(), search.topology_directories.begin(), search.topology_directories.end());
    return directories;
}

class Progress {
public:
    explicit Progress(const SensitivityOutput& output)
        : always_(output.progress), never_(output.quiet), began_(Clock::now()) {}

    void operator()(std::size_t done, std::size_t of) {
        const auto now = Clock::now();
        const auto since = [&](Clock::time_point then) { return std::chrono::duration<double>(now - then).count(); };
        if (done > 0 && (always_ || (!never_ && since(began_) > 2 && since(printed_) > 1))) {
            printed_ = now;
            std::cerr << fmt::format("egmsim: sensitivity: {} of {} runs, {:.1f} s so far, about {:.0f} s to go\n",
                                     done, of, since(began_),
                                     since(began_) / static_cast<double>(done) * static_cast<double>(of - done));
        }
    }

private:
    using Clock = std::chrono::steady_clock;
    bool always_, never_;
    Clock::time_point began_;
    Clock::time_point printed_{};
};

} // namespace

int sensitivity_command(const Scenario& scenario, const VariedRun& run, const SensitivityOutput& output) {
    const SearchPath search = shipped_topologies();
    const std::vector<std::string> directories = directories_of(scenario, search);
    Diagnostics diagnostics;
    const Presets presets = load_presets(directories, search.input(), diagnostics);
    const auto ranges =
        with_inherited_ranges(load_assumed_ranges(directories, presets, search.input(), diagnostics), presets);
    diagnostics.print(std::cerr);
    if (diagnostics.has_errors()) {
        return kBadInput;
    }
    Progress progress(output);
    const SensitivityResult result = vary(run, plan_variations(scenario, ranges), search,
                                          [&](std::size_t done, std::size_t of) { progress(done, of); });
    if (!result.nominal_failure.empty()) {
        std::cerr << fmt::format("{}: error: {}\n", scenario.file, result.nominal_failure);
        return result.interrupted ? kInterrupted : kImpossible;
    }
    const bool tables = output.json != "-" && !(output.quiet && !output.json.empty());
    if (tables) {
        std::cout << sensitivity_text(scenario, run.fidelity, result) << std::flush;
    }
    if (!output.json.empty()) {
        const std::string why = write_whole_file(output.json, sensitivity_json(scenario, run.fidelity, result));
        if (!why.empty()) {
            if (!tables) { // then nobody has seen the result yet
                std::cout << sensitivity_text(scenario, run.fidelity, result) << std::flush;
            }
            std::cerr << "egmsim: error: " << why << "\n";
            return kBadInput;
        }
    }
    return result.interrupted ? kInterrupted : 0;
}

} // namespace sim
