#include <iostream>
#include <memory>

#include <fmt/format.h>

#include "egm/lint.h"
#include "egm/linux/command.h"
#include "sim/input_files.h"

namespace egm {
namespace {

constexpr int kFaulty = 1, kUnusable = 2;

std::size_t count(const std::vector<LintFinding>& findings, LintFinding::Severity severity) {
    std::size_t number = 0;
    for (const LintFinding& finding : findings)
        number += finding.severity == severity;
    return number;
}

void print_text(const std::vector<LintFinding>& findings, std::size_t vms) {
    for (const LintFinding& finding : findings) {
        std::cout << fmt::format("{}:{}:{}: {}: {}\n", finding.file, finding.place.line, finding.place.column,
                                 to_string(finding.severity), finding.message);
        if (!finding.advice.empty())
            std::cout << "  -> " << finding.advice << "\n";
    }
    std::cout << fmt::format("{}: {}, {}, {}\n", counted(vms, "VM"),
                             counted(count(findings, LintFinding::Severity::kError), "error"),
                             counted(count(findings, LintFinding::Severity::kWarning), "warning"),
                             counted(count(findings, LintFinding::Severity::kNote), "note"));
}

/// Messages quote what stands in the files; control characters and broken UTF-8 do not reach the terminal or the JSON.
std::string printable(std::string text) {
    for (char& c : text)
        if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f)
            c = '?';
    return text;
}

nlohmann::ordered_json to_json(const LintFinding& finding) {
    return {{"severity", to_string(finding.severity)}, {"file", printable(finding.file)}, {"line", finding.place.line},
            {"column", finding.place.column},          {"message", finding.message},      {"advice", finding.advice}};
}

int lint(Machine& machine, const std::vector<std::string>& paths, const std::string& json_path) {
    std::vector<VmDescription> vms;
    std::vector<std::string> files;
    std::vector<LintFinding> findings;
    sim::Diagnostics diagnostics;
    for (const std::string& path : paths) {
        const auto text = sim::DiskFiles().read(path, diagnostics);
        if (!text)
            continue;
        LintInput input = read_vm_descriptions(*text, path);
        findings.insert(findings.end(), input.findings.begin(), input.findings.end());
        for (VmDescription& vm : input.vms) {
            vms.push_back(std::move(vm));
            files.push_back(path);
        }
    }
    diagnostics.print(std::cerr);
    if (diagnostics.has_errors())
        return kUnusable;

    const auto surveyed = survey(machine.syscalls());
    if (!surveyed)
        return complain(surveyed.error());
    const std::vector<LintFinding> broken = check_vms(vms, files, *surveyed);
    findings.insert(findings.end(), broken.begin(), broken.end());
    sort_findings(findings);
    for (LintFinding& finding : findings) {
        finding.message = printable(std::move(finding.message));
        finding.advice = printable(std::move(finding.advice));
    }
    const int verdict = count(findings, LintFinding::Severity::kError) > 0 ? kFaulty : 0;
    if (json_path.empty()) {
        print_text(findings, vms.size());
        return verdict;
    }
    nlohmann::ordered_json json = json_head(machine);
    json["vms"] = vms.size();
    json["findings"] = nlohmann::ordered_json::array();
    for (const LintFinding& finding : findings)
        json["findings"].push_back(to_json(finding));
    const int written = write_json(json, json_path);
    return written != 0 ? written : verdict;
}

} // namespace

void add_lint_command(Shell& shell) {
    CLI::App* const command = shell.app.add_subcommand(
        "lint", "Check someone else's VMs against the machine: QEMU command lines, or libvirt domains. The VMs of all "
                "files are taken to run together. Exit status 1: there are errors");
    const auto paths = std::make_shared<std::vector<std::string>>();
    const auto json_path = std::make_shared<std::string>();
    command->add_option("FILE", *paths, "A script, a libvirt log, a domain")->required();
    command->add_option("--json", *json_path, "Write JSON to FILE, or to standard output for -")->type_name("FILE|-");
    command->callback([&shell, paths, json_path] { shell.status = lint(shell.machine(), *paths, *json_path); });
}

} // namespace egm
