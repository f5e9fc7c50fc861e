// egmctl: EGM on this host, or on a modelled one.

#include <iostream>
#include <memory>

#include "egm/linux/command.h"
#include "egm/linux/modelled_machine.h"
#include "egm/linux/this_host.h"

namespace {

constexpr const char* kExamples = R"(Examples:
  egmctl list                          carveouts of this host, their sizes and GPUs
  egmctl list --json -                 the same for programs, on standard output
  egmctl plan vms.yaml                 who gets which memory and GPUs
  egmctl plan vms.yaml --qemu          the same as a command line of QEMU
  egmctl lint start-vm.sh              does this QEMU command line, or libvirt domain, fit the machine?
  egmctl doctor                        what EGM in a VM needs, and what to do where it is missing
  egmctl map-test --pxm 4 --yes        open, map, map for DMA, verify and undo carveout 4: clears it
  egmctl --on gb200-tray map-test      the same on a modelled machine, without any hardware
  egmctl --on topologies/gh200.yaml --kernel egm=B,vfio=6.17,page_size=4KiB list

Exit status: 0 all is well; 1 what was asked for is not so, or failed; 2 a wrong command line or unusable input.)";

/// Makes the machine when a command first asks for it, so that --help and a wrong command line need none.
class MachineOnDemand {
public:
    egm::Machine& get() {
        if (!machine_)
            machine_ = make();
        return *machine_;
    }

    egm::ModelRequest model;

private:
    std::unique_ptr<egm::Machine> make() const {
        if (model.topology.empty()) {
            if (!model.kernel.empty() || !model.faults.empty()) {
                std::cerr << "egmctl: --kernel and --fault describe a modelled machine: name one with --on\n";
                throw CLI::RuntimeError(egm::kUnusableInput);
            }
            return std::make_unique<egm::ThisHost>();
        }
        auto machine = egm::make_modelled_machine(model, std::cerr);
        if (!machine)
            throw CLI::RuntimeError(egm::kUnusableInput);
        std::cerr << "On the " << machine->title() << ". No hardware is touched.\n";
        return machine;
    }

    std::unique_ptr<egm::Machine> machine_;
};

} // namespace

int main(int argc, char** argv) {
    CLI::App app{"egmctl: NVIDIA Extended GPU Memory (EGM) on this host, or on a modelled one", "egmctl"};
    app.set_version_flag("--version", "egmctl " EGMSIM_VERSION);
    app.footer(kExamples);
    app.require_subcommand(1);
    app.fallthrough(); // the options below are also understood after the command

    MachineOnDemand machine;
    app.add_option("--on", machine.model.topology, "Work on the modelled machine of this topology, not on this host")
        ->type_name("FILE|NAME");
    app.add_option("--kernel", machine.model.kernel,
                   "Kernel of the modelled machine, such as egm=E2,vfio=6.18,page_size=64KiB")
        ->type_name("WORDS");
    app.add_option("--fault", machine.model.faults,
                   "A fault of the modelled machine, such as retired_pages=grace0,offsets=[1GiB]; may be repeated")
        ->type_name("WORDS")
        ->take_all()
        ->expected(1);

    egm::Shell shell{.app = app, .machine = [&machine]() -> egm::Machine& { return machine.get(); }};
    egm::add_list_command(shell);
    egm::add_doctor_command(shell);
    egm::add_plan_command(shell);
    egm::add_lint_command(shell);
    egm::add_map_test_command(shell);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : egm::kUnusableInput;
    }
    std::cout.flush();
    if (!std::cout && shell.status == 0) {
        std::cerr << "egmctl: standard output could not be written\n";
        return 1;
    }
    return shell.status;
}
