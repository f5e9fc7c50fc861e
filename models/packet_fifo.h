#pragma once

#include "models/packet.h"

namespace models {

/// Packets that wait in order of arrival, linked through their `Transit`: nothing is allocated.
class PacketFifo {
public:
    bool empty() const { return head_ == nullptr; }
    Payload& front() const { return *head_; }

    void push(Payload& payload) {
        transit(payload).behind = nullptr;
        if (head_ == nullptr) {
            head_ = &payload;
        } else {
            transit(*tail_).behind = &payload;
        }
        tail_ = &payload;
    }
    /// Precondition: not `empty()`.
    void pop() { head_ = transit(*head_).behind; }

private:
    Payload* head_ = nullptr;
    Payload* tail_ = nullptr;
};

} // namespace models
