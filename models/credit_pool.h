#pragma once

#include <cassert>
#include <cstdint>
#include <deque>
#include <string>

#include "models/packet.h"

namespace models {

/// A limit on bytes in flight, such as the trackers of a hub: who finds no room waits in order.
class CreditPool {
public:
    /// `limit_bytes` 0 = no limit.
    CreditPool(std::string name, std::uint64_t limit_bytes) : name_(std::move(name)), limit_(limit_bytes) {}

    bool limited() const { return limit_ != 0; }

    /// Takes room for `payload`, or queues it. A burst larger than the limit passes alone.
    bool take(Payload& payload, Picoseconds now) {
        if (waiting_.empty() && fits(payload)) {
            used_ += payload.get_data_length();
            return true;
        }
        if (waiting_.empty()) {
            blocked_since_ = now;
        }
        waiting_.push_back(&payload);
        return false;
    }

    void give(std::uint64_t bytes) {
        assert(used_ >= bytes);
        used_ -= bytes;
    }

    /// The next one waiting that now has room, which it takes; null when there is none.
    Payload* next(Picoseconds now) {
        if (waiting_.empty() || !fits(*waiting_.front())) {
            return nullptr;
        }
        Payload* payload = waiting_.front();
        waiting_.pop_front();
        used_ += payload->get_data_length();
        if (waiting_.empty()) {
            blocked_ += now - blocked_since_;
        }
        return payload;
    }

    /// Time up to `now` in which somebody waited.
    Picoseconds blocked_until(Picoseconds now) const {
        return blocked_ + (waiting_.empty() ? 0 : now - blocked_since_);
    }
    std::uint64_t limit_bytes() const { return limit_; }
    const std::string& name() const { return name_; }

private:
    bool fits(const Payload& payload) const {
        return limit_ == 0 || used_ == 0 || used_ + payload.get_data_length() <= limit_;
    }

    std::string name_;
    std::uint64_t limit_;
    std::uint64_t used_ = 0;
    std::deque<Payload*> waiting_;
    Picoseconds blocked_ = 0;
    Picoseconds blocked_since_ = 0;
};

} // namespace models
