#include <iostream>
#include <map>
#include <memory>

#include "egm/libvirt_xml.h"
#include "egm/linux/command.h"
#include "egm/linux/plan_report.h"
#include "egm/linux/vms_file.h"
#include "egm/qemu_arguments.h"
#include "sim/input_files.h"

namespace egm {
namespace {

constexpr int kRefused = 1, kUnusable = 2;

struct PlanOptions {
    std::string path;
    bool qemu = false;
    QemuDialect dialect = QemuDialect::kVendor10;
    bool libvirt = false;
    bool retired = false;
    bool yes = false;
    std::string vm;
    std::string json_path;
};

/// The one VM that a command line or a domain is for: the named one, or the only one. nullptr: told why not.
const PlannedVm* chosen(const TrayPlan& plan, const std::string& name) {
    if (name.empty() && plan.vms.size() > 1) {
        std::cerr << "egmctl: the plan has " << plan.vms.size() << " VMs: choose one with --vm NAME\n";
        return nullptr;
    }
    for (const PlannedVm& vm : plan.vms)
        if (name.empty() || vm.request.name == name) {
            if (!vm.nodes.empty())
                return &vm;
            std::cerr << "egmctl: " << vm.request.name << " has ordinary memory: --qemu and --libvirt write VMs with "
                      << "EGM only\n";
            return nullptr;
        }
    std::cerr << "egmctl: the plan has no VM " << name << "\n";
    return nullptr;
}

void print_faults(const VmsFile& file, const std::vector<PlanFault>& faults) {
    sim::Diagnostics diagnostics;
    for (const PlanFault& fault : faults)
        diagnostics.error(file.place_of(fault), fault.error.object + ": " + fault.error.advice);
    diagnostics.print(std::cerr);
}

int print(const Machine& machine, const TrayPlan& plan, const PlanOptions& options) {
    if (options.qemu || options.libvirt) {
        const PlannedVm* vm = chosen(plan, options.vm);
        if (vm == nullptr)
            return kUnusable;
        const Result<std::string> text =
            options.qemu ? shell_script(*vm, qemu_arguments(*vm, plan.page_size, options.dialect)) : libvirt_xml(*vm);
        if (!text)
            return complain(text.error());
        std::cout << *text;
    } else if (!options.json_path.empty()) {
        nlohmann::ordered_json json = json_head(machine);
        add_plan(json, plan);
        return write_json(json, options.json_path);
    } else {
        std::cout << plan_text(plan);
    }
    return 0;
}

int plan(Machine& machine, const PlanOptions& options) {
    sim::Diagnostics diagnostics;
    const auto text = sim::DiskFiles().read(options.path, diagnostics);
    const auto file = text ? read_vms(*text, options.path, diagnostics) : std::nullopt;
    diagnostics.print(std::cerr);
    if (!file)
        return kUnusable;

    auto surveyed = survey(machine.syscalls());
    if (!surveyed)
        return complain(surveyed.error());
    if (options.retired && !surveyed->carveouts.empty() && !may_open_for_retired(machine, options.yes))
        return kUnusable;
    if (options.retired)
        if (auto done = survey_retired(machine.syscalls(), *surveyed); !done)
            return complain(done.error());
    const auto planned = plan_tray(file->request, *surveyed);
    if (!planned) {
        print_faults(*file, planned.error());
        return kRefused;
    }
    return print(machine, *planned, options);
}

} // namespace

void add_plan_command(Shell& shell) {
    CLI::App* const command = shell.app.add_subcommand(
        "plan", "Plan VMs: who gets which memory and GPUs. Changes nothing. Exit status 1: it is impossible");
    const auto options = std::make_shared<PlanOptions>();
    command->add_option("FILE", options->path, "The VMs asked for, such as vms.yaml")->required();
    auto* qemu = command->add_flag("--qemu", options->qemu, "Write a VM as a QEMU command line");
    command
        ->add_option(
            "--qemu-version", options->dialect,
            "Of --qemu: vendor-10.1 (products use it; the default) or 11.1, which names some options differently")
        ->transform(CLI::CheckedTransformer(std::map<std::string, QemuDialect>{{"vendor-10.1", QemuDialect::kVendor10},
                                                                               {"11.1", QemuDialect::kMainline11}}))
        ->needs(qemu)
        ->type_name("VERSION");
    auto* libvirt = command->add_flag("--libvirt", options->libvirt, "Write a VM as a libvirt domain");
    command->add_option("--vm", options->vm, "The VM that --qemu or --libvirt writes")->type_name("NAME");
    auto* json = command->add_option("--json", options->json_path, "Write JSON to FILE, or to standard output for -");
    json->type_name("FILE|-");
    qemu->excludes(libvirt)->excludes(json);
    libvirt->excludes(json);
    command->add_flag("--retired", options->retired,
                      "Open each carveout to read its retired memory. The kernel clears it, which takes long");
    command->add_flag("--yes", options->yes, "With --retired: clear this host's carveouts without asking");
    command->callback([&shell, options] { shell.status = plan(shell.machine(), *options); });
}

} // namespace egm
