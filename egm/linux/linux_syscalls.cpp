#include "egm/linux/linux_syscalls.h"

#include <cerrno>
#include <climits>
#include <cstdio>

#include <dirent.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace egm {

int LinuxSyscalls::open(const char* path, int flags) { return ::open(path, flags, S_IRUSR | S_IWUSR); }

int LinuxSyscalls::close(int fd) { return ::close(fd); }

int LinuxSyscalls::ioctl(int fd, unsigned long request, void* argument) { return ::ioctl(fd, request, argument); }

void* LinuxSyscalls::mmap(void* address, std::size_t size, int protection, int flags, int fd, std::int64_t offset) {
    return ::mmap(address, size, protection, flags, fd, offset);
}

int LinuxSyscalls::munmap(void* address, std::size_t size) { return ::munmap(address, size); }

std::int64_t LinuxSyscalls::pread(int fd, void* into, std::size_t size, std::int64_t offset) {
    return ::pread(fd, into, size, offset);
}

std::int64_t LinuxSyscalls::pwrite(int fd, const void* from, std::size_t size, std::int64_t offset) {
    return ::pwrite(fd, from, size, offset);
}

int LinuxSyscalls::fsync(int fd) { return ::fsync(fd); }

int LinuxSyscalls::rename(const char* from, const char* to) { return std::rename(from, to); }

int LinuxSyscalls::unlink(const char* path) { return ::unlink(path); }

int LinuxSyscalls::list_directory(const char* path, std::vector<std::string>& names) {
    DIR* const directory = ::opendir(path);
    if (!directory)
        return -1;
    names.clear();
    errno = 0; // readdir tells an error from the end by errno alone
    while (const dirent* const entry = ::readdir(directory))
        if (const std::string name = entry->d_name; name != "." && name != "..")
            names.push_back(name);
    const int error = errno;
    ::closedir(directory);
    errno = error;
    return error == 0 ? 0 : -1;
}

int LinuxSyscalls::readlink(const char* path, std::string& target) {
    char text[PATH_MAX];
    const ssize_t length = ::readlink(path, text, sizeof text);
    if (length < 0)
        return -1;
    target.assign(text, std::size_t(length));
    return 0;
}

std::size_t LinuxSyscalls::page_size() { return std::size_t(::sysconf(_SC_PAGESIZE)); }

} // namespace egm
