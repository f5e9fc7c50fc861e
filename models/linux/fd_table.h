#pragma once

#include <cstddef>
#include <map>
#include <memory>

#include "models/linux/file.h"

namespace models::linux {

/// The process's file descriptors: 0, 1 and 2 are taken, and the lowest free number is given out.
class FdTable {
public:
    /// `limit` is RLIMIT_NOFILE: one more than the highest number.
    explicit FdTable(int limit) : limit_(limit) {}

    /// The descriptor, or -EMFILE.
    int install(std::shared_ptr<File> file, int flags);
    /// True: `install` would answer -EMFILE.
    bool full() const { return files_.size() + kFirst >= static_cast<std::size_t>(limit_); }
    /// 0, or -EBADF.
    int close(int fd);
    /// Null when `fd` is not open.
    std::shared_ptr<File> get(int fd) const;
    /// The flags it was opened with; 0 when `fd` is not open.
    int flags(int fd) const;
    std::size_t size() const { return files_.size(); }
    void clear();

private:
    static constexpr int kFirst = 3;

    struct Entry {
        std::shared_ptr<File> file;
        int flags;
    };

    int limit_;
    std::map<int, Entry> files_;
};

} // namespace models::linux
