#include "egm/carveout_holders.h"

#include <cerrno>
#include <vector>

#include "egm/errors.h"
#include "egm/sysfs.h"

namespace egm {
namespace {

/// Whether a link in `directory` points to `target`. Processes end and descriptors close while we look, and other
/// users' are hidden: what cannot be read is passed over.
bool links_to(Syscalls& syscalls, const std::string& directory, const std::string& target) {
    std::vector<std::string> names;
    if (syscalls.list_directory(directory.c_str(), names) < 0)
        return false;
    for (const std::string& name : names) {
        std::string found;
        if (syscalls.readlink((directory + "/" + name).c_str(), found) >= 0 && found == target)
            return true;
    }
    return false;
}

} // namespace

Result<std::string> holder_of(Syscalls& syscalls, const std::string& device_path) {
    std::vector<std::string> processes;
    if (syscalls.list_directory("/proc", processes) < 0) {
        if (errno == ENOENT)
            return std::string();
        return fail(call_error("list", "/proc"));
    }
    for (const std::string& process : processes) {
        if (parse_number(process) < 0)
            continue;
        for (const char* kind : {"/fd", "/map_files"})
            if (links_to(syscalls, "/proc/" + process + kind, device_path))
                return "process " + process;
    }
    return std::string();
}

} // namespace egm
