#pragma once

#include "tests/contract/process.h"

namespace contract {

/// A process that has the EGM device open.
struct Egm : Process {
    /// Throws SetupFailed.
    explicit Egm(World& world, int flags = O_RDWR)
        : Process(world), size(world.facts().egm_size), fd(must_open(world.facts().egm_path, flags)) {}
    std::uint64_t must_map(std::uint64_t bytes, std::uint64_t offset = 0) {
        return static_cast<std::uint64_t>(must(map_file(fd, bytes, offset), "mmap"));
    }
    const std::uint64_t size;
    const std::int64_t fd;
};

} // namespace contract
