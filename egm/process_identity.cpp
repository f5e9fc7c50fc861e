#include "egm/process_identity.h"

#include <algorithm>
#include <cerrno>
#include <vector>

#include "egm/errors.h"
#include "egm/sysfs.h"

namespace egm {
namespace {

/// State and start time: fields 3 and 22 of a stat file. Field 2 is the program's name in parentheses, and may hold
/// anything.
struct Stat {
    char state = 0;
    std::string start;
};

std::optional<Stat> parse_stat(std::string_view text) {
    const std::size_t name_end = text.rfind(')');
    if (name_end == text.npos)
        return std::nullopt;
    Stat stat;
    int field = 2;
    for (std::size_t at = name_end + 1; at < text.size();) {
        const std::size_t end = std::min(text.find(' ', at), text.size());
        const std::string_view word = text.substr(at, end - at);
        at = end + 1;
        if (word.empty())
            continue;
        ++field;
        if (field == 3)
            stat.state = word.front();
        if (field == 22)
            stat.start = word;
    }
    const bool is_number = !stat.start.empty() && stat.start.find_first_not_of("0123456789") == stat.start.npos;
    return is_number ? std::optional(stat) : std::nullopt;
}

std::string stat_path(const std::string& pid) { return "/proc/" + pid + "/stat"; }

Error unreadable(const std::string& path) {
    return {EINVAL, "read", path, "it is not what Linux writes there: is /proc mounted?"};
}

} // namespace

Result<ProcessIdentity> identify_self(Syscalls& syscalls) {
    ProcessIdentity self;
    auto boot = read_text(syscalls, "/proc/sys/kernel/random/boot_id");
    if (!boot)
        return fail(boot.error());
    self.boot = *boot;
    constexpr const char* kSelf = "/proc/self";
    if (syscalls.readlink(kSelf, self.pid) < 0)
        return fail(call_error("readlink", kSelf));
    constexpr const char* kNamespace = "/proc/self/ns/pid"; // a link to "pid:[4026531836]"
    std::string space;
    if (syscalls.readlink(kNamespace, space) < 0)
        return fail(call_error("readlink", kNamespace));
    if (!space.starts_with("pid:[") || !space.ends_with(']'))
        return fail(unreadable(kNamespace));
    self.pid_namespace = space.substr(5, space.size() - 6);
    const std::string path = stat_path(self.pid);
    auto text = read_text(syscalls, path);
    if (!text)
        return fail(text.error());
    const auto stat = parse_stat(*text);
    if (!stat)
        return fail(unreadable(path));
    self.start = stat->start;
    return process_from(to_string(self)) ? Result<ProcessIdentity>(self)
                                         : Result<ProcessIdentity>(fail(unreadable("/proc/self")));
}

std::string to_string(const ProcessIdentity& process) {
    return process.boot + "." + process.pid_namespace + "." + process.pid + "." + process.start;
}

std::optional<ProcessIdentity> process_from(std::string_view text) {
    std::vector<std::string> parts;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find('.', at), text.size());
        parts.emplace_back(text.substr(at, end - at));
        at = end + 1;
    }
    if (parts.size() != 4)
        return std::nullopt;
    for (std::size_t i = 0; i < parts.size(); ++i)
        if (parts[i].empty() ||
            parts[i].find_first_not_of(i == 0 ? "0123456789abcdef-" : "0123456789") != std::string::npos)
            return std::nullopt;
    return ProcessIdentity{parts[0], parts[1], parts[2], parts[3]};
}

bool has_ended(Syscalls& syscalls, const ProcessIdentity& process, const ProcessIdentity& self) {
    if (process.boot != self.boot)
        return true;
    if (process.pid_namespace != self.pid_namespace)
        return false;
    const auto text = read_text(syscalls, stat_path(process.pid));
    if (!text)
        return text.error().error_number == ENOENT || text.error().error_number == ESRCH;
    const auto stat = parse_stat(*text);
    if (!stat)
        return false;
    return stat->start != process.start || stat->state == 'Z' || stat->state == 'X';
}

} // namespace egm
