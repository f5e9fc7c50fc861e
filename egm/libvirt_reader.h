#pragma once

#include <string>
#include <string_view>

#include "egm/lint.h"

namespace egm {

/// Reads every libvirt domain of an XML text: `virsh dumpxml`, a status file, or several one after another. Arguments
/// that a domain hands to QEMU directly (qemu:commandline) count as well.
LintInput read_libvirt_domains(std::string_view xml, const std::string& file);

} // namespace egm
