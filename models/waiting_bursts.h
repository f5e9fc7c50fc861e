#pragma once

#include <cstdint>
#include <vector>

#include "models/packet.h"

namespace models {

/// A burst that waits at a sub-link, with what deciding about it takes: who decides need not look into
/// the packet, which nobody has touched since it was sent.
struct WaitingBurst {
    Payload* payload;
    Picoseconds arrived; ///< its first byte
    std::uint32_t wire_bytes;
    std::uint8_t lane;
    std::uint8_t input; ///< port of the switch by which it came
};

/// The bursts of one sub-link in one piece of memory, as large as ever waited at a time. Each may be followed by
/// another: queues are lists of them.
class WaitingBursts {
public:
    static constexpr std::uint32_t kNone = ~std::uint32_t{0};

    std::uint32_t add(const WaitingBurst& burst) {
        if (free_ == kNone) {
            nodes_.push_back({burst, kNone});
            return static_cast<std::uint32_t>(nodes_.size() - 1);
        }
        const std::uint32_t node = free_;
        free_ = nodes_[node].next;
        nodes_[node] = {burst, kNone};
        return node;
    }
    void remove(std::uint32_t node) {
        nodes_[node].next = free_;
        free_ = node;
    }

    const WaitingBurst& operator[](std::uint32_t node) const { return nodes_[node].burst; }
    std::uint32_t& next(std::uint32_t node) { return nodes_[node].next; }

private:
    struct Node {
        WaitingBurst burst;
        std::uint32_t next;
    };
    std::vector<Node> nodes_;
    std::uint32_t free_ = kNone;
};

} // namespace models
