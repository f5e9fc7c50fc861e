#pragma once

#include <cstdint>

namespace models {

/// Packets that met a dead link, and their payload.
struct LostPackets {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;

    void add(std::uint64_t more_packets, std::uint64_t more_bytes) {
        packets += more_packets;
        bytes += more_bytes;
    }
    LostPackets& operator+=(const LostPackets& other) {
        add(other.packets, other.bytes);
        return *this;
    }
    LostPackets operator-(const LostPackets& before) const { return {packets - before.packets, bytes - before.bytes}; }
};

} // namespace models
