#include "sim/calibrate/calibrate_command.h"

#include <chrono>
#include <filesystem>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "sim/calibrate/report.h"
#include "sim/fields.h"
#include "sim/shipped_topologies.h"
#include "sim/topology_entries.h"
#include "sim/topology_loader.h"
#include "sim/units.h"
#include "sim/validate/systems.h"
#include "sim/whole_file.h"

namespace sim::calibrate {
namespace {

enum Exit { kDone = 0, kBadInput = 2, kInterrupted = 130 };

struct Options {
    std::string file, machine, out, json;
    std::vector<std::string> systems, parameters;
    std::string noise = "2 %";
    unsigned parallel = 0;
    bool quiet = false;
};

class Progress {
public:
    explicit Progress(bool quiet) : quiet_(quiet), began_(Clock::now()) {}

    void operator()(const std::string& stage, std::size_t done, std::size_t of) {
        const auto now = Clock::now();
        const auto since = [&](Clock::time_point then) { return std::chrono::duration<double>(now - then).count(); };
        if (!quiet_ && since(began_) > 2 && since(said_) > 1) {
            said_ = now;
            std::cerr << fmt::format("egmsim: calibrate: {}: {} of {} runs, {:.0f} s so far\n", stage, done, of,
                                     since(began_));
        }
    }

private:
    using Clock = std::chrono::steady_clock;
    bool quiet_;
    Clock::time_point began_;
    Clock::time_point said_{};
};

/// The user's own list, or the shipped one.
std::vector<Parameter> parameters_for(const Options& options, const Topology& topology, const InputFiles& files,
                                      Diagnostics& diagnostics) {
    std::string path = validate::validation_file("parameters.yaml");
    std::vector<std::string> choices;
    for (const std::string& word : options.parameters) {
        if (word.ends_with(".yaml")) {
            path = word;
        } else {
            choices.push_back(word);
        }
    }
    if (path.empty()) {
        diagnostics.error({"--parameters", 0, 0}, "the shipped list validation/parameters.yaml is not there",
                          "name a file of your own");
        return {};
    }
    const auto kinds = read_parameter_kinds(path, files, diagnostics);
    return choose(parameters_of(topology, kinds), choices, diagnostics);
}

std::unique_ptr<Measurements> read_measurements(const MeasurementSource& source, const SearchPath& search,
                                                Diagnostics& diagnostics) {
    const std::string ending = std::filesystem::path(source.file).extension().string();
    if (ending != ".csv" && ending != ".json") {
        diagnostics.error({source.file, 0, 0}, "is neither CSV nor JSON by its name",
                          "rows as in validation/calibration.csv, or the output of \"nvbandwidth -j\" as a .json file");
        return nullptr;
    }
    return ending == ".json" ? read_nvbandwidth_measurements(source, search, diagnostics)
                             : read_csv_measurements(source, search, diagnostics);
}

/// The machine's file. False if it could not be written.
bool write_machine(const Options& options, const Topology& topology, const Measurements& measurements,
                   const Calibration& result, const InputFiles& files) {
    const std::string name = std::filesystem::path(options.out).stem().string();
    Diagnostics diagnostics;
    const std::string text = machine_file(topology, name, fmt::format("{}, fitted to {}", topology.name, options.file),
                                          head_of(options.machine, options.file, measurements, result),
                                          replaced_figures(measurements, result), files, diagnostics);
    diagnostics.print(std::cerr);
    if (text.empty()) {
        return false;
    }
    const std::string why = write_whole_file(options.out, text);
    if (!why.empty()) {
        std::cerr << "egmsim: error: " << why << "\n";
    }
    return why.empty();
}

int run(const Options& options) {
    const SearchPath search = shipped_topologies();
    const InputFiles& files = search.input();
    Diagnostics diagnostics;
    const auto topology = load_topology(options.machine, search, diagnostics);
    const auto noise = parse_share(options.noise);
    if (!noise || *noise < 0.001 || *noise > 0.5) {
        diagnostics.error({"--noise", 0, 0}, in_quotes(options.noise) + " is no noise",
                          "0.1 % to 50 %, such as \"2 %\"");
    }
    const std::string name = std::filesystem::path(options.out).stem().string();
    if (!options.out.empty() && (!options.out.ends_with(".yaml") || !is_name(name))) {
        diagnostics.error({"--out", 0, 0}, in_quotes(options.out) + " is no name of a machine file",
                          "letters, digits, \"-\" and \"_\", and \".yaml\": my-gh200.yaml");
    }
    const MeasurementSource source{options.file, options.machine, options.systems, topology ? &*topology : nullptr};
    auto parameters = topology ? parameters_for(options, *topology, files, diagnostics) : std::vector<Parameter>{};
    const auto measurements = topology ? read_measurements(source, search, diagnostics) : nullptr;
    if (measurements && measurements->all().empty()) {
        diagnostics.error({options.file, 0, 0}, "has no rows");
    }
    diagnostics.print(std::cerr);
    if (diagnostics.has_errors() || !measurements) {
        return kBadInput;
    }
    Progress progress(options.quiet);
    const Calibration result =
        calibrate(*measurements, std::move(parameters),
                  {*noise, options.parallel,
                   [&](const std::string& stage, std::size_t done, std::size_t of) { progress(stage, done, of); }});
    if (result.fit.interrupted) {
        std::cerr << "egmsim: interrupted: nothing was written\n";
        return kInterrupted;
    }
    if (result.used.empty()) {
        for (std::size_t i = 0; i < result.unusable.size(); ++i) {
            std::cerr << fmt::format("{}: error: {}: {}\n", options.file, measurements->all()[i].id,
                                     result.unusable[i]);
        }
        std::cerr << fmt::format("{}: error: {} can express none of its {} rows\n", options.file, options.machine,
                                 result.unusable.size());
        return kBadInput;
    }
    if (options.json != "-" && !options.quiet) {
        std::cout << calibration_text(fmt::format("{} fitted to {}: {} rows of {}, noise {}", options.machine,
                                                  options.file, result.used.size(), measurements->all().size(),
                                                  options.noise),
                                      *measurements, result)
                  << std::flush;
    }
    bool good = options.out.empty() || write_machine(options, *topology, *measurements, result, files);
    if (!options.json.empty()) {
        const std::string why = write_whole_file(
            options.json, calibration_json(options.machine, options.file, *noise, *measurements, result));
        if (!why.empty()) {
            std::cerr << "egmsim: error: " << why << "\n";
            good = false;
        }
    }
    return good ? kDone : kBadInput;
}

} // namespace

void add_calibrate_command(CLI::App& app, int& code) {
    const auto options = std::make_shared<Options>();
    CLI::App* const verb = app.add_subcommand("calibrate", "Fit a machine's figures to measurements of your own");
    verb->add_option("file", options->file,
                     "Rows as in validation/calibration.csv (.csv), or what nvbandwidth -j writes (.json)")
        ->required();
    verb->add_option("--machine", options->machine, "Name of the machine to begin with, or a topology file")
        ->required();
    verb->add_option("--out", options->out, "Write the fitted machine to FILE, a topology: my-gh200.yaml");
    verb->add_option("--parameters", options->parameters,
                     "What may be fitted: a list as validation/parameters.yaml, or names and figures of it")
        ->delimiter(',');
    verb->add_option("--system", options->systems, "Of a CSV file the rows of this system only")
        ->take_all()
        ->expected(1);
    verb->add_option("--noise", options->noise, "Of a measurement, one standard deviation; 2 % if not said");
    verb->add_option("--json", options->json, "Write the result as JSON to FILE, or to standard output for -");
    verb->add_option("--jobs", options->parallel, "Processes at a time; default: as many as cores");
    verb->add_flag("--quiet", options->quiet, "No tables and no progress");
    verb->callback([options, &code] { code = run(*options); });
}

} // namespace sim::calibrate
