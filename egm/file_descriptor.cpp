#include "egm/file_descriptor.h"

#include <cassert>
#include <utility>

#include <fcntl.h>

#include "egm/errors.h"

namespace egm {

FileDescriptor::FileDescriptor(Syscalls& syscalls, int fd, std::string name)
    : syscalls_(&syscalls), fd_(fd), name_(std::move(name)) {
    assert(fd >= 0);
}

FileDescriptor::FileDescriptor(FileDescriptor&& other) noexcept
    : syscalls_(other.syscalls_), fd_(std::exchange(other.fd_, -1)), name_(std::move(other.name_)) {}

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
    if (this != &other) {
        close();
        syscalls_ = other.syscalls_;
        fd_ = std::exchange(other.fd_, -1);
        name_ = std::move(other.name_);
    }
    return *this;
}

FileDescriptor::~FileDescriptor() { close(); }

void FileDescriptor::close() {
    // Linux gives the descriptor back even when close(2) reports an error, so there is nothing to handle.
    if (fd_ >= 0)
        syscalls_->close(std::exchange(fd_, -1));
}

Result<FileDescriptor> FileDescriptor::open(Syscalls& syscalls, const std::string& path, int flags) {
    const int fd = syscalls.open(path.c_str(), flags | O_CLOEXEC);
    if (fd < 0)
        return fail(call_error("open", path));
    return FileDescriptor(syscalls, fd, path);
}

Result<int> FileDescriptor::ioctl(unsigned long request, void* argument, const char* call,
                                  std::string_view object) const {
    assert(fd_ >= 0);
    const std::string what = std::string("ioctl ") + call;
    const int answer = syscalls_->ioctl(fd_, request, argument);
    if (answer < 0)
        return fail(call_error(what, object.empty() ? name_ : object));
    return answer;
}

Result<int> FileDescriptor::ioctl(unsigned long request, unsigned long value, const char* call,
                                  std::string_view object) const {
    return ioctl(request, reinterpret_cast<void*>(value), call, object);
}

} // namespace egm
