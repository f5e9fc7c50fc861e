#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <systemc>

#include "sim/checked_scenario.h"
#include "sim/compare_command.h"
#include "sim/exit_code.h"
#include "sim/calibrate/calibrate_command.h"
#include "sim/fabric_cuts.h"
#include "sim/nvbandwidth_report.h"
#include "sim/reach_check.h"
#include "sim/report_json.h"
#include "sim/report_text.h"
#include "sim/run_faults.h"
#include "sim/runner.h"
#include "sim/sensitivity/command.h"
#include "sim/sharing_loader.h"
#include "sim/shipped_topologies.h"
#include "sim/show.h"
#include "sim/sweep.h"
#include "sim/sweep_command.h"
#include "sim/topology_loader.h"
#include "sim/validate/validate_command.h"
#include "sim/whole_file.h"

namespace {

using sim::kBadInput, sim::kDone, sim::kImpossible, sim::kInternal, sim::kInterrupted;

struct Options {
    std::vector<std::string> files;
    std::vector<std::string> sets;
    std::string json;
    std::string nvbandwidth_json;
    std::optional<std::uint64_t> seed;
    sim::Fidelity fidelity = sim::Fidelity::kTransaction;
    bool progress = false;
    bool quiet = false;
    bool dot = false;
    bool sensitivity = false;
};

volatile std::sig_atomic_t interrupted = 0;

extern "C" void on_interrupt(int signal) {
    if (interrupted != 0) { // the second time: at once
        std::signal(signal, SIG_DFL);
        std::raise(signal);
    }
    interrupted = 1;
}

/// Says on standard error what is going on, once a run takes longer than two seconds; at once with `always`.
class ProgressLine {
public:
    ProgressLine(bool always, bool never, std::size_t phases)
        : always_(always), never_(never), phases_(phases), began_(std::chrono::steady_clock::now()) {}

    void phase(const std::string& what) {
        ++phase_;
        what_ = what;
        if (always_) {
            print();
        }
    }
    void tick() {
        const auto now = std::chrono::steady_clock::now();
        if (!never_ && now - began_ > std::chrono::seconds(2) && now - printed_ > std::chrono::seconds(1)) {
            printed_ = now;
            print();
        }
    }

private:
    void print() const {
        const double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
        const double done = phase_ > 1 ? static_cast<double>(phase_ - 1) / static_cast<double>(phases_) : 0;
        std::cerr << fmt::format("egmsim: {} ({} of {}), simulated {}, {:.1f} s so far{}\n", what_, phase_, phases_,
                                 sim::in_time(static_cast<double>(sc_core::sc_time_stamp().value())), wall,
                                 done > 0 ? fmt::format(", about {:.0f} s to go", wall / done - wall) : "");
    }

