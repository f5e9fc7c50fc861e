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
    void add_device(const std::string& path, Opener opener);

    /// Symlinks are followed, in the middle and at the end.
    int open(const std::string& path, int flags, std::shared_ptr<File>& file) const;
    int list(const std::string& path, std::vector<std::string>& names) const;
    /// A symlink at the end is read.
    int readlink(const std::string& path, std::string& target) const;

private:
    struct Directory {};
    struct Text {
        std::string text;
    };
    struct Symlink {
        std::string target;
    };
    using Node = std::variant<Directory, Text, Symlink, Opener>;

    void add(const std::string& path, Node node);
    /// 0 and the canonical path, or -ENOENT, -ENOTDIR, -ELOOP.
    int resolve(const std::string& path, bool follow_last, std::string& canonical) const;

    std::map<std::string, Node> nodes_{{"/", Directory{}}}; ///< by canonical path
};

} // namespace models::linux
