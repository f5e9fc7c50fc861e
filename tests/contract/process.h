#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>

#include "tests/contract/outcome.h"
#include "tests/contract/world.h"

namespace contract {

/// A step before the case's own question failed. The runner reports it as the outcome.
struct SetupFailed : std::runtime_error {
    using std::runtime_error::runtime_error;
};

inline constexpr std::uint64_t kMaxU64 = ~std::uint64_t{0};

/// The calls of one case. What it opened and mapped goes with it, mappings first, descriptors in reverse.
///
/// Calls answer as the kernel does inside: a negative errno on failure.
class Process {
public:
    explicit Process(World& world);
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    std::int64_t open(const std::string& path, int flags = O_RDWR);
    std::int64_t close(std::int64_t fd);
    std::int64_t ioctl(std::int64_t fd, unsigned long request, void* argument = nullptr);
    std::int64_t ioctl_value(std::int64_t fd, unsigned long request, std::uint64_t value);
    std::int64_t pread(std::int64_t fd, void* into, std::size_t size, std::uint64_t offset);
    std::int64_t pwrite(std::int64_t fd, const void* from, std::size_t size, std::uint64_t offset);
    /// The address, or a negative errno.
    std::int64_t mmap(std::uint64_t address, std::uint64_t size, int protection, int flags, std::int64_t fd = -1,
                      std::uint64_t offset = 0);
    std::int64_t munmap(std::uint64_t address, std::uint64_t size);

    /// Shared and writable, from a file. The address, or a negative errno.
    std::int64_t map_file(std::int64_t fd, std::uint64_t size, std::uint64_t offset = 0) {
        return mmap(0, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
    }
    /// Fresh anonymous private memory. Throws SetupFailed.
    std::uint64_t memory(std::uint64_t pages, int protection = PROT_READ | PROT_WRITE);
    /// A descriptor that the case cannot do without. Throws SetupFailed.
    std::int64_t must_open(const std::string& path, int flags = O_RDWR);
    /// Throws SetupFailed, naming `what`, when `result` is an error. Else answers it.
    static std::int64_t must(std::int64_t result, const std::string& what);
    /// A descriptor that some ioctl gave out: closed with the rest.
    std::int64_t adopt(std::int64_t fd);

    /// Store and load of 8 bytes through a mapping; false or 0 where that faults.
    bool put(std::uint64_t address, std::uint64_t value) { return world.store(address, &value, sizeof value); }
    std::uint64_t get(std::uint64_t address) {
        std::uint64_t value = 0;
        return world.load(address, &value, sizeof value) ? value : 0;
    }

    std::uint64_t page() const { return world.facts().page_size; }
    /// The file's text, without the newline at its end; the errno's name on failure.
    std::string read_text(const std::string& path);

    World& world;

private:
    egm::Syscalls& sys_;
    std::vector<int> fds_;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> mappings_; ///< begin, end
};

} // namespace contract
