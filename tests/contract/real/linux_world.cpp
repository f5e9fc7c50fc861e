#include "tests/contract/real/linux_world.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "egm/uapi/egm.h"

namespace contract {

namespace {

std::string file_text(egm::Syscalls& sys, const std::string& path) {
    const int fd = sys.open(path.c_str(), O_RDONLY | O_CLOEXEC);
    char buffer[256];
    const std::int64_t size = fd < 0 ? 0 : sys.pread(fd, buffer, sizeof buffer, 0);
    if (fd >= 0)
        sys.close(fd);
    std::string text(buffer, static_cast<std::size_t>(std::max<std::int64_t>(size, 0)));
    text.erase(std::min(text.find('\n'), text.size()));
    return text;
}

std::vector<std::string> entries(egm::Syscalls& sys, const std::string& path) {
    std::vector<std::string> names;
    sys.list_directory(path.c_str(), names);
    std::sort(names.begin(), names.end());
    return names;
}

void find_device(egm::Syscalls& sys, Facts& facts) {
    const std::string devices = "/sys/bus/pci/devices/";
    for (const std::string& bdf : entries(sys, devices)) {
        const std::string device = devices + bdf;
        if (file_text(sys, device + "/vendor") != "0x1234" || file_text(sys, device + "/device") != "0x11e8")
            continue;
        std::string group;
        if (sys.readlink((device + "/iommu_group").c_str(), group) < 0)
            continue;
        facts.device_bdf = bdf;
        facts.group_path = "/dev/vfio/" + group.substr(group.rfind('/') + 1);
        if (::access(facts.group_path.c_str(), F_OK) == 0)
            facts.facilities |= kType1;
        for (const std::string& node : entries(sys, device + "/vfio-dev"))
            facts.device_path = "/dev/vfio/devices/" + node;
        if (::access("/dev/iommu", F_OK) == 0 && ::access(facts.device_path.c_str(), F_OK) == 0)
            facts.facilities |= kIommufd;
    }
}

void find_egm(egm::Syscalls& sys, Facts& facts) {
    for (const std::string& name : entries(sys, "/sys/class/egm")) {
        facts.egm_name = name;
        facts.egm_path = "/dev/" + name;
        facts.egm_size = std::strtoull(file_text(sys, "/sys/class/egm/" + name + "/egm_size").c_str(), nullptr, 16);
        const std::string offsets = file_text(sys, "/sys/module/egm_test/parameters/retired"); // "65536,33488896"
        facts.egm_retired_blocks =
            offsets.empty() ? 0 : 1 + static_cast<unsigned>(std::count(offsets.begin(), offsets.end(), ','));
        facts.facilities |= kEgm;
    }
}

} // namespace

LinuxWorld::LinuxWorld() {
#ifdef __aarch64__
    facts_.arch = Arch::kArm64;
#else
    facts_.arch = Arch::kX86;
#endif
    utsname names{};
    ::uname(&names);
    int major = 0, minor = 0;
    std::sscanf(names.release, "%d.%d", &major, &minor);
    facts_.version = major * 100 + minor;
    facts_.page_size = sys_.page_size();
    find_device(sys_, facts_);
    find_egm(sys_, facts_);
}

bool LinuxWorld::load(std::uint64_t address, void* into, std::size_t size) {
    std::memcpy(into, reinterpret_cast<const void*>(address), size);
    return true;
}

bool LinuxWorld::store(std::uint64_t address, const void* from, std::size_t size) {
    std::memcpy(reinterpret_cast<void*>(address), from, size);
    return true;
}

void LinuxWorld::wait() { ::usleep(1000); }

} // namespace contract
