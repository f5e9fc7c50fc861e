#include "egm/sysfs.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>

#include <fcntl.h>

#include "egm/errors.h"
#include "egm/file_descriptor.h"

namespace egm {
namespace {

bool is_hex(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isxdigit(c); });
}

std::string pci_path(const std::string& bdf) { return "/sys/bus/pci/devices/" + bdf; }

} // namespace

Result<std::string> read_text(Syscalls& syscalls, const std::string& path) {
    auto file = FileDescriptor::open(syscalls, path, O_RDONLY);
    if (!file)
        return fail(file.error());
    std::string text;
    char buffer[4096];
    while (text.size() < 64 * 1024) {
        const std::int64_t got = syscalls.pread(file->get(), buffer, sizeof buffer, std::int64_t(text.size()));
        if (got < 0)
            return fail(call_error("read", path));
        if (got == 0)
            break;
        text.append(buffer, std::size_t(got));
    }
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())))
        text.pop_back();
    return text;
}

bool is_bdf(std::string_view name) {
    // domain:bus:device.function, in digits 4 or more : 2 : 2 . 1
    const std::size_t colon = name.find(':');
    if (colon == name.npos || colon < 4 || colon > 8 || name.size() != colon + 8)
        return false;
    return name[colon + 3] == ':' && name[colon + 6] == '.' && is_hex(name.substr(0, colon)) &&
           is_hex(name.substr(colon + 1, 2)) && is_hex(name.substr(colon + 4, 2)) && name[colon + 7] >= '0' &&
           name[colon + 7] <= '7';
}

int parse_number(std::string_view text) {
    int number = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size() && number >= 0 ? number : -1;
}

Result<int> iommu_group(Syscalls& syscalls, const std::string& bdf) {
    const std::string path = pci_path(bdf) + "/iommu_group";
    std::string target;
    if (syscalls.readlink(path.c_str(), target) < 0)
        return fail(call_error("readlink", path));
    const int group = parse_number(std::string_view(target).substr(target.rfind('/') + 1));
    if (group < 0)
        return fail(Error{EINVAL, "readlink", path, "the link does not end in a group number: \"" + target + "\""});
    return group;
}

Result<std::string> vfio_device_name(Syscalls& syscalls, const std::string& bdf) {
    const std::string path = pci_path(bdf) + "/vfio-dev";
    std::vector<std::string> names;
    if (syscalls.list_directory(path.c_str(), names) < 0)
        return fail(call_error("list", path));
    for (const std::string& name : names)
        if (name.starts_with("vfio") && parse_number(std::string_view(name).substr(4)) >= 0)
            return name;
    return fail(call_error(ENOENT, "list", path));
}

} // namespace egm
