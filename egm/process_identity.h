#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "egm/result.h"
#include "egm/syscalls.h"

namespace egm {

/// A process, told from every other one that ever ran on this machine: its number may come again, but not with the same
/// start time since the same boot. Source: proc(5).
struct ProcessIdentity {
    std::string boot;          ///< /proc/sys/kernel/random/boot_id
    std::string pid_namespace; ///< the number in the link /proc/self/ns/pid: elsewhere the same pid is someone else
    std::string pid;
    std::string start; ///< clock ticks since boot, field 22 of /proc/<pid>/stat

    friend bool operator==(const ProcessIdentity&, const ProcessIdentity&) = default;
};

/// Who calls. Errors: those of reading /proc.
Result<ProcessIdentity> identify_self(Syscalls& syscalls);

/// "<boot>.<pid namespace>.<pid>.<start>", good for a file name.
std::string to_string(const ProcessIdentity& process);
std::optional<ProcessIdentity> process_from(std::string_view text);

/// Whether `process` has surely ended, as `self` sees it: the machine was booted since, or /proc has no such process,
/// or one that only waits to be reaped, or another one of its number. A process of another pid namespace may be alive.
bool has_ended(Syscalls& syscalls, const ProcessIdentity& process, const ProcessIdentity& self);

} // namespace egm
