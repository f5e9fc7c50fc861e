#pragma once

#include <cerrno>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "egm/syscalls.h"
#include "models/linux/file_tree.h"

namespace test {

/// The door of one process to a file tree that several processes share: files and directories only.
class FileDoor final : public egm::Syscalls {
public:
    static constexpr const char* kBoot = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";

    /// Makes the process: its entries in /proc are there from now on.
    FileDoor(models::linux::FileTree& tree, int pid) : tree_(tree), pid_(std::to_string(pid)) {
        tree.add_text("/proc/sys/kernel/random/boot_id", std::string(kBoot) + "\n");
        set_stat('S', 100 + pid);
    }

    /// What /proc says about the process.
    void set_stat(char state, int start) {
        tree_.add_text("/proc/" + pid_ + "/stat", pid_ + " (a (b) c) " + state +
                                                      " 1 1 1 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 " +
                                                      std::to_string(start) + " 0 0\n");
    }
    std::string pid_namespace = "4026531836";

    /// Called before each call with its number, 1 for the first.
    std::function<void(int)> before = [](int) {};
    /// From this call on nothing happens any more: the process was killed, or the power is off. 0: never.
    int ends_at = 0;
    /// This call fails with `failing_errno`. 0: none.
    int fails_at = 0;
    int failing_errno = EIO;
    int calls = 0;
    int calls_after_end = 0;
    /// Most bytes that one write takes.
    std::size_t write_max = ~std::size_t{0};
    std::size_t open_files() const { return files_.size(); }

    int open(const char* path, int flags) override {
        if (!enter())
            return -1;
        std::shared_ptr<models::linux::File> file;
        if (const int error = tree_.open(path, flags, file); error < 0)
            return answer(error);
        files_[++last_fd_] = std::move(file);
        return last_fd_;
    }
    int close(int fd) override {
        const bool works = enter();
        files_.erase(fd);
        return works ? 0 : -1;
    }
    std::int64_t pread(int fd, void* into, std::size_t size, std::int64_t offset) override {
        return enter() ? answer64(files_.at(fd)->pread(into, size, std::uint64_t(offset))) : -1;
    }
    std::int64_t pwrite(int fd, const void* from, std::size_t size, std::int64_t offset) override {
        if (!enter())
            return -1;
        return answer64(files_.at(fd)->pwrite(from, std::min(size, write_max), std::uint64_t(offset)));
    }
    int fsync(int fd) override { return enter() ? answer(files_.at(fd)->fsync()) : -1; }
    int rename(const char* from, const char* to) override { return enter() ? answer(tree_.rename(from, to)) : -1; }
    int unlink(const char* path) override { return enter() ? answer(tree_.unlink(path)) : -1; }
    int list_directory(const char* path, std::vector<std::string>& names) override {
        return enter() ? answer(tree_.list(path, names)) : -1;
    }
    int readlink(const char* path, std::string& target) override {
        if (!enter())
            return -1;
        if (path == std::string("/proc/self"))
            target = pid_;
        else if (path == std::string("/proc/self/ns/pid"))
            target = "pid:[" + pid_namespace + "]";
        else
            return answer(tree_.readlink(path, target));
        return 0;
    }
    std::size_t page_size() override { return 65536; }

    int ioctl(int, unsigned long, void*) override { return answer(-ENOTTY); }
    void* mmap(void*, std::size_t, int, int, int, std::int64_t) override {
        errno = ENODEV;
        return egm::kMapFailed;
    }
    int munmap(void*, std::size_t) override { return answer(-EINVAL); }

private:
    bool enter() {
        const int call = ++calls;
        before(call);
        errno = failing_errno;
        if (ends_at != 0 && call >= ends_at) {
            ++calls_after_end;
            return false;
        }
        return call != fails_at;
    }
    static int answer(int result) { return int(answer64(result)); }
    static std::int64_t answer64(std::int64_t result) {
        if (result >= 0)
            return result;
        errno = int(-result);
        return -1;
    }

    models::linux::FileTree& tree_;
    std::string pid_;
    std::map<int, std::shared_ptr<models::linux::File>> files_;
    int last_fd_ = 2;
};

} // namespace test
