#include "sim/validate/validate_command.h"

#include <chrono>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "sim/fields.h"
#include "sim/shipped_topologies.h"
#include "sim/validate/accuracy_report.h"
#include "sim/validate/plot.h"
#include "sim/validate/recorded.h"
#include "sim/validate/report.h"
#include "sim/whole_file.h"

namespace sim::validate {
namespace {

enum Exit { kDone = 0, kBadInput = 2, kGateShut = 3, kInterrupted = 130 };

struct Options {
    std::string file;
    std::vector<std::string> systems;
    std::vector<std::string> sets;
    std::vector<std::string> only;
    std::string json, csv, plot, show;
    std::string gate, record, report, mechanisms;
    Fidelity fidelity = Fidelity::kTransaction;
    unsigned parallel = 0;
    bool quiet = false;
    bool groups_only = false;
};

bool write(const std::string& path, const std::string& text) {
    if (path.empty()) {
        return true;
    }
    const std::string why = write_whole_file(path, text);
    if (!why.empty()) {
        std::cerr << "egmsim: error: " << why << "\n";
    }
    return why.empty();
}

/// Says how far the rows are, once they take longer than two seconds.
class Progress {
public:
    explicit Progress(bool quiet) : quiet_(quiet), began_(std::chrono::steady_clock::now()) {}

