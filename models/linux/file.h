#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace models::linux {

struct Vma;

/// An open file: what a file descriptor, a mapping or another file keeps alive (Linux: struct file). Its destructor is
/// the driver's release, so it runs when the last of them has gone.
///
/// Answers are the kernel's: 0 or more on success, a negative errno on failure.
class File : public std::enable_shared_from_this<File> {
public:
    virtual ~File() = default;

    virtual std::int64_t ioctl(unsigned long request, void* argument) {
        (void)request, (void)argument;
        return -ENOTTY;
    }
    /// Completes `vma`, whose place, size, protection and file position are set; it is entered when this answers 0.
    virtual int mmap(Vma& vma) {
        (void)vma;
        return -ENODEV;
    }
    virtual std::int64_t pread(void* into, std::size_t size, std::uint64_t offset) {
        (void)into, (void)size, (void)offset;
        return -EINVAL;
    }
    virtual std::int64_t pwrite(const void* from, std::size_t size, std::uint64_t offset) {
        (void)from, (void)size, (void)offset;
        return -EINVAL;
    }
    virtual int fsync() { return -EINVAL; }
};

} // namespace models::linux
