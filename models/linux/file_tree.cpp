#include "models/linux/file_tree.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <deque>
#include <sstream>

#include <fcntl.h>

#include "models/linux/call_argument.h"

namespace models::linux {

namespace {

/// An open text file: sysfs gives its text piece by piece.
class TextFile final : public File {
public:
    explicit TextFile(std::string text) : text_(std::move(text)) {}

    std::int64_t pread(void* into, std::size_t size, std::uint64_t offset) override {
        if (offset >= text_.size()) {
            return 0;
        }
        size = std::min(size, text_.size() - offset);
        return copy_out(into, text_.data() + offset, size) ? static_cast<std::int64_t>(size) : -EFAULT;
    }

private:
    const std::string text_;
};

class DirectoryFile final : public File {
public:
    std::int64_t pread(void*, std::size_t, std::uint64_t) override { return -EISDIR; }
};

std::deque<std::string> components(const std::string& path) {
    std::deque<std::string> parts;
    std::istringstream in(path);
    for (std::string part; std::getline(in, part, '/');) {
        if (!part.empty() && part != ".") {
            parts.push_back(part);
        }
    }
    return parts;
}

std::string parent_of(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == 0 ? "/" : path.substr(0, slash);
}

} // namespace

void FileTree::add_directory(const std::string& path) { add(path, Directory{}); }
void FileTree::add_text(const std::string& path, std::string text) { add(path, Text{std::move(text)}); }
void FileTree::add_symlink(const std::string& path, std::string target) { add(path, Symlink{std::move(target)}); }
void FileTree::add_device(const std::string& path, Opener opener) { add(path, std::move(opener)); }

void FileTree::add(const std::string& path, Node node) {
    assert(!path.empty() && path.front() == '/');
    for (std::string parent = parent_of(path); !nodes_.contains(parent); parent = parent_of(parent)) {
        nodes_.emplace(parent, Directory{});
    }
    nodes_.insert_or_assign(path, std::move(node));
}

int FileTree::resolve(const std::string& path, bool follow_last, std::string& canonical) const {
    if (path.empty() || path.front() != '/') {
        return -ENOENT; // relative paths: nothing of ours lies in the working directory
    }
    constexpr int kSymlinksMax = 40;
    int symlinks = 0;
    canonical = "/";
    std::deque<std::string> rest = components(path);
    while (!rest.empty()) {
        const std::string part = rest.front();
        rest.pop_front();
        if (!std::holds_alternative<Directory>(nodes_.at(canonical))) {
            return -ENOTDIR;
        }
        if (part == "..") {
            canonical = parent_of(canonical);
            continue;
        }
        const std::string next = (canonical == "/" ? "" : canonical) + "/" + part;
        const auto node = nodes_.find(next);
        if (node == nodes_.end()) {
            return -ENOENT;
        }
        const auto* link = std::get_if<Symlink>(&node->second);
        if (!link || (rest.empty() && !follow_last)) {
            canonical = next;
            continue;
        }
        if (++symlinks > kSymlinksMax) {
            return -ELOOP;
        }
        if (link->target.front() == '/') {
            canonical = "/";
        }
        const auto target = components(link->target);
        rest.insert(rest.begin(), target.begin(), target.end());
    }
    return 0;
}

int FileTree::open(const std::string& path, int flags, std::shared_ptr<File>& file) const {
    std::string canonical;
    if (const int error = resolve(path, true, canonical); error < 0) {
        return error;
    }
    const Node& node = nodes_.at(canonical);
    const bool writes = (flags & O_ACCMODE) != O_RDONLY;
    if (std::holds_alternative<Directory>(node)) {
        file = std::make_shared<DirectoryFile>();
        return writes ? -EISDIR : 0;
    }
    if ((flags & O_DIRECTORY) != 0 || path.back() == '/') {
        return -ENOTDIR;
    }
    if (const auto* text = std::get_if<Text>(&node)) {
        if (writes) {
            return -EACCES;
        }
        file = std::make_shared<TextFile>(text->text);
        return 0;
    }
    return std::get<Opener>(node)(file);
}

int FileTree::list(const std::string& path, std::vector<std::string>& names) const {
    std::string canonical;
    if (const int error = resolve(path, true, canonical); error < 0) {
        return error;
    }
    if (!std::holds_alternative<Directory>(nodes_.at(canonical))) {
        return -ENOTDIR;
    }
    names.clear();
    const std::string prefix = canonical == "/" ? "/" : canonical + "/";
    for (auto node = nodes_.upper_bound(prefix); node != nodes_.end() && node->first.starts_with(prefix); ++node) {
        if (const std::string name = node->first.substr(prefix.size()); name.find('/') == std::string::npos) {
            names.push_back(name);
        }
    }
    return 0;
}

int FileTree::readlink(const std::string& path, std::string& target) const {
    std::string canonical;
    if (const int error = resolve(path, false, canonical); error < 0) {
        return error;
    }
    const auto* link = std::get_if<Symlink>(&nodes_.at(canonical));
    if (!link) {
        return -EINVAL;
    }
    target = link->target;
    return 0;
}

} // namespace models::linux