    void operator()(std::size_t done, std::size_t all) {
        const auto now = std::chrono::steady_clock::now();
        if (!quiet_ && now - began_ > std::chrono::seconds(2) && now - said_ > std::chrono::seconds(1)) {
            said_ = now;
            const double wall = std::chrono::duration<double>(now - began_).count();
            std::cerr << fmt::format("egmsim: {} of {} rows, {:.0f} s so far, about {:.0f} s to go\n", done, all, wall,
                                     wall * static_cast<double>(all - done) / static_cast<double>(done));
        }
    }

private:
    bool quiet_;
    std::chrono::steady_clock::time_point began_;
    std::chrono::steady_clock::time_point said_{};
};

/// The lists of systems: the user's before ours.
std::vector<MeasuredSystem> all_systems(const Options& options, const InputFiles& files, Diagnostics& diagnostics) {
    std::vector<std::string> paths = options.systems;
    if (const std::string shipped = validation_file("systems.yaml"); !shipped.empty()) {
        paths.push_back(shipped);
    }
    std::vector<MeasuredSystem> systems;
    for (const std::string& path : paths) {
        auto read = read_systems(path, files, diagnostics);
        systems.insert(systems.end(), std::make_move_iterator(read.begin()), std::make_move_iterator(read.end()));
    }
    return systems;
}

/// Puts the generated sections into a page whose other text is written by hand.
bool write_report(const std::string& path, const std::map<std::string, std::string>& sections) {
    Diagnostics diagnostics;
    const auto page = DiskFiles().read(path, diagnostics);
    diagnostics.print(std::cerr);
    std::string fault;
    const auto text = page ? replace_sections(*page, sections, fault) : std::nullopt;
    if (page && !text) {
        std::cerr << fmt::format("egmsim: error: {}: {}\n", path, fault);
    }
    return text && write(path, *text);
}

int show(const Options& options, std::vector<MeasuredRow>& rows, RowPlanner& planner, Diagnostics& diagnostics) {
    for (MeasuredRow& row : rows) {
        if (row.id() != options.show) {
            continue;
        }
        const RowPlan plan = planner.plan(row, diagnostics);
        diagnostics.print(std::cerr);
        if (plan.groups.empty()) {
            std::cerr << fmt::format("egmsim: row {}: {}\n", row.id(), row.faulty ? row.fault : plan.unsupported);
            return kBadInput;
        }
        std::cout << plan.scenario(row.id(), row.text(kOperation) + ": " + path_of(row));
        return kDone;
    }
    std::cerr << fmt::format("egmsim: error: {} has no row {}\n", options.file, options.show);
    return kBadInput;
}

int validate(const Options& options) {
    const SearchPath search = shipped_topologies();
    Diagnostics diagnostics;
    const auto systems = all_systems(options, search.input(), diagnostics);
    const std::string kernels_file = validation_file("kernels.yaml");
    const Kernels kernels = kernels_file.empty() ? Kernels{} : read_kernels(kernels_file, search.input(), diagnostics);
    const auto text = search.input().read(options.file, diagnostics);
    std::vector<MeasuredRow> rows;
    if (text && !diagnostics.has_errors()) {
        rows = read_measured_rows(*text, options.file, diagnostics);
    }
    RowPlanner planner(systems, kernels, search);
    if (!options.show.empty() && !rows.empty()) {
        return show(options, rows, planner, diagnostics);
    }
    if (!options.only.empty()) {
        std::vector<MeasuredRow> chosen;
        for (MeasuredRow& row : rows) {
            if (std::find(options.only.begin(), options.only.end(), row.id()) != options.only.end()) {
                chosen.push_back(std::move(row));
            }
        }
        rows = std::move(chosen);
    }
    if (rows.empty()) {
        diagnostics.print(std::cerr);
        if (!diagnostics.has_errors()) {
            std::cerr << fmt::format("egmsim: error: {} has no such rows\n", options.file);
        }
        return kBadInput;
    }
    const auto mechanisms = options.mechanisms.empty()
                                ? std::vector<Mechanism>{}
                                : read_mechanisms(options.mechanisms, search.input(), diagnostics);
    const std::string doubtful_file = validation_file("doubtful.yaml");
    const auto doubtful = doubtful_file.empty() ? std::map<std::string, std::string>{}
                                                : read_doubtful(doubtful_file, search.input(), diagnostics);
    std::optional<Recorded> recorded;
    if (!options.gate.empty()) {
        recorded = read_recorded(options.gate, search.input(), diagnostics);
    }
    Progress progress(options.quiet);
    RowRunOptions run_options{options.fidelity, options.parallel, options.sets,
                              [&](std::size_t done, std::size_t all) { progress(done, all); }};
    const std::vector<MeasuredRow> again = rows;
    const RowRun run = run_rows(std::move(rows), planner, search, run_options, diagnostics);
    diagnostics.print(std::cerr);
    if (options.json != "-" && options.csv != "-" && !options.quiet) {
        std::cout << text_report(run, !options.groups_only) << std::flush;
    }
    bool good = !diagnostics.has_errors();
    good = write(options.json, json_report(run, options.file)) && good;
    good = write(options.csv, csv_report(run)) && good;
    good = write(options.plot, plot_svg(run, options.file)) && good;
    if (run.interrupted) {
        return kInterrupted;
    }
    std::vector<MechanismRun> without;
    for (const Mechanism& mechanism : mechanisms) {
        Diagnostics ignored; // told above
        planner.switch_off(&mechanism);
        without.push_back({mechanism, run_rows(again, planner, search, run_options, ignored)});
        const RowRun& one = without.back().run;
        if (one.interrupted) {
            return kInterrupted;
        }
        if (worst_rows(one.rows, 1).empty()) { // not one row was compared
            std::cerr << fmt::format("egmsim: error: mechanism {}: no row runs without it: {}\n",
                                     in_quotes(mechanism.name), one.rows.front().reason);
            good = false;
        }
    }
    if (!mechanisms.empty() && !options.quiet) {
        std::cout << "\n" << accuracy_sections(run, doubtful, without).at("mechanisms") << std::flush;
    }
    good = (options.record.empty() || write(options.record, to_yaml(record(run, doubtful), options.file))) && good;
    good = (options.report.empty() || write_report(options.report, accuracy_sections(run, doubtful, without))) && good;
    bool shut = false;
    if (recorded) {
        for (const std::string& worse : check_gate(run, *recorded, doubtful)) {
            std::cerr << "egmsim: " << worse << "\n";
            shut = true;
        }
    }
    return !good ? kBadInput : shut ? kGateShut : kDone;
}

} // namespace

void add_validate_command(CLI::App& app, int& code) {
    const auto options = std::make_shared<Options>();
    CLI::App* const verb = app.add_subcommand("validate", "Compare predictions with a file of measurements");
    verb->add_option("file", options->file, "CSV file with the columns of validation/calibration.csv")->required();
    verb->add_option("--json", options->json, "Write the comparison as JSON to FILE, or to standard output for -");
    verb->add_option("--csv", options->csv, "Write a line for each row as CSV to FILE, or to standard output for -");
    verb->add_option("--plot", options->plot, "Draw predicted against measured as SVG to FILE");
    verb->add_option("--gate", options->gate,
                     "End with code 3 if a mean error is 0.3 percentage points above what this file recorded");
    verb->add_option("--record", options->record, "Record mean errors and error bands in FILE");
    verb->add_option("--report", options->report, "Renew the generated tables of this page, such as docs/accuracy.md");
    verb->add_option("--mechanisms", options->mechanisms,
                     "Run the file again without each mechanism that this list names, and compare");
    verb->add_option("--show", options->show, "Print the scenario that stands for the row with this id, and end");
    verb->add_option("--only", options->only, "Run the rows with these ids only")->delimiter(',');
    verb->add_option("--systems", options->systems, "A list of systems of your own, before validation/systems.yaml");
    verb->add_option("--set", options->sets,
                     "PATH=VALUE over what every row's scenario says, such as "
                     "machine.c2c0.latency='300 ns'")
        ->take_all()
        ->expected(1);
    std::map<std::string, Fidelity> fidelities;
    for (const Fidelity one : {Fidelity::kTransaction, Fidelity::kFluid, Fidelity::kBound}) {
        fidelities[to_string(one)] = one;
    }
    verb->add_option("--fidelity", options->fidelity, "How traffic is worked out")
        ->transform(CLI::CheckedTransformer(fidelities).description("transaction|fluid|bound"))
        ->option_text("transaction|fluid|bound");
    verb->add_option("--jobs", options->parallel, "Processes at a time; default: as many as cores");
    verb->add_flag("--groups", options->groups_only, "Groups and the whole only, not every row");
    verb->add_flag("--quiet", options->quiet, "No tables and no progress");
    verb->callback([options, &code] { code = validate(*options); });
}

} // namespace sim::validate
