#include "sim/compare_command.h"

#include <iostream>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "sim/checked_scenario.h"
#include "sim/comparison.h"
#include "sim/exit_code.h"
#include "sim/forked.h"
#include "sim/report_json.h"
#include "sim/run_faults.h"
#include "sim/runner.h"
#include "sim/whole_file.h"

namespace sim {

namespace {

struct Options {
    std::vector<std::string> files;
    std::string json;
    Fidelity fidelity = Fidelity::kTransaction;
};

int compare(const Options& options) {
    std::vector<Scenario> scenarios;
    bool good = true;
    for (const std::string& file : options.files) {
        Diagnostics diagnostics;
        auto scenario = load_checked(file, {}, diagnostics);
        diagnostics.print(std::cerr);
        good = good && scenario && !diagnostics.has_errors();
        if (scenario) {
            scenarios.push_back(std::move(*scenario));
        }
    }
    if (!good) {
        return kBadInput;
    }
    std::vector<ForkedJob> jobs; // a process each: a SystemC kernel runs one machine
    for (const Scenario& scenario : scenarios) {
        jobs.emplace_back([&scenario, &options] {
            const RunResult result = run_scenario(scenario, options.fidelity, {});
            for (const std::string& fault : run_faults(result)) {
                std::cerr << fault << "\n";
            }
            return json_report(result);
        });
    }
    std::vector<nlohmann::ordered_json> results;
    for (const ForkedAnswer& answer : run_forked(jobs)) {
        if (answer.interrupted) {
            return kInterrupted;
        }
        if (!answer.error.empty()) {
            std::cerr << fmt::format("{}: error: {}\n", options.files[results.size()], answer.error);
            return kInternal;
        }
        results.push_back(nlohmann::ordered_json::parse(answer.text));
    }
    const Comparison comparison = compare_results(results);
    if (options.json != "-") {
        std::cout << comparison_text(comparison) << std::flush;
    }
    if (!options.json.empty()) {
        if (const std::string why = write_whole_file(options.json, comparison_json(comparison, results));
            !why.empty()) {
            std::cerr << "egmsim: error: " << why << "\n";
            return kBadInput;
        }
    }
    return kDone;
}

} // namespace

void add_compare_command(CLI::App& app, std::function<int()>& chosen) {
    const auto options = std::make_shared<Options>();
    CLI::App* const verb = app.add_subcommand("compare", "Run scenarios and print their results side by side");
    verb->add_option("scenarios", options->files, "Scenario files; what has the same name stands in one line")
        ->required()
        ->expected(2, 8);
    verb->add_option("--json", options->json, "Write the comparison as JSON to FILE, or to standard output for -");
    std::map<std::string, Fidelity> fidelities;
    for (const Fidelity one : {Fidelity::kTransaction, Fidelity::kFluid, Fidelity::kBound}) {
        fidelities[to_string(one)] = one;
    }
    verb->add_option("--fidelity", options->fidelity, "How traffic is worked out, as of run")
        ->transform(CLI::CheckedTransformer(fidelities).description("transaction|fluid|bound"))
        ->option_text("transaction|fluid|bound");
    verb->callback([options, &chosen] { chosen = [options] { return compare(*options); }; });
}

} // namespace sim
