#include "tests/contract/process.h"

#include <algorithm>
#include <cerrno>

namespace contract {

namespace {
std::int64_t answer(std::int64_t result) { return result < 0 ? -errno : result; }
} // namespace

Process::Process(World& world) : world(world), sys_(world.syscalls()) {}

Process::~Process() {
    for (const auto& [begin, end] : mappings_)
        sys_.munmap(reinterpret_cast<void*>(begin), end - begin);
    while (!fds_.empty()) {
        sys_.close(fds_.back());
        fds_.pop_back();
    }
}

std::int64_t Process::adopt(std::int64_t fd) {
    if (fd >= 0)
        fds_.push_back(static_cast<int>(fd));
    return fd;
}

std::int64_t Process::open(const std::string& path, int flags) {
    return adopt(answer(sys_.open(path.c_str(), flags | O_CLOEXEC)));
}

std::int64_t Process::close(std::int64_t fd) {
    std::erase(fds_, static_cast<int>(fd));
    return answer(sys_.close(static_cast<int>(fd)));
}

std::int64_t Process::ioctl(std::int64_t fd, unsigned long request, void* argument) {
    return answer(sys_.ioctl(static_cast<int>(fd), request, argument));
}

std::int64_t Process::ioctl_value(std::int64_t fd, unsigned long request, std::uint64_t value) {
    return ioctl(fd, request, reinterpret_cast<void*>(value));
}

std::int64_t Process::pread(std::int64_t fd, void* into, std::size_t size, std::uint64_t offset) {
    return answer(sys_.pread(static_cast<int>(fd), into, size, static_cast<std::int64_t>(offset)));
}

std::int64_t Process::pwrite(std::int64_t fd, const void* from, std::size_t size, std::uint64_t offset) {
    return answer(sys_.pwrite(static_cast<int>(fd), from, size, static_cast<std::int64_t>(offset)));
}

std::int64_t Process::mmap(std::uint64_t address, std::uint64_t size, int protection, int flags, std::int64_t fd,
                           std::uint64_t offset) {
    void* const at = sys_.mmap(reinterpret_cast<void*>(address), size, protection, flags, static_cast<int>(fd),
                               static_cast<std::int64_t>(offset));
    if (at == egm::kMapFailed)
        return -errno;
    const auto begin = reinterpret_cast<std::uint64_t>(at);
    mappings_.emplace_back(begin, egm::align_up(begin + size, page()));
    return static_cast<std::int64_t>(begin);
}

std::int64_t Process::munmap(std::uint64_t address, std::uint64_t size) {
    const std::int64_t result = answer(sys_.munmap(reinterpret_cast<void*>(address), size));
    if (result < 0)
        return result;
    // What is gone must not be unmapped again at the end: something else may lie there by then.
    const std::uint64_t gone_end = egm::align_up(address + size, page());
    std::vector<std::pair<std::uint64_t, std::uint64_t>> left;
    for (const auto& [begin, end] : mappings_) {
        if (begin < address)
            left.emplace_back(begin, std::min(end, address));
        if (end > gone_end)
            left.emplace_back(std::max(begin, gone_end), end);
    }
    mappings_ = std::move(left);
    return result;
}

std::uint64_t Process::memory(std::uint64_t pages, int protection) {
    return static_cast<std::uint64_t>(
        must(mmap(0, pages * page(), protection, MAP_PRIVATE | MAP_ANONYMOUS), "mmap of anonymous memory"));
}

std::int64_t Process::must_open(const std::string& path, int flags) { return must(open(path, flags), "open " + path); }

std::int64_t Process::must(std::int64_t result, const std::string& what) {
    if (result < 0)
        throw SetupFailed(what + ": " + text(result));
    return result;
}

std::string Process::read_text(const std::string& path) {
    const std::int64_t fd = open(path, O_RDONLY);
    if (fd < 0)
        return text(fd);
    char buffer[4096];
    const std::int64_t size = pread(fd, buffer, sizeof buffer, 0);
    close(fd);
    if (size < 0)
        return text(size);
    std::string content(buffer, static_cast<std::size_t>(size));
    if (!content.empty() && content.back() == '\n')
        content.pop_back();
    return content;
}

} // namespace contract
