#pragma once

#include <cstdint>
#include <string>

#include "tests/contract/process.h"

namespace contract {

/// QEMU's edu device, driven by pread and pwrite on its VFIO file, so that it does the same on both sides of the door.
/// Source: QEMU docs/specs/edu.rst. Its IOVAs have 28 bits.
///
/// Device region 0: 0x80 source, 0x88 destination, 0x90 length, 0x98 command (1 start, 2 from the device); the device's
/// own 4096 bytes are at 0x40000 of its address space and are reached by DMA only.
class Edu {
public:
    /// Turns bus mastering on. Throws SetupFailed.
    Edu(Process& process, std::int64_t device_fd, bool bus_master = true);

    /// The device reads `size` bytes at `iova` into its own memory. Throws SetupFailed when it never ends.
    void fetch(std::uint64_t iova, std::uint64_t size, std::uint64_t at = 0) { transfer(iova, kBuffer + at, size, 1); }
    /// The device writes `size` bytes of its own memory to `iova`.
    void deliver(std::uint64_t iova, std::uint64_t size, std::uint64_t at = 0) {
        transfer(kBuffer + at, iova, size, 3);
    }

private:
    static constexpr std::uint64_t kBuffer = 0x40000;

    void transfer(std::uint64_t source, std::uint64_t destination, std::uint64_t size, std::uint32_t command);
    void set(std::uint64_t offset, std::uint64_t value);
    std::uint32_t get(std::uint64_t offset);

    Process& process_;
    const std::int64_t fd_;
};

/// "arrived" or "blocked": whether the device's fetch from `iova` and its delivery to `mapped` (a mapped IOVA, whose
/// memory is at `memory`) brought the 8 bytes `value`.
std::string fetched(Process& process, Edu& edu, std::uint64_t iova, std::uint64_t mapped, std::uint64_t memory,
                    std::uint64_t value);

/// "arrived" or "blocked": whether a delivery to `iova` changed the 8 bytes at `memory`. The device's memory is filled
/// by way of `mapped`, a mapped IOVA whose memory is at `mapped_memory`.
std::string delivered(Process& process, Edu& edu, std::uint64_t iova, std::uint64_t memory, std::uint64_t mapped,
                      std::uint64_t mapped_memory);

} // namespace contract
