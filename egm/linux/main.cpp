// egmctl: EGM on this host.

#include "egm/linux/command.h"
#include "egm/linux/linux_syscalls.h"

namespace {

constexpr const char* kExamples = R"(Examples:
  egmctl list                  carveouts of this host, their sizes and GPUs
  egmctl list --json -         the same for programs, on standard output
  egmctl doctor                what EGM in a VM needs, and what to do where it is missing

Exit status: 0 all is well; 1 EGM is not usable (doctor) or something failed; other values: a wrong command line.)";

} // namespace

int main(int argc, char** argv) {
    CLI::App app{"egmctl: NVIDIA Extended GPU Memory (EGM) on this host", "egmctl"};
    app.set_version_flag("--version", "egmctl " EGMSIM_VERSION);
    app.footer(kExamples);
    app.require_subcommand(1);

    egm::LinuxSyscalls this_host;
    egm::Shell shell{.app = app, .machine = [&this_host]() -> egm::Syscalls& { return this_host; }};
    egm::add_list_command(shell);
    egm::add_doctor_command(shell);
    CLI11_PARSE(app, argc, argv);
    return shell.status;
}
