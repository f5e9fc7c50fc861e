#include "sim/whole_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sim {

namespace {

bool write_all(int fd, const std::string& text) {
    std::size_t done = 0;
    while (done < text.size()) {
        const ssize_t wrote = ::write(fd, text.data() + done, text.size() - done);
        if (wrote < 0 && errno != EINTR) {
            return false;
        }
        done += wrote > 0 ? static_cast<std::size_t>(wrote) : 0;
    }
    return true;
}

} // namespace

std::string write_whole_file(const std::string& path, const std::string& text) {
    if (path == "-") {
        return write_all(STDOUT_FILENO, text) ? "" : "standard output: " + std::string(std::strerror(errno));
    }
    struct stat already {};
    if (::stat(path.c_str(), &already) == 0 && !S_ISREG(already.st_mode)) { // a device or a pipe cannot be replaced
        const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
        const bool good = fd >= 0 && write_all(fd, text);
        const std::string why = good ? "" : path + ": " + std::strerror(errno);
        if (fd >= 0) {
            ::close(fd);
        }
        return why;
    }
    std::string beside = path + ".XXXXXX";
    const int fd = ::mkstemp(beside.data());
    if (fd < 0) {
        return path + ": " + std::strerror(errno);
    }
    const bool good = write_all(fd, text) && ::fchmod(fd, 0644) == 0 && ::fsync(fd) == 0;
    std::string why = good ? "" : path + ": " + std::strerror(errno);
    ::close(fd);
    if (good && ::rename(beside.c_str(), path.c_str()) != 0) {
        why = path + ": " + std::strerror(errno);
    }
    if (!why.empty()) {
        ::unlink(beside.c_str());
    }
    return why;
}

} // namespace sim
