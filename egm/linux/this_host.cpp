#include "egm/linux/this_host.h"

#include <chrono>
#include <cstring>
#include <fstream>

#include <fmt/format.h>

namespace egm {

ThisHost::ThisHost() : descriptors_at_start_(descriptors()) {}

std::uint64_t ThisHost::now() const {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return std::uint64_t(std::chrono::duration_cast<std::chrono::nanoseconds>(since).count()) * 1000;
}

bool ThisHost::write_memory(Hva at, const void* from, std::size_t size) {
    std::memcpy(reinterpret_cast<void*>(at.value), from, size);
    return true;
}

bool ThisHost::read_memory(Hva at, void* into, std::size_t size) {
    std::memcpy(into, reinterpret_cast<const void*>(at.value), size);
    return true;
}

std::size_t ThisHost::descriptors() {
    std::vector<std::string> names;
    return syscalls_.list_directory("/proc/self/fd", names) == 0 ? names.size() : 0;
}

std::size_t ThisHost::device_mappings() {
    std::size_t found = 0;
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);)
        found += line.find(" /dev/egm") != line.npos || line.find(" /dev/vfio") != line.npos;
    return found;
}

std::string ThisHost::held() {
    const std::size_t now_open = descriptors();
    const std::size_t open = now_open > descriptors_at_start_ ? now_open - descriptors_at_start_ : 0;
    const std::size_t mapped = device_mappings();
    return open + mapped == 0 ? "" : fmt::format("{} descriptor(s), {} mapping(s) of devices", open, mapped);
}

} // namespace egm
