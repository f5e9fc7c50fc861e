#pragma once

#include <string>
#include <string_view>

#include "egm/result.h"
#include "egm/syscalls.h"

namespace egm {

/// An open file of which this object is the only owner: the destructor closes it.
class FileDescriptor {
public:
    FileDescriptor() = default;
    /// Takes over `fd`, an open descriptor; `name` is what errors call it.
    FileDescriptor(Syscalls& syscalls, int fd, std::string name);
    FileDescriptor(FileDescriptor&& other) noexcept;
    FileDescriptor& operator=(FileDescriptor&& other) noexcept;
    ~FileDescriptor();

    /// Opens `path`, close-on-exec added to `flags`. Errors: those of open(2), with the path as object.
    static Result<FileDescriptor> open(Syscalls& syscalls, const std::string& path, int flags);

    int get() const { return fd_; }
    const std::string& name() const { return name_; }

    /// ioctl(2) with a pointer to the struct, or with a value as Linux passes it. `call` names the request in errors,
    /// e.g. "VFIO_SET_IOMMU", and `object` what it is done to, if not this file. Returns the call's non-negative
    /// result.
    Result<int> ioctl(unsigned long request, void* argument, const char* call, std::string_view object = {}) const;
    Result<int> ioctl(unsigned long request, unsigned long value, const char* call, std::string_view object = {}) const;

private:
    void close();

    Syscalls* syscalls_ = nullptr;
    int fd_ = -1;
    std::string name_;
};

} // namespace egm
