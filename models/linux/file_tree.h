#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "models/linux/file.h"

namespace models::linux {

class RegularFile;

/// What of a regular file's unsynced changes has reached the disk when the power goes.
enum class Unsynced {
    kLost,        ///< nothing: files are as at their last fsync, directories as at theirs
    kEntriesOnly, ///< new names and renames, without the bytes behind them: what ext4 calls a zero-length file
    kKept,        ///< everything
};

/// The part of the file system that the modelled kernel answers for: directories, small text files, symlinks and
/// device nodes, by absolute path. Answers are the kernel's: a negative errno on failure.
class FileTree {
public:
    /// What opening a device node does: 0 and the file, or a negative errno.
    using Opener = std::function<int(std::shared_ptr<File>&)>;

    /// Missing parents are made. Precondition (all): an absolute path without "." and "..", not there yet.
    void add_directory(const std::string& path);
    void add_text(const std::string& path, std::string text);
    void add_symlink(const std::string& path, std::string target);
    /// Nothing happens when there is no such symlink.
    void remove_symlink(const std::string& path);
    void add_device(const std::string& path, Opener opener);

    /// A regular file, readable and writable, synced.
    void add_file(const std::string& path, std::string bytes);

    /// O_CREAT, O_EXCL and O_TRUNC make and empty regular files. Symlinks are followed, in the middle and at the end.
    int open(const std::string& path, int flags, std::shared_ptr<File>& file);
    int list(const std::string& path, std::vector<std::string>& names) const;
    /// A symlink at the end is read.
    int readlink(const std::string& path, std::string& target) const;
    /// Of regular files only, in directories that exist. Open files are not disturbed.
    int rename(const std::string& from, const std::string& to);
    int unlink(const std::string& path);

    /// What is there after a power failure now.
    void lose_power(Unsynced kept);

private:
    struct Directory {};
    struct Text {
        std::string text;
    };
    struct Symlink {
        std::string target;
    };
    using Node = std::variant<Directory, Text, Symlink, Opener, std::shared_ptr<RegularFile>>;

    void add(const std::string& path, Node node);
    /// 0 and the canonical path, or -ENOENT, -ENOTDIR, -ELOOP.
    int resolve(const std::string& path, bool follow_last, std::string& canonical) const;

    int create(const std::string& path, std::shared_ptr<File>& file);
    /// The canonical path of what may not exist yet in a directory that does, or -ENOENT, -ENOTDIR.
    int resolve_new(const std::string& path, std::string& canonical) const;
    void sync_entries(const std::string& directory);

    std::map<std::string, Node> nodes_{{"/", Directory{}}};       ///< by canonical path
    std::map<std::string, std::shared_ptr<RegularFile>> on_disk_; ///< regular files by the path last synced
};

} // namespace models::linux
