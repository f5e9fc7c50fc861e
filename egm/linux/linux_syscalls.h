#pragma once

#include "egm/syscalls.h"

namespace egm {

/// The door on hardware: each call goes to libc.
class LinuxSyscalls final : public Syscalls {
public:
    int open(const char* path, int flags) override;
    int close(int fd) override;
    int ioctl(int fd, unsigned long request, void* argument) override;
    void* mmap(void* address, std::size_t size, int protection, int flags, int fd, std::int64_t offset) override;
    int munmap(void* address, std::size_t size) override;
    std::int64_t pread(int fd, void* into, std::size_t size, std::int64_t offset) override;
    std::int64_t pwrite(int fd, const void* from, std::size_t size, std::int64_t offset) override;
    int fsync(int fd) override;
    int rename(const char* from, const char* to) override;
    int unlink(const char* path) override;
    int list_directory(const char* path, std::vector<std::string>& names) override;
    int readlink(const char* path, std::string& target) override;
    std::size_t page_size() override;
};

} // namespace egm
