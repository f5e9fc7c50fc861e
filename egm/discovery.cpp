#include "egm/discovery.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <sstream>
#include <string_view>

#include "egm/errors.h"
#include "egm/sysfs.h"

namespace egm {
namespace {

constexpr const char* kClass = "/sys/class/egm";

Result<std::uint64_t> read_size(Syscalls& syscalls, const std::string& path) {
    auto text = read_text(syscalls, path);
    if (!text)
        return fail(text.error());
    std::string_view digits = *text;
    if (digits.starts_with("0x"))
        digits.remove_prefix(2);
    std::uint64_t size = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size, 16);
    if (error != std::errc() || end != digits.data() + digits.size())
        return fail(Error{EINVAL, "read", path, "not a hexadecimal size: \"" + *text + "\""});
    return size;
}

/// The 2024 vendor driver: one PCI address a line.
Result<std::vector<std::string>> read_gpu_devices(Syscalls& syscalls, const std::string& path) {
    auto text = read_text(syscalls, path);
    if (!text)
        return fail(text.error());
    std::vector<std::string> bdfs;
    std::istringstream words(*text);
    for (std::string word; words >> word;)
        if (is_bdf(word))
            bdfs.push_back(word);
    return bdfs;
}

Result<CarveoutInfo> read_carveout(Syscalls& syscalls, int pxm) {
    const std::string name = "egm" + std::to_string(pxm);
    const std::string directory = std::string(kClass) + "/" + name;
    CarveoutInfo info{.pxm = pxm, .device_path = "/dev/" + name};

    auto size = read_size(syscalls, directory + "/egm_size");
    if (!size)
        return fail(size.error());
    info.size = *size;

    std::vector<std::string> entries;
    if (syscalls.list_directory(directory.c_str(), entries) < 0)
        return fail(call_error("list", directory));
    info.shapes = shapes_of(entries);
    for (const std::string& entry : entries)
        if (is_bdf(entry))
            info.gpu_bdfs.push_back(entry);
    if (info.gpu_bdfs.empty() && std::find(entries.begin(), entries.end(), "gpu_devices") != entries.end()) {
        auto bdfs = read_gpu_devices(syscalls, directory + "/gpu_devices");
        if (!bdfs)
            return fail(bdfs.error());
        info.gpu_bdfs = std::move(*bdfs);
    }
    std::sort(info.gpu_bdfs.begin(), info.gpu_bdfs.end());
    return info;
}

} // namespace

Result<std::vector<CarveoutInfo>> discover(Syscalls& syscalls) {
    std::vector<std::string> entries;
    if (syscalls.list_directory(kClass, entries) < 0) {
        if (errno == ENOENT)
            return std::vector<CarveoutInfo>{};
        return fail(call_error("list", kClass));
    }
    std::vector<CarveoutInfo> carveouts;
    for (const std::string& entry : entries) {
        const int pxm = entry.starts_with("egm") ? parse_number(std::string_view(entry).substr(3)) : -1;
        if (pxm < 0)
            continue;
        auto carveout = read_carveout(syscalls, pxm);
        if (!carveout)
            return fail(carveout.error());
        carveouts.push_back(std::move(*carveout));
    }
    std::sort(carveouts.begin(), carveouts.end(), [](const auto& a, const auto& b) { return a.pxm < b.pxm; });
    return carveouts;
}

} // namespace egm
