// contract_compare: the modelled kernel beside real ones, entry by entry.

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "tests/contract/sim/compare.h"

namespace {

constexpr const char* kExamples = R"(Examples:
  contract_compare                                  every recorded kernel: how many entries agree, and which do not
  contract_compare --all                            every entry
  contract_compare build/contract/6.1-amd64/answers.tsv
  contract_compare --modelled x86 612               what the modelled kernel answers

Exit status: 0 all entries agree or are listed with a reason; 1 some do not.)";

std::string file_text(const std::string& path) {
    std::ifstream file(path);
    if (!file)
        throw std::runtime_error(path + ": cannot be read");
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

contract::Answers read_answers(const std::string& path) {
    std::string fault;
    auto answers = contract::parse_answers(file_text(path), fault);
    if (!answers)
        throw std::runtime_error(path + ": " + fault);
    return *answers;
}

std::vector<std::string> recorded(const std::string& folder) {
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        if (entry.path().extension() == ".tsv" && entry.path().stem() != "differences")
            paths.push_back(entry.path().string());
    std::sort(paths.begin(), paths.end());
    return paths;
}

const char* word(contract::Comparison::Verdict verdict) {
    constexpr std::array kWords{"same", "listed", "DIFFERS", "modelled only", "real only", "neither"};
    return kWords[verdict];
}

/// Prints one kernel's part of the table. Answers how many entries are wrong.
int print(const contract::Answers& real, const std::vector<contract::Difference>& differences, bool all) {
    std::array<int, 6> counts{};
    int wrong = 0;
    std::string lines;
    for (const contract::Comparison& entry : contract::compare(real, differences)) {
        ++counts[entry.verdict];
        const bool unexpected = !entry.real.empty() && entry.real != entry.expected;
        wrong += entry.verdict == contract::Comparison::kDiffers || unexpected;
        if (all || entry.verdict == contract::Comparison::kDiffers || entry.verdict == contract::Comparison::kListed ||
            unexpected) {
            lines += fmt::format("    {:<14} {:<50} modelled: {:<24} real: {}\n", word(entry.verdict), entry.id,
                                 entry.modelled, entry.real);
            if (!entry.reason.empty())
                lines += fmt::format("    {:<14}     {}\n", "", entry.reason);
            if (unexpected)
                lines += fmt::format("    {:<14}     the case expects {}\n", "", entry.expected);
        }
    }
    using C = contract::Comparison;
    fmt::print("{:<16} {:<20} {:>5} {:>5} {:>7} {:>8} {:>14} {:>10}\n", real.kernel, real.release,
               counts[C::kSame] + counts[C::kListed] + counts[C::kDiffers], counts[C::kSame], counts[C::kListed],
               counts[C::kDiffers], counts[C::kOnlyModelled], counts[C::kOnlyReal]);
    fmt::print("{}", lines);
    return wrong;
}

contract::Arch arch_of(const std::string& name) {
    return name == "x86" ? contract::Arch::kX86 : contract::Arch::kArm64;
}

} // namespace

int main(int argc, char** argv) try {
    CLI::App app{"contract_compare: what the modelled kernel and real ones answer to the contract suite"};
    app.footer(kExamples);
    std::vector<std::string> files, modelled;
    std::string folder = EGMSIM_SOURCE_DIR "/tests/contract/answers";
    bool all = false;
    app.add_option("files", files, "Answers of real kernels; without any, all that are recorded");
    app.add_option("--recorded", folder, "The folder of recorded answers and of differences.tsv")->type_name("FOLDER");
    app.add_flag("--all", all, "Print the entries that agree too");
    app.add_option("--modelled", modelled, "Print the modelled kernel's answers: x86 or arm64, and the version")
        ->expected(2);
    CLI11_PARSE(app, argc, argv);

    if (!modelled.empty()) {
        std::cout << to_text(contract::modelled_answers(arch_of(modelled[0]), std::stoi(modelled[1]), 4096));
        return 0;
    }
    const auto differences = contract::parse_differences(file_text(folder + "/differences.tsv"));
    fmt::print("{:<16} {:<20} {:>5} {:>5} {:>7} {:>8} {:>14} {:>10}\n", "kernel", "release", "both", "same", "listed",
               "differs", "modelled only", "real only");
    int wrong = 0;
    for (const std::string& path : files.empty() ? recorded(folder) : files)
        wrong += print(read_answers(path), differences, all);
    return wrong == 0 ? 0 : 1;
} catch (const std::exception& error) {
    std::cerr << "contract_compare: " << error.what() << "\n";
    return 1;
}
