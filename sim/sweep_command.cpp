#include "sim/sweep_command.h"

#include <chrono>
#include <iostream>
#include <map>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "sim/checked_scenario.h"
#include "sim/exit_code.h"
#include "sim/sqlite_store.h"
#include "sim/sweep.h"
#include "sim/sweep_loader.h"
#include "sim/sweep_report.h"
#include "sim/whole_file.h"

namespace sim {
namespace {

struct Options {
    SweepRequest request;
    std::vector<std::string> over, show;
    std::string knee, json, csv, sqlite;
    bool no_plot = false, progress = false, quiet = false;
};

/// The scenario's own sweep, with what the command line says instead.
bool make_plan(Options& options, Diagnostics& diagnostics) {
    SweepPlan& plan = options.request.plan;
    const auto scenario = load_checked(options.request.file, options.request.sets, diagnostics);
    if (scenario && scenario->sweep) {
        plan = *scenario->sweep;
    }
    if (!options.over.empty()) {
        plan.axes.clear();
        for (const std::string& axis : options.over) {
            plan.axes.push_back(read_axis(axis, diagnostics));
        }
    }
    if (!options.show.empty()) {
        plan.show.clear();
        for (const std::string& figure : options.show) {
            plan.show.push_back({figure, {"--show " + figure, 0, 0}});
        }
    }
    if (!options.knee.empty()) {
        plan.knee = read_knee(options.knee, {"--knee " + options.knee, 0, 0}, diagnostics);
    }
    if (scenario && plan.axes.empty()) {
        diagnostics.error({options.request.file, 0, 0}, "nothing to sweep over",
                          "write --over 'PATH=VALUE,VALUE', or a sweep into the scenario");
    }
    check_axes(plan, {options.request.file, 0, 0}, diagnostics);
    if (!diagnostics.has_errors()) {
        check_sweep(options.request, diagnostics);
    }
    return !diagnostics.has_errors();
}

/// Says how far it is, from two seconds on.
class Progress {
public:
    explicit Progress(const Options& options) : options_(options), began_(std::chrono::steady_clock::now()) {}

    void operator()(std::size_t done, std::size_t of) {
        const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
        if (!options_.quiet && (options_.progress || wall > said_ + 2)) {
            said_ = wall;
            std::cerr << fmt::format("egmsim: {} of {} points, {:.1f} s so far, about {:.0f} s to go\n", done, of, wall,
                                     wall / static_cast<double>(done) * static_cast<double>(of - done));
        }
    }

private:
    const Options& options_;
    std::chrono::steady_clock::time_point began_;
    double said_ = 0;
};

/// Writes the files that were asked for; false: one could not be written, and it was said.
bool write_files(const Options& options, const SweepResult& result) {
    std::vector<std::string> faults;
    if (!options.json.empty()) {
        faults.push_back(write_whole_file(options.json, sweep_json(result)));
    }
    if (!options.csv.empty()) {
        faults.push_back(write_whole_file(options.csv, sweep_csv(result)));
    }
    if (!options.sqlite.empty()) {
        faults.push_back(store_sweep(options.sqlite, result));
    }
    bool good = true;
    for (const std::string& fault : faults) {
        if (!fault.empty()) {
            std::cerr << "egmsim: error: " << fault << "\n";
            good = false;
        }
    }
    return good;
}

int exit_code(const SweepResult& result) {
    int code = kDone;
    for (const SweepPoint& point : result.points) {
        if (!point.failed.empty() && !point.interrupted) {
            code = point.impossible && code != kInternal ? kImpossible : kInternal;
        }
    }
    return result.interrupted ? static_cast<int>(kInterrupted) : code;
}

int sweep(Options& options) {
    Diagnostics diagnostics;
    options.request.all_figures = !options.sqlite.empty();
    if (!make_plan(options, diagnostics)) {
        diagnostics.print(std::cerr);
        return kBadInput;
    }
    const auto result = run_sweep(options.request, diagnostics, Progress(options));
    diagnostics.print(std::cerr);
    if (!result) {
        return kBadInput;
    }
    const bool to_stdout = options.json == "-" || options.csv == "-";
    const bool to_files = !options.json.empty() || !options.csv.empty() || !options.sqlite.empty();
    const bool wrote = write_files(options, *result);
    if ((!to_stdout && !(options.quiet && to_files)) || !wrote) {
        std::cout << sweep_text(*result, !options.no_plot) << std::flush;
    }
    const int code = exit_code(*result);
    return wrote || code != kDone ? code : static_cast<int>(kBadInput);
}

} // namespace

void add_sweep_command(CLI::App& app, std::function<int()>& chosen) {
    auto options = std::make_shared<Options>();
    CLI::App* const verb = app.add_subcommand("sweep", "Run a scenario at many values and compare");
    verb->add_option("scenario", options->request.file, "Scenario file")->required();
    const auto many = [&](const char* name, std::vector<std::string>& into, const char* says) {
        verb->add_option(name, into, says)->take_all()->expected(1);
    };
    many("--over", options->over,
         "PATH=VALUES instead of the scenario's own axes: '10 GB/s,20 GB/s', '10..100 step 10 GB/s', '1..64 times 2'");
    many("--show", options->show, "A figure, such as 'GPU reads/p99' or 'group/total'; may be given many times");
    many("--set", options->request.sets, "PATH=VALUE over what the scenario says, at every point");
    verb->add_option("--knee", options->knee, "'FIGURE against FIGURE', or one: where the one costs more of the other");
    verb->add_option("--json", options->json, "Write the result as JSON to FILE, or to standard output for -");
    verb->add_option("--csv", options->csv, "Write the points as CSV to FILE, or to standard output for -");
    verb->add_option("--sqlite", options->sqlite, "Add the run, with every figure of every point, to a database");
    verb->add_option("--seed", options->request.seed, "Seed of random accesses, over the scenario's");
    std::map<std::string, Fidelity> fidelities;
    for (const Fidelity one : {Fidelity::kTransaction, Fidelity::kFluid, Fidelity::kBound, Fidelity::kAll}) {
        fidelities[to_string(one)] = one;
    }
    verb->add_option("--fidelity", options->request.fidelity, "How traffic is worked out, as for run")
        ->transform(CLI::CheckedTransformer(fidelities).description("transaction|fluid|bound|all"))
        ->option_text("transaction|fluid|bound|all");
    verb->add_option("--jobs", options->request.parallel, "Points at a time; one a core unless said")
        ->check(CLI::Range(1, 1024));
    verb->add_flag("--no-plot", options->no_plot, "Only the table and the knees");
    verb->add_flag("--progress", options->progress, "Say what is going on from the start");
    verb->add_flag("--quiet", options->quiet, "No progress; with a file no table either");
    verb->callback([options, &chosen] { chosen = [options] { return sweep(*options); }; });
}

} // namespace sim