    bool always_, never_;
    std::size_t phases_;
    std::size_t phase_ = 0;
    std::string what_;
    std::chrono::steady_clock::time_point began_;
    std::chrono::steady_clock::time_point printed_{};
};

std::optional<sim::Scenario> load(const std::string& file, const Options& options, sim::Diagnostics& diagnostics) {
    auto scenario = sim::load_checked(file, options.sets, diagnostics);
    if (scenario) {
        sim::check_fluid_sharing(*scenario, options.fidelity, diagnostics);
        if (options.seed) {
            scenario->seed = *options.seed;
        }
    }
    diagnostics.print(std::cerr);
    return diagnostics.has_errors() ? std::nullopt : scenario;
}

int run(const Options& options) {
    if (!options.json.empty() && options.json == options.nvbandwidth_json) {
        std::cerr << fmt::format("egmsim: error: --json and --nvbandwidth-json would both write to {}\n",
                                 options.json == "-" ? "standard output" : options.json);
        return kBadInput;
    }
    sim::Diagnostics diagnostics;
    const auto scenario = load(options.files.at(0), options, diagnostics);
    if (!scenario) {
        return kBadInput;
    }
    if (options.sensitivity) {
        return sim::sensitivity_command(*scenario, {options.files.at(0), options.sets, options.seed, options.fidelity},
                                        {options.json, options.progress, options.quiet});
    }
    const bool both = !scenario->software.vms.empty() && scenario->software.compare_native;
    const std::size_t phases = scenario->groups.size() * (both ? 2 : 1) + !scenario->software.vms.empty();
    ProgressLine line(options.progress, options.quiet, phases);
    std::signal(SIGINT, on_interrupt);
    std::signal(SIGTERM, on_interrupt);
    const sim::RunListener listener{[&](const std::string& what) { line.phase(what); },
                                    [&] {
                                        line.tick();
                                        return interrupted == 0;
                                    }};
    const sim::RunResult result = sim::run_scenario(*scenario, options.fidelity, listener);
    int code = kDone;
    if (options.json != "-") {
        if (!(options.quiet && !options.json.empty())) {
            std::cout << sim::text_report(result) << std::flush;
        }
    }
    for (const std::string& line : sim::run_faults(result)) {
        std::cerr << line << "\n";
        code = kImpossible;
    }
    if (result.interrupted) {
        code = kInterrupted;
    }
    if (!options.json.empty()) {
        if (const std::string why = sim::write_whole_file(options.json, sim::json_report(result)); !why.empty()) {
            if (options.quiet || options.json == "-") { // then nobody has seen the result yet
                std::cout << sim::text_report(result) << std::flush;
            }
            std::cerr << "egmsim: error: " << why << "\n";
            code = code == kDone ? kBadInput : code;
        }
    }
    if (!options.nvbandwidth_json.empty()) {
        if (sim::nvbandwidth_json(result).empty()) {
            std::cerr << "egmsim: warning: the scenario has no nvbandwidth entry; the list of test cases is empty\n";
        }
        if (const std::string why = sim::write_whole_file(options.nvbandwidth_json, sim::nvbandwidth_tool_json(result));
            !why.empty()) {
            std::cerr << "egmsim: error: " << why << "\n";
            code = code == kDone ? kBadInput : code;
        }
    }
    return code;
}

int check(const Options& options) {
    int code = kDone;
    for (const std::string& file : options.files) {
        sim::Diagnostics diagnostics;
        bool good = false;
        // A topology can be checked by itself: by name, or as a file in a folder of that name.
        const bool is_topology = file.find('/') == std::string::npos ? !file.ends_with(".yaml")
                                                                     : file.find("topologies/") != std::string::npos;
        if (is_topology) {
            const auto topology = sim::load_topology(file, sim::shipped_topologies(), diagnostics);
            const std::string verdict = topology ? sim::judge_machine(*topology, diagnostics) : "";
            good = topology && !diagnostics.has_errors();
            diagnostics.print(std::cerr);
            if (good && !options.quiet) {
                std::cout << file << ": good\n" << verdict;
            }
            code = good ? code : static_cast<int>(kBadInput);
            continue;
        } else {
            const auto scenario = load(file, options, diagnostics);
            sim::Diagnostics values;
            good = scenario && sim::check_own_sweep(*scenario, options.sets, values);
            values.print(std::cerr);
        }
        if (good && !options.quiet) {
            std::cout << file << ": good\n";
        }
        code = good ? code : static_cast<int>(kBadInput);
    }
    return code;
}

int show(const Options& options) {
    sim::Diagnostics diagnostics;
    const auto topology = sim::load_topology(options.files.at(0), sim::shipped_topologies(), diagnostics);
    if (topology) {
        sim::report_cuts(*topology, diagnostics);
    }
    diagnostics.print(std::cerr);
    if (!topology) {
        return kBadInput;
    }
    if (!options.json.empty()) {
        if (const std::string why = sim::write_whole_file(options.json, sim::show_json(*topology)); !why.empty()) {
            std::cerr << "egmsim: error: " << why << "\n";
            return kBadInput;
        }
        return kDone;
    }
    std::cout << (options.dot ? sim::show_dot(*topology) : sim::show_text(*topology));
    return kDone;
}

/// Standard output may be a full disk or a closed pipe: what was lost is said.
int with_output_checked(int code) {
    std::cout.flush();
    if (!std::cout) {
        std::cerr << "egmsim: error: standard output could not be written\n";
        return code == kDone ? static_cast<int>(kBadInput) : code;
    }
    return code;
}

} // namespace

