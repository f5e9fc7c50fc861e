// What people hand to egmctl: vms.yaml, and the command lines and domains that lint reads. No text may crash them, trip
// an assertion, or take them long.
//
// The first byte of an input chooses: 'v' vms.yaml, which is then planned too; 'l' anything for lint; any other byte
// counts by its value.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>

#include "egm/libvirt_xml.h"
#include "egm/lint.h"
#include "egm/linux/vms_file.h"
#include "egm/qemu_arguments.h"
#include "tests/egm/machines.h"

namespace {

[[noreturn]] void broken(const char* what) {
    std::cerr << what << '\n';
    std::abort();
}

/// What the linter says must be printable in any order, and errors must be inside the text.
void lint(const std::string& text) {
    static const egm::MachineSurvey machine = egm::machines::gb200_tray();
    egm::LintInput input = egm::read_vm_descriptions(text, "fuzz");
    const std::vector<std::string> files(input.vms.size(), "fuzz");
    auto findings = egm::check_vms(input.vms, files, machine);
    findings.insert(findings.end(), input.findings.begin(), input.findings.end());
    egm::sort_findings(findings);
    if (input.vms.empty() && findings.empty())
        broken("neither a VM nor a finding");
    for (const egm::LintFinding& finding : findings)
        if (finding.message.empty() || finding.place.line == 0)
            broken("a finding without a message or a place");
}

/// A file that is read is planned; a plan is written, and the linter finds no error in it.
void plan(const std::string& text) {
    static const egm::MachineSurvey machine = egm::machines::gb200_tray();
    sim::Diagnostics diagnostics;
    const auto file = egm::read_vms(text, "fuzz.yaml", diagnostics);
    if (file.has_value() == diagnostics.has_errors())
        broken("a result and an error, or neither");
    if (!file)
        return;
    const auto planned = egm::plan_tray(file->request, machine);
    if (!planned) {
        if (planned.error().empty())
            broken("refused without a fault");
        for (const egm::PlanFault& fault : planned.error())
            (void)file->place_of(fault);
        return;
    }
    for (const egm::PlannedVm& vm : planned->vms) {
        if (vm.nodes.empty())
            continue;
        (void)egm::shell_script(vm, egm::qemu_arguments(vm, planned->page_size));
        (void)egm::libvirt_xml(vm);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0)
        return 0;
    const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
    if (data[0] == 'v' || (data[0] != 'l' && data[0] % 2 == 0))
        plan(text);
    else
        lint(text);
    return 0;
}
