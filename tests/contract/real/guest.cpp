#include "tests/contract/real/guest.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include <dirent.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace contract {

namespace {

std::string first_line(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

void write_text(const std::string& path, const std::string& text) {
    const int fd = ::open(path.c_str(), O_WRONLY);
    if (fd < 0 || ::write(fd, text.data(), text.size()) < 0)
        std::printf("cannot write %s: %s\n", path.c_str(), std::strerror(errno));
    ::close(fd);
}

} // namespace

void mount_file_systems() {
    const struct { const char *type, *at; } mounts[] = {{"proc", "/proc"}, {"sysfs", "/sys"}, {"devtmpfs", "/dev"}};
    for (const auto& mount : mounts) {
        ::mkdir(mount.at, 0755);
        if (::mount(mount.type, mount.at, mount.type, 0, nullptr) != 0 && errno != EBUSY)
            std::printf("cannot mount %s: %s\n", mount.at, std::strerror(errno));
    }
    const int console = ::open("/dev/console", O_RDWR); // an initramfs made by a user has no such node
    for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        ::dup2(console, standard);
}

void load_modules(const char* list) {
    std::ifstream lines(list);
    for (std::string line; std::getline(lines, line);) {
        const auto space = line.find(' ');
        const std::string file = line.substr(0, space);
        const std::string parameters = space == std::string::npos ? "" : line.substr(space + 1);
        const int fd = ::open(("/modules/" + file).c_str(), O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        if (::syscall(SYS_finit_module, fd, parameters.c_str(), 0) != 0 && errno != EEXIST)
            std::printf("cannot load %s: %s\n", file.c_str(), std::strerror(errno));
        ::close(fd);
    }
}

void bind_device() {
    const std::string devices = "/sys/bus/pci/devices/";
    DIR* const directory = ::opendir(devices.c_str());
    while (const dirent* const entry = directory ? ::readdir(directory) : nullptr) {
        const std::string device = devices + entry->d_name;
        if (first_line(device + "/vendor") != "0x1234" || first_line(device + "/device") != "0x11e8")
            continue;
        write_text(device + "/driver_override", "vfio-pci");
        write_text("/sys/bus/pci/drivers_probe", entry->d_name);
    }
    if (directory)
        ::closedir(directory);
}

void power_off() {
    std::fflush(nullptr);
    ::sync();
    ::reboot(RB_POWER_OFF);
    for (;;)
        ::pause();
}

} // namespace contract
