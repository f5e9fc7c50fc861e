#include <algorithm>
#include <iostream>
#include <memory>

#include <fmt/format.h>

#include "egm/doctor.h"
#include "egm/linux/command.h"

namespace egm {
namespace {

int print_json(const Machine& machine, const std::vector<Finding>& findings, const std::string& path) {
    nlohmann::ordered_json json = json_head(machine);
    json["egm_usable"] = usable(findings);
    if (!usable(findings))
        json["fallback_usable"] = fallback_usable(findings);
    json["findings"] = nlohmann::ordered_json::array();
    for (const Finding& finding : findings)
        json["findings"].push_back({{"verdict", to_string(finding.verdict)},
                                    {"scope", to_string(finding.scope)},
                                    {"topic", finding.topic},
                                    {"what", finding.what},
                                    {"advice", finding.advice}});
    return write_json(json, path);
}

std::size_t number(const std::vector<Finding>& findings, Finding::Verdict verdict) {
    return std::size_t(std::count_if(findings.begin(), findings.end(),
                                     [verdict](const Finding& finding) { return finding.verdict == verdict; }));
}

void print_text(const std::vector<Finding>& findings) {
    for (const Finding& finding : findings) {
        const std::string mark = finding.verdict == Finding::Verdict::kMissing ? "MISSING" : to_string(finding.verdict);
        std::cout << fmt::format("{:<8} {:<13} {}\n", mark, finding.topic, finding.what);
        if (!finding.advice.empty())
            std::cout << fmt::format("{:<8} {:<13} -> {}\n", "", "", finding.advice);
    }
    if (usable(findings))
        std::cout << fmt::format("EGM is usable, as far as it can be seen without touching it: {}, {} unseen.\n",
                                 counted(number(findings, Finding::Verdict::kWarning), "warning"),
                                 number(findings, Finding::Verdict::kUnseen));
    else
        std::cout << "EGM is not usable on this machine. The fallback, plain VFIO with hugepages over PCIe, "
                  << (fallback_usable(findings) ? "is usable.\n" : "is not usable either.\n");
}

int doctor(Machine& machine, const std::string& json_path) {
    const std::vector<Finding> findings = examine(machine.syscalls());
    int status = 0;
    if (json_path.empty())
        print_text(findings);
    else
        status = print_json(machine, findings, json_path);
    return usable(findings) ? status : 1;
}

} // namespace

void add_doctor_command(Shell& shell) {
    CLI::App* const command = shell.app.add_subcommand(
        "doctor", "Check what EGM in a VM needs; opens no carveout and no GPU. Exit status 1: EGM is not usable");
    const auto json_path = std::make_shared<std::string>();
    command->add_option("--json", *json_path, "Write JSON to FILE, or to standard output for -")->type_name("FILE|-");
    command->callback([&shell, json_path] { shell.status = doctor(shell.machine(), *json_path); });
}

} // namespace egm
