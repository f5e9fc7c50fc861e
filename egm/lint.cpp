#include "egm/lint.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "egm/libvirt_reader.h"
#include "egm/qemu_reader.h"

namespace egm {

const char* to_string(LintFinding::Severity severity) {
    switch (severity) {
    case LintFinding::Severity::kError:
        return "error";
    case LintFinding::Severity::kWarning:
        return "warning";
    case LintFinding::Severity::kNote:
        return "note";
    }
    return "";
}

LintInput read_vm_descriptions(std::string_view text, const std::string& file) {
    const std::size_t begin = text.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
    const bool xml = begin != text.npos && text[begin] == '<';
    return xml ? read_libvirt_domains(text, file) : read_qemu_script(text, file);
}

void sort_findings(std::vector<LintFinding>& findings) {
    std::map<std::string, std::size_t> order;
    for (const LintFinding& finding : findings)
        order.emplace(finding.file, order.size());
    const auto key = [&](const LintFinding& finding) {
        return std::make_tuple(order.at(finding.file), finding.place, finding.severity);
    };
    std::stable_sort(findings.begin(), findings.end(),
                     [&](const LintFinding& a, const LintFinding& b) { return key(a) < key(b); });
    const auto same = [](const LintFinding& a, const LintFinding& b) {
        return std::tie(a.file, a.place, a.message) == std::tie(b.file, b.place, b.message);
    };
    findings.erase(std::unique(findings.begin(), findings.end(), same), findings.end());
}

} // namespace egm
