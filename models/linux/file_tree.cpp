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
    explicit DirectoryFile(std::function<void()> sync) : sync_(std::move(sync)) {}

    std::int64_t pread(void*, std::size_t, std::uint64_t) override { return -EISDIR; }
    int fsync() override {
        sync_();
        return 0;
    }

private:
    const std::function<void()> sync_;
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

/// Bytes that the process wrote, and those of them that are on the disk.
class RegularFile final : public File {
public:
    std::string bytes;
    std::string bytes_on_disk;

    std::int64_t pread(void* into, std::size_t size, std::uint64_t offset) override {
        return TextFile(bytes).pread(into, size, offset);
    }
    std::int64_t pwrite(const void* from, std::size_t size, std::uint64_t offset) override {
        if (offset > kBytesMax || size > kBytesMax - offset) {
            return -EFBIG;
        }
        std::string piece(size, '\0');
        if (!copy_in(piece.data(), from, size)) {
            return -EFAULT;
        }
        bytes.resize(std::max<std::size_t>(bytes.size(), offset + size));
        bytes.replace(offset, size, piece);
        return static_cast<std::int64_t>(size);
    }
    int fsync() override {
        bytes_on_disk = bytes;
        return 0;
    }

private:
    static constexpr std::uint64_t kBytesMax = 64 * 1024 * 1024; ///< state files are small; the models hold real bytes
};

void FileTree::add_directory(const std::string& path) { add(path, Directory{}); }
void FileTree::add_text(const std::string& path, std::string text) { add(path, Text{std::move(text)}); }
void FileTree::add_symlink(const std::string& path, std::string target) { add(path, Symlink{std::move(target)}); }
void FileTree::remove_symlink(const std::string& path) {
    if (const auto node = nodes_.find(path); node != nodes_.end() && std::holds_alternative<Symlink>(node->second)) {
        nodes_.erase(node);
    }
}
void FileTree::add_device(const std::string& path, Opener opener) { add(path, std::move(opener)); }

void FileTree::add_file(const std::string& path, std::string bytes) {
    auto file = std::make_shared<RegularFile>();
    file->bytes = file->bytes_on_disk = std::move(bytes);
    on_disk_[path] = file;
    add(path, std::move(file));
}

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

int FileTree::resolve_new(const std::string& path, std::string& canonical) const {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos || slash + 1 == path.size()) {
        return -ENOENT;
    }
    const std::string name = path.substr(slash + 1);
    if (name == "." || name == "..") {
        return -ENOENT;
    }
    if (const int error = resolve(slash == 0 ? "/" : path.substr(0, slash), true, canonical); error < 0) {
        return error;
    }
    if (!std::holds_alternative<Directory>(nodes_.at(canonical))) {
        return -ENOTDIR;
    }
    canonical = (canonical == "/" ? "" : canonical) + "/" + name;
    return 0;
}

int FileTree::create(const std::string& path, std::shared_ptr<File>& file) {
    std::string canonical;
    if (const int error = resolve_new(path, canonical); error < 0) {
        return error;
    }
    auto created = std::make_shared<RegularFile>();
    nodes_[canonical] = created;
    file = std::move(created);
    return 0;
}

int FileTree::open(const std::string& path, int flags, std::shared_ptr<File>& file) {
    std::string canonical;
    if (const int error = resolve(path, true, canonical); error < 0) {
        return error == -ENOENT && (flags & O_CREAT) != 0 ? create(path, file) : error;
    }
    if ((flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) {
        return -EEXIST;
    }
    const Node& node = nodes_.at(canonical);
    const bool writes = (flags & O_ACCMODE) != O_RDONLY;
    if (std::holds_alternative<Directory>(node)) {
        file = std::make_shared<DirectoryFile>([this, canonical] { sync_entries(canonical); });
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
    if (const auto* regular = std::get_if<std::shared_ptr<RegularFile>>(&node)) {
        if (writes && (flags & O_TRUNC) != 0) {
            (*regular)->bytes.clear();
        }
        file = *regular;
        return 0;
    }
    return std::get<Opener>(node)(file);
}

int FileTree::rename(const std::string& from, const std::string& to) {
    std::string source;
    std::string target;
    if (const int error = resolve(from, false, source); error < 0) {
        return error;
    }
    if (const int error = resolve_new(to, target); error < 0) {
        return error;
    }
    const auto regular = [&](const std::string& path) {
        const auto node = nodes_.find(path);
        return node == nodes_.end() || std::holds_alternative<std::shared_ptr<RegularFile>>(node->second);
    };
    if (!regular(source) || !regular(target)) {
        return -EPERM;
    }
    if (source != target) {
        nodes_[target] = std::move(nodes_.at(source));
        nodes_.erase(source);
    }
    return 0;
}

int FileTree::unlink(const std::string& path) {
    std::string canonical;
    if (const int error = resolve(path, false, canonical); error < 0) {
        return error;
    }
    if (!std::holds_alternative<std::shared_ptr<RegularFile>>(nodes_.at(canonical))) {
        return -EPERM;
    }
    nodes_.erase(canonical);
    return 0;
}

void FileTree::sync_entries(const std::string& directory) {
    const auto in_directory = [&](const std::string& path) { return parent_of(path) == directory; };
    std::erase_if(on_disk_, [&](const auto& entry) { return in_directory(entry.first); });
    for (const auto& [path, node] : nodes_) {
        if (const auto* file = std::get_if<std::shared_ptr<RegularFile>>(&node); file && in_directory(path)) {
            on_disk_[path] = *file;
        }
    }
}

void FileTree::lose_power(Unsynced kept) {
    if (kept != Unsynced::kLost) {
        on_disk_.clear();
        for (const auto& [path, node] : nodes_) {
            if (const auto* file = std::get_if<std::shared_ptr<RegularFile>>(&node)) {
                on_disk_[path] = *file;
            }
        }
    }
    std::erase_if(nodes_,
                  [](const auto& entry) { return std::holds_alternative<std::shared_ptr<RegularFile>>(entry.second); });
    for (auto& [path, file] : on_disk_) {
        if (kept == Unsynced::kKept) {
            file->bytes_on_disk = file->bytes;
        }
        file->bytes = file->bytes_on_disk;
        nodes_[path] = file;
    }
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
