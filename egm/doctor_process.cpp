// What the doctor asks of its own process. A VM monitor that runs as another user has other answers.

#include <charconv>

#include "egm/block_size.h"
#include "egm/doctor_checks.h"
#include "egm/sysfs.h"

namespace egm::doctor {
namespace {

// Numbers of capabilities. Source: Linux include/uapi/linux/capability.h.
constexpr unsigned kCapDacOverride = 1;
constexpr unsigned kCapIpcLock = 14;
constexpr unsigned kCapSysRawio = 17;
constexpr unsigned kCapSysResource = 24;

struct Process {
    std::optional<std::uint64_t> capabilities; ///< the effective ones; none: not shown
    std::string effective_user;                ///< "0" is root; empty: not shown

    bool may(unsigned capability) const { return capabilities && (*capabilities >> capability & 1) != 0; }
};

Process read_process(Syscalls& syscalls) {
    Process process;
    const auto status = read_text(syscalls, "/proc/self/status");
    if (!status)
        return process;
    if (const auto hex = value_after(*status, "CapEff:")) {
        std::uint64_t bits = 0;
        const auto [end, error] = std::from_chars(hex->data(), hex->data() + hex->size(), bits, 16);
        if (error == std::errc() && end == hex->data() + hex->size())
            process.capabilities = bits;
    }
    if (const auto users = value_after(*status, "Uid:")) { // real, effective, saved, file system
        const std::size_t tab = users->find('\t');
        process.effective_user = users->substr(tab == users->npos ? users->size() : tab + 1);
        process.effective_user.erase(std::min(process.effective_user.find('\t'), process.effective_user.size()));
    }
    return process;
}

void examine_permissions(const Process& process, Findings& findings) {
    if (!process.capabilities)
        findings.push_back({Verdict::kUnseen, Scope::kBoth, "permissions", "/proc/self/status cannot be read", ""});
    else if (process.effective_user == "0" || process.may(kCapDacOverride))
        findings.push_back({Verdict::kOk, Scope::kBoth, "permissions", "may open the device nodes, as root", ""});
    else
        findings.push_back({Verdict::kWarning, Scope::kBoth, "permissions",
                            "user " + process.effective_user + " opens only what udev rules let it open",
                            "/dev/egm* and /dev/vfio/* have mode 0600 and belong to root: give them to the VM "
                            "monitor's user by a udev rule, or run as root"});
}

/// The soft limit: bytes, or none when unlimited or not shown.
struct Limit {
    bool shown = false;
    std::optional<std::uint64_t> bytes;
};

Limit read_memlock(Syscalls& syscalls) {
    const auto limits = read_text(syscalls, "/proc/self/limits");
    const auto line = limits ? value_after(*limits, "Max locked memory") : std::nullopt;
    if (!line)
        return {};
    const std::string soft = line->substr(0, line->find(' '));
    if (soft == "unlimited")
        return {.shown = true};
    std::uint64_t bytes = 0;
    const auto [end, error] = std::from_chars(soft.data(), soft.data() + soft.size(), bytes);
    if (error != std::errc() || end != soft.data() + soft.size())
        return {};
    return {.shown = true, .bytes = bytes};
}

void examine_memlock(Syscalls& syscalls, const Process& process, bool for_fallback, Findings& findings) {
    const Limit limit = read_memlock(syscalls);
    const char* const advice = "ulimit -l unlimited, LimitMEMLOCK=infinity in the unit, or CAP_IPC_LOCK for the VM "
                               "monitor";
    if (process.may(kCapIpcLock))
        findings.push_back({Verdict::kOk, Scope::kBoth, "memlock",
                            limit.bytes ? "no limit with CAP_IPC_LOCK; else " + in_binary_units(*limit.bytes)
                                        : "no limit, by CAP_IPC_LOCK",
                            ""});
    else if (!limit.shown)
        findings.push_back({Verdict::kUnseen, Scope::kBoth, "memlock", "/proc/self/limits cannot be read", ""});
    else if (!limit.bytes)
        findings.push_back({Verdict::kOk, Scope::kBoth, "memlock", "unlimited", ""});
    else {
        findings.push_back(
            {Verdict::kWarning, Scope::kEgm, "memlock",
             in_binary_units(*limit.bytes) + " may be locked: EGM does not count, the VM's other memory does", advice});
        if (for_fallback)
            findings.push_back({Verdict::kMissing, Scope::kFallback, "memlock",
                                in_binary_units(*limit.bytes) + " may be locked: less than any VM has", advice});
    }
}

void examine_capabilities(const Process& process, Findings& findings) {
    if (!process.capabilities)
        return; // said above
    if (process.may(kCapSysResource))
        findings.push_back({Verdict::kOk, Scope::kBoth, "capabilities", "CAP_SYS_RESOURCE: may raise its limits", ""});
    else
        findings.push_back({Verdict::kWarning, Scope::kBoth, "capabilities",
                            "no CAP_SYS_RESOURCE: cannot raise its own limits",
                            "only container platforms want it; set the limits from outside, or grant it"});
    findings.push_back({Verdict::kOk, Scope::kBoth, "capabilities",
                        process.may(kCapSysRawio) ? "CAP_SYS_RAWIO: there, and not needed with an IOMMU"
                                                  : "no CAP_SYS_RAWIO: only VFIO without an IOMMU needs it",
                        ""});
}

} // namespace

void examine_process(Syscalls& syscalls, bool for_fallback, Findings& findings) {
    const Process process = read_process(syscalls);
    examine_permissions(process, findings);
    examine_memlock(syscalls, process, for_fallback, findings);
    examine_capabilities(process, findings);
}

} // namespace egm::doctor
