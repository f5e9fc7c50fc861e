#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace egm {

/// What the EGM logic asks of the operating system: the only door between egm/ and the machine.
///
/// `LinuxSyscalls` (egm/linux) forwards each call to libc. `models::linux::SimSyscalls` answers from the modelled
/// devices and lets simulated time pass. Calls keep their Linux meaning: same request numbers, same structs, -1 and
/// `errno` on failure (`mmap` fails with `kMapFailed`). It is passed by reference; no code asks whether it is
/// simulated.
class Syscalls {
public:
    virtual ~Syscalls() = default;

    /// A file made with O_CREAT has mode 0600.
    virtual int open(const char* path, int flags) = 0;
    virtual int close(int fd) = 0;
    virtual int ioctl(int fd, unsigned long request, void* argument) = 0;
    virtual void* mmap(void* address, std::size_t size, int protection, int flags, int fd, std::int64_t offset) = 0;
    virtual int munmap(void* address, std::size_t size) = 0;
    virtual std::int64_t pread(int fd, void* into, std::size_t size, std::int64_t offset) = 0;
    virtual std::int64_t pwrite(int fd, const void* from, std::size_t size, std::int64_t offset) = 0;
    virtual int fsync(int fd) = 0; ///< of a directory: its entries
    virtual int rename(const char* from, const char* to) = 0;
    virtual int unlink(const char* path) = 0;

    /// opendir, readdir until the end, closedir: the entry names without "." and "..", in any order.
    virtual int list_directory(const char* path, std::vector<std::string>& names) = 0;
    /// As readlink(2), with the target's text as a string.
    virtual int readlink(const char* path, std::string& target) = 0;
    /// sysconf(_SC_PAGESIZE): the host's page size in bytes. Never fails.
    virtual std::size_t page_size() = 0;
};

inline void* const kMapFailed = reinterpret_cast<void*>(~std::uintptr_t{0}); ///< MAP_FAILED

} // namespace egm
