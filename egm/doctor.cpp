#include "egm/doctor.h"

#include <algorithm>

#include "egm/doctor_checks.h"

namespace egm {

namespace doctor {

bool exists(Syscalls& syscalls, const std::string& directory, std::string_view name) {
    std::vector<std::string> names;
    return syscalls.list_directory(directory.c_str(), names) == 0 &&
           std::find(names.begin(), names.end(), name) != names.end();
}

std::optional<std::string> driver_of(Syscalls& syscalls, const std::string& bdf) {
    std::string driver;
    if (syscalls.readlink(("/sys/bus/pci/devices/" + bdf + "/driver").c_str(), driver) < 0)
        return std::nullopt;
    return driver.substr(driver.rfind('/') + 1);
}

std::optional<std::string> value_after(const std::string& text, std::string_view key) {
    for (std::size_t line = 0; line < text.size();) {
        const std::size_t end = std::min(text.find('\n', line), text.size());
        if (text.compare(line, key.size(), key) == 0) {
            const std::size_t first = text.find_first_not_of(" \t", line + key.size());
            if (first == text.npos || first >= end)
                return "";
            const std::size_t last = text.find_last_not_of(" \t", end - 1);
            return text.substr(first, last + 1 - first);
        }
        line = end + 1;
    }
    return std::nullopt;
}

} // namespace doctor

std::vector<Finding> examine(Syscalls& syscalls) {
    std::vector<Finding> findings;
    std::vector<CarveoutInfo> carveouts;
    doctor::examine_processor(syscalls, findings);
    doctor::examine_kernel_version(syscalls, findings);
    doctor::examine_page_size(syscalls, findings);
    doctor::examine_carveouts(syscalls, findings, carveouts);
    doctor::examine_gpus(syscalls, carveouts, findings);
    doctor::examine_kvm(syscalls, findings);
    doctor::examine_iommu(syscalls, findings);
    doctor::examine_vfio(syscalls, findings);
    const bool for_fallback = !usable(findings);
    doctor::examine_process(syscalls, for_fallback, findings);
    doctor::examine_map_count(syscalls, findings);
    if (for_fallback)
        doctor::examine_hugepages(syscalls, findings);
    return findings;
}

namespace {

bool nothing_missing(const std::vector<Finding>& findings, Finding::Scope without) {
    return std::none_of(findings.begin(), findings.end(), [without](const Finding& finding) {
        return finding.verdict == Finding::Verdict::kMissing && finding.scope != without;
    });
}

} // namespace

bool usable(const std::vector<Finding>& findings) { return nothing_missing(findings, Finding::Scope::kFallback); }

bool fallback_usable(const std::vector<Finding>& findings) { return nothing_missing(findings, Finding::Scope::kEgm); }

const char* to_string(Finding::Verdict verdict) {
    constexpr const char* kWords[] = {"ok", "unseen", "warning", "missing"};
    return kWords[int(verdict)];
}

const char* to_string(Finding::Scope scope) {
    constexpr const char* kWords[] = {"both", "egm", "fallback"};
    return kWords[int(scope)];
}

} // namespace egm
