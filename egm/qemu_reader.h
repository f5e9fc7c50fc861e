#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "egm/lint.h"

namespace egm {

/// One argument of a command line, with its place in the text that it came from.
struct PlacedArgument {
    std::string text;
    TextPlace place;
};

/// Reads every QEMU command line of a shell script, a libvirt log, or a bare list of options. Variables that the script
/// itself sets are put in; others become a finding.
LintInput read_qemu_script(std::string_view script, const std::string& file);

/// Adds what QEMU's `arguments` say to a description, and what is wrong with them to `findings`.
void read_qemu_arguments(const std::vector<PlacedArgument>& arguments, const std::string& file, VmDescription& vm,
                         std::vector<LintFinding>& findings);

/// A PCI address with its domain, in lower case: "09:01.0" is 0000:09:01.0.
std::string full_bdf(std::string_view text);

/// Whether the path lies on a file system of huge pages by its usual names.
bool is_hugepage_path(std::string_view path);

} // namespace egm
