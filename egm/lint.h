#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "egm/machine_survey.h"
#include "egm/vm_description.h"

/// The linter: does someone else's VM fit this machine and the rules of EGM?
namespace egm {

struct LintFinding {
    enum class Severity {
        kError,   ///< the VM does not start, or its GPUs touch other memory than its CPUs
        kWarning, ///< it works, but slower, or with part of what it asked for
        kNote,    ///< worth knowing
    };

    Severity severity = Severity::kError;
    std::string file;
    TextPlace place;
    std::string message; ///< what is wrong, a sentence
    std::string advice;  ///< what to write instead; may be empty
};

/// "error", "warning", "note".
const char* to_string(LintFinding::Severity severity);

/// What was read: the VMs, and what was wrong with the text itself.
struct LintInput {
    std::vector<VmDescription> vms;
    std::vector<LintFinding> findings;
};

/// Reads a QEMU command line, a shell script or libvirt log with such lines, or a libvirt domain; which of them is told
/// by the content. No text makes it crash; what is not understood becomes a finding. `file` is what findings call it.
LintInput read_vm_descriptions(std::string_view text, const std::string& file);

/// Checks the VMs against the machine, and against each other: they are taken to run at the same time. `files[i]` is
/// the file of `vms[i]`.
std::vector<LintFinding> check_vms(const std::vector<VmDescription>& vms, const std::vector<std::string>& files,
                                   const MachineSurvey& machine);

/// By file in the order of appearance, then by place, errors first at the same place; no finding twice.
void sort_findings(std::vector<LintFinding>& findings);

} // namespace egm
