#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "models/byte_window.h"
#include "models/packet.h"

namespace models {

/// A limit on bytes in flight, such as the trackers of a hub: who finds no room waits in order.
class CreditPool {
public:
    /// `limit_bytes` 0 = no limit.
    CreditPool(std::string name, std::uint64_t limit_bytes) : name_(std::move(name)), window_(limit_bytes) {}

    bool limited() const { return window_.limited(); }

    /// Takes room for `payload`, or queues it. A burst larger than the limit passes alone.
    bool take(Payload& payload, Picoseconds now) {
        if (waiting_.empty() && window_.fits(payload.get_data_length(), now)) {
            window_.take(payload.get_data_length(), now);
            return true;
        }
        if (waiting_.empty()) {
            blocked_since_ = now;
        }
        waiting_.push_back(&payload);
        return false;
    }

    void give(std::uint64_t bytes, Picoseconds now) { window_.give(bytes, now); }

    /// The next one waiting that now has room, which it takes; null when there is none.
    Payload* next(Picoseconds now) {
        if (waiting_.empty() || !window_.fits(waiting_.front()->get_data_length(), now)) {
            return nullptr;
        }
        Payload* payload = waiting_.front();
        waiting_.pop_front();
        window_.take(payload->get_data_length(), now);
        if (waiting_.empty()) {
            blocked_ += now - blocked_since_;
        }
        return payload;
    }

    /// Time up to `now` in which somebody waited.
    Picoseconds blocked_until(Picoseconds now) const {
        return blocked_ + (waiting_.empty() ? 0 : now - blocked_since_);
    }
    std::uint64_t limit_bytes() const { return window_.limit(); }
    const std::string& name() const { return name_; }

private:
    std::string name_;
    ByteWindow window_;
    std::deque<Payload*> waiting_;
    Picoseconds blocked_ = 0;
    Picoseconds blocked_since_ = 0;
};

} // namespace models
