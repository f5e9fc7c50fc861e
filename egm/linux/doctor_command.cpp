#include <iostream>

#include "egm/doctor.h"
#include "egm/linux/command.h"

namespace egm {
namespace {

int doctor(Machine& machine) {
    const std::vector<Finding> findings = examine(machine.syscalls());
    for (const Finding& finding : findings) {
        constexpr const char* kMarks[] = {"ok     ", "warning", "MISSING"};
        std::cout << kMarks[int(finding.verdict)] << "  " << finding.what << "\n";
        if (!finding.advice.empty())
            std::cout << "         -> " << finding.advice << "\n";
    }
    const bool all_there = usable(findings);
    std::cout << (all_there ? "EGM is usable.\n" : "EGM is not usable on this host.\n");
    return all_there ? 0 : 1;
}

} // namespace

void add_doctor_command(Shell& shell) {
    CLI::App* const command = shell.app.add_subcommand("doctor", "Check what EGM in a VM needs; opens no carveout");
    command->callback([&shell] { shell.status = doctor(shell.machine()); });
}

} // namespace egm
