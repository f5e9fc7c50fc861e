#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include "models/byte_window.h"
#include "models/packet.h"

namespace models {

/// A limit on bytes in flight, such as the trackers of a hub. Who finds no room waits: in order among those of the same
/// source; between sources, the one that was given the fewest bytes while it waited is next (fair queueing; ties by
/// number), so that none can crowd the others out, whatever its bursts.
class CreditPool {
public:
    /// `limit_bytes` 0 = no limit.
    CreditPool(std::string name, std::uint64_t limit_bytes) : name_(std::move(name)), window_(limit_bytes) {}

    bool limited() const { return window_.limited(); }

    /// Takes room for `payload`, or queues it behind its `source`. A burst larger than the limit passes alone.
    bool take(Payload& payload, Picoseconds now, unsigned source = 0) {
        if (waiting_ == 0 && window_.fits(payload.get_data_length(), now)) {
            window_.take(payload.get_data_length(), now);
            return true;
        }
        if (waiting_ == 0) {
            blocked_since_ = now;
        }
        ++waiting_;
        Queue& queue = queues_[source];
        if (queue.waiting.empty()) { // what it was given when it waited last counts still, but earns nothing
            queue.given = std::max(queue.given, given_least_);
        }
        queue.waiting.push_back(&payload);
        return false;
    }

    void give(std::uint64_t bytes, Picoseconds now) { window_.give(bytes, now); }

    /// The next one waiting if it now has room, which it takes; else null.
    Payload* next(Picoseconds now) {
        if (waiting_ == 0) {
            return nullptr;
        }
        const auto queue = std::min_element(queues_.begin(), queues_.end(), [](const auto& a, const auto& b) {
            return !a.second.waiting.empty() && (b.second.waiting.empty() || a.second.given < b.second.given);
        });
        Payload* const payload = queue->second.waiting.front();
        if (!window_.fits(payload->get_data_length(), now)) {
            return nullptr;
        }
        window_.take(payload->get_data_length(), now);
        given_least_ = queue->second.given;
        queue->second.given += payload->get_data_length();
        queue->second.waiting.pop_front();
        if (--waiting_ == 0) {
            blocked_ += now - blocked_since_;
        }
        return payload;
    }

    /// Time up to `now` in which somebody waited.
    Picoseconds blocked_until(Picoseconds now) const { return blocked_ + (waiting_ == 0 ? 0 : now - blocked_since_); }
    std::uint64_t limit_bytes() const { return window_.limit(); }
    const std::string& name() const { return name_; }

private:
    struct Queue {
        std::uint64_t given = 0; ///< bytes, on a scale that all sources share
        std::deque<Payload*> waiting;
    };

    std::string name_;
    ByteWindow window_;
    std::map<unsigned, Queue> queues_; ///< by source
    std::size_t waiting_ = 0;
    std::uint64_t given_least_ = 0; ///< of the source served last, before it was served
    Picoseconds blocked_ = 0;
    Picoseconds blocked_since_ = 0;
};

} // namespace models
