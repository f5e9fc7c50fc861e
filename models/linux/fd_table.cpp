#include "models/linux/fd_table.h"

#include <utility>

namespace models::linux {

int FdTable::install(std::shared_ptr<File> file, int flags) {
    int fd = kFirst;
    for (const auto& entry : files_) {
        if (entry.first != fd) {
            break;
        }
        ++fd;
    }
    if (fd >= limit_) {
        return -EMFILE;
    }
    files_.emplace(fd, Entry{std::move(file), flags});
    return fd;
}

int FdTable::close(int fd) {
    auto entry = files_.extract(fd); // its file is released after the number is free
    return entry.empty() ? -EBADF : 0;
}

std::shared_ptr<File> FdTable::get(int fd) const {
    const auto entry = files_.find(fd);
    return entry == files_.end() ? nullptr : entry->second.file;
}

int FdTable::flags(int fd) const {
    const auto entry = files_.find(fd);
    return entry == files_.end() ? 0 : entry->second.flags;
}

void FdTable::clear() { const auto files = std::exchange(files_, {}); }

} // namespace models::linux