int sc_main(int argc, char* argv[]) {
    sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);
    CLI::App app{"egmsim predicts the throughput of machines with NVIDIA Extended GPU Memory, bare metal and in VMs."};
    app.require_subcommand(1);
    app.set_version_flag("--version", "egmsim " EGMSIM_VERSION);
    app.footer("Examples:\n"
               "  egmsim run scenarios/quickstart.yaml\n"
               "  egmsim run scenarios/quickstart.yaml --json result.json --set software.host_page_size='4 KiB'\n"
               "  egmsim check scenarios/*.yaml\n"
               "  egmsim show gh200-quad --dot | dot -Tsvg > gh200-quad.svg\n\n"
               "Exit codes: 0 done, 1 internal error, 2 bad input, 3 impossible bring-up or faulty access, 130 interrupted.");
    Options options;

    CLI::App* const run_verb = app.add_subcommand("run", "Run a scenario and print its prediction");
    run_verb->add_option("scenario", options.files, "Scenario file")->required()->expected(1);
    run_verb->add_option("--json", options.json, "Write the result as JSON to FILE, or to standard output for -");
    run_verb->add_option("--nvbandwidth-json", options.nvbandwidth_json,
                         "Write the scenario's nvbandwidth test cases to FILE as that tool's -j does");
    run_verb->add_option("--seed", options.seed, "Seed of random accesses, over the scenario's");
    run_verb
        ->add_option("--set", options.sets,
                     "PATH=VALUE over what the scenario says, such as traffic.0.streams.0.blocks=64")
        ->take_all()
        ->expected(1);
    using sim::Fidelity;
    std::map<std::string, Fidelity> fidelities;
    for (const Fidelity one : {Fidelity::kTransaction, Fidelity::kFluid, Fidelity::kBound, Fidelity::kAll}) {
        fidelities[to_string(one)] = one;
    }
    run_verb
        ->add_option("--fidelity", options.fidelity,
                     "How traffic is worked out: transaction (every burst), fluid (max-min fair rates, at once), bound "
                     "(what no run may exceed), or all, compared")
        ->transform(CLI::CheckedTransformer(fidelities).description("transaction|fluid|bound|all"))
        ->option_text("transaction|fluid|bound|all");
    run_verb->add_flag("--sensitivity", options.sensitivity,
                       "Run it at both ends of each assumed figure's range, and say how far each result moves");
    run_verb->add_flag("--progress", options.progress, "Say what is going on from the start");
    run_verb->add_flag("--quiet", options.quiet, "No progress; with --json FILE no tables either");

    CLI::App* const check_verb = app.add_subcommand("check", "Check scenarios and topologies without running them");
    check_verb->add_option("files", options.files, "Scenario files, topology files or names of machines")->required();
    check_verb->add_option("--set", options.sets, "PATH=VALUE over what the scenarios say")->take_all()->expected(1);
    check_verb->add_flag("--quiet", options.quiet, "Say nothing about good files");

    CLI::App* const show_verb = app.add_subcommand("show", "Describe a machine");
    show_verb->add_option("machine", options.files, "Name of a machine, or a topology file")->required()->expected(1);
    show_verb->add_flag("--dot", options.dot, "As a Graphviz graph");
    show_verb->add_option("--json", options.json, "As JSON to FILE, or to standard output for -");

    std::function<int()> verb; // of those that have a file of their own
    sim::add_compare_command(app, verb);
    sim::add_sweep_command(app, verb);
    int code = kDone; // of the verbs that have a file of their own
    sim::validate::add_validate_command(app, code);
    sim::calibrate::add_calibrate_command(app, code);

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? kDone : kBadInput;
    }
    return with_output_checked(verb                   ? verb()
                               : run_verb->parsed()   ? run(options)
                               : check_verb->parsed() ? check(options)
                               : show_verb->parsed()  ? show(options)
                                                      : code);
}

int main(int argc, char* argv[]) {
    ::setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 1);
    try {
        return sc_core::sc_elab_and_sim(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << "egmsim: internal error: " << error.what() << "\n";
        return kInternal;
    }
}
