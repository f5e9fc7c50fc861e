// egmctl: EGM on this host.

#include <fstream>
#include <iostream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "egm/block_size.h"
#include "egm/discovery.h"
#include "egm/doctor.h"
#include "egm/linux/linux_syscalls.h"

namespace {

constexpr const char* kExamples = R"(Examples:
  egmctl list                  carveouts of this host, their sizes and GPUs
  egmctl list --json -         the same for programs, on standard output
  egmctl doctor                what EGM in a VM needs, and what to do where it is missing

Exit status: 0 all is well; 1 EGM is not usable (doctor) or something failed; other values: a wrong command line.)";

int complain(const egm::Error& error) {
    std::cerr << "egmctl: " << error.message() << "\n";
    return 1;
}

int write_json(const nlohmann::ordered_json& json, const std::string& path) {
    if (path == "-") {
        std::cout << json.dump(2) << "\n" << std::flush;
        return std::cout ? 0 : 1;
    }
    std::ofstream file(path);
    file << json.dump(2) << "\n" << std::flush;
    if (file)
        return 0;
    std::cerr << "egmctl: cannot write " << path << "\n";
    return 1;
}

int list(egm::Syscalls& syscalls, const std::string& json_path) {
    const auto carveouts = egm::discover(syscalls);
    if (!carveouts)
        return complain(carveouts.error());

    if (!json_path.empty()) {
        nlohmann::ordered_json json{{"schema_version", 1}, {"carveouts", nlohmann::ordered_json::array()}};
        for (const egm::CarveoutInfo& carveout : *carveouts)
            json["carveouts"].push_back({{"pxm", carveout.pxm},
                                         {"device", carveout.device_path},
                                         {"size_bytes", carveout.size},
                                         {"gpus", carveout.gpu_bdfs}});
        return write_json(json, json_path);
    }
    if (carveouts->empty()) {
        std::cout << "This host has no EGM carveout. Its VMs use ordinary memory, mapped for their GPUs by VFIO.\n"
                     "\"egmctl doctor\" says what EGM would need.\n";
        return 0;
    }
    std::cout << fmt::format("{:<12} {:>12}  {}\n", "carveout", "size", "GPUs");
    for (const egm::CarveoutInfo& carveout : *carveouts)
        std::cout << fmt::format("{:<12} {:>12}  {}\n", carveout.device_path, egm::in_binary_units(carveout.size),
                                 fmt::join(carveout.gpu_bdfs, " "));
    return 0;
}

int doctor(egm::Syscalls& syscalls) {
    const std::vector<egm::Finding> findings = egm::examine(syscalls);
    for (const egm::Finding& finding : findings) {
        constexpr const char* kMarks[] = {"ok     ", "warning", "MISSING"};
        std::cout << kMarks[int(finding.verdict)] << "  " << finding.what << "\n";
        if (!finding.advice.empty())
            std::cout << "         -> " << finding.advice << "\n";
    }
    const bool usable = egm::usable(findings);
    std::cout << (usable ? "EGM is usable.\n" : "EGM is not usable on this host.\n");
    return usable ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app{"egmctl: NVIDIA Extended GPU Memory (EGM) on this host", "egmctl"};
    app.set_version_flag("--version", "egmctl " EGMSIM_VERSION);
    app.footer(kExamples);
    app.require_subcommand(1);

    std::string json_path;
    CLI::App* const list_command = app.add_subcommand("list", "Show the EGM carveouts, their sizes and their GPUs");
    list_command->add_option("--json", json_path, "Write JSON to FILE, or to standard output for -")
        ->type_name("FILE|-");
    CLI::App* const doctor_command = app.add_subcommand("doctor", "Check what EGM in a VM needs; opens no carveout");
    CLI11_PARSE(app, argc, argv);

    egm::LinuxSyscalls syscalls;
    if (list_command->parsed())
        return list(syscalls, json_path);
    if (doctor_command->parsed())
        return doctor(syscalls);
    return 1;
}
