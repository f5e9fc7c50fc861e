#pragma once

#include <algorithm>
#include <cassert>
#include <cstdint>

#include "models/timed_ring.h"

namespace models {

class Sublink;

/// The credits of one virtual lane in one direction of a link: what the buffer at the far end has room for.
///
/// A burst takes its bytes when it starts, and they come back when the next hop starts to pass it on, or an end point
/// takes it, plus the time of flight back. A flow alone thus gets
///
///     min(rate, buffer / credit round trip)
///
/// whatever its burst: the limit holds on average over time, as hardware counts flits, of which a burst is many.
///
///     fits = used + burst <= limit, or used < limit and the integral of (used - limit) over time <= 0
///
/// A burst larger than the whole buffer passes alone, and holds it for as many round trips as it fills it.
///
/// Credits on their way back are a short list in order of time, looked at only when the known room does not do.
class LinkRoom {
public:
    static constexpr Picoseconds kUnknown = ~Picoseconds{0};

    /// Whose credits these are, and the buffer's size; 0 = without end. `flight` one way.
    void set(Sublink& sender, std::uint64_t limit, Picoseconds flight) {
        sender_ = &sender;
        limit_ = static_cast<std::int64_t>(std::min<std::uint64_t>(limit, kLimitMax));
        flight_ = flight;
        memory_ = kMemoryFlights * std::max<Picoseconds>(flight, 1);
        most_ = limit_ * static_cast<std::int64_t>(memory_);
    }

    bool limited() const { return limit_ != 0; }
    std::uint64_t used() const { return static_cast<std::uint64_t>(used_); }

    /// When `bytes` may start, at `now` or later, by the credits whose return is known; `kUnknown` if that is not
    /// enough.
    Picoseconds ready(std::uint64_t bytes, Picoseconds now) {
        const auto size = static_cast<std::int64_t>(bytes);
        if (limit_ == 0 || used_ + size <= limit_) {
            return now;
        }
        return ready_when_pressed(size, now);
    }

    /// Precondition: `ready(bytes, now) == now`.
    void take(std::uint64_t bytes, Picoseconds now) {
        if (excess_ > 0 || used_ + static_cast<std::int64_t>(bytes) > limit_) {
            advance(now);
        } else {
            last_ = now; // room to spare: what is not used then earns nothing
            while (!coming_.empty() && coming_.front().time <= now) {
                used_ -= coming_.front().what;
                coming_.pop();
            }
        }
        used_ += static_cast<std::int64_t>(bytes);
        if (static_cast<std::int64_t>(bytes) > limit_) {
            oversize_since_ = now;
        }
    }

    /// The buffer lets `bytes` go at `time`; the sender knows a flight later. Returns when that is.
    Picoseconds give(std::uint64_t bytes, Picoseconds time) {
        const auto size = static_cast<std::int64_t>(bytes);
        Picoseconds known = time + flight_;
        if (size > limit_) {
            const double rounds = static_cast<double>(size) / static_cast<double>(limit_);
            known = oversize_since_ + static_cast<Picoseconds>(static_cast<double>(known - oversize_since_) * rounds);
        }
        coming_.push(known, size);
        return known;
    }

    Sublink& sender() const { return *sender_; }

private:
    struct State {
        std::int64_t used;
        std::int64_t excess;
        Picoseconds time;

        /// From when `size` fits if nothing more comes back.
        Picoseconds fits(std::int64_t size, std::int64_t limit) const {
            if (used <= 0 || used + size <= limit || (used < limit && excess <= 0)) {
                return time;
            }
            return used < limit ? time + static_cast<Picoseconds>((excess + limit - used - 1) / (limit - used))
                                : kUnknown;
        }
    };

    /// What was not used long ago earns nothing: the integral goes no further back than this many flights.
    static constexpr Picoseconds kMemoryFlights = 16;
    static constexpr std::uint64_t kLimitMax = 1u << 31; ///< more is never in flight; times `memory_` it fits 64 bits

    Picoseconds ready_when_pressed(std::int64_t size, Picoseconds now) {
        while (!coming_.empty() && coming_.front().time <= now) {
            advance(coming_.front().time);
            used_ -= coming_.front().what;
            coming_.pop();
        }
        advance(now);
        State state{used_, excess_, now};
        for (std::size_t i = 0;; ++i) {
            const Picoseconds next = i < coming_.size() ? coming_[i].time : kUnknown;
            const Picoseconds fits = state.fits(size, limit_);
            if (fits <= next) {
                return fits; // or kUnknown
            }
            state.excess += over(state.used, next - state.time);
            state.used -= coming_[i].what;
            state.time = next;
        }
    }

    void advance(Picoseconds now) {
        if (now > last_) { // a credit that was looked at late lies in the past of a burst that went without it
            excess_ = std::clamp(excess_ + over(used_, now - last_), -most_, most_);
            last_ = now;
        }
    }
    /// The integral of used - limit over `time`, as far as it counts.
    std::int64_t over(std::int64_t used, Picoseconds time) const {
        return (used - limit_) * static_cast<std::int64_t>(std::min(time, memory_));
    }

    Sublink* sender_ = nullptr;
    std::int64_t limit_ = 0;
    std::int64_t used_ = 0;
    std::int64_t excess_ = 0; ///< byte picoseconds
    std::int64_t most_ = 0;
    Picoseconds memory_ = 1;
    Picoseconds last_ = 0;
    Picoseconds flight_ = 0;
    Picoseconds oversize_since_ = 0;
    TimedRing<std::int64_t> coming_; ///< bytes, by when they are here
};

} // namespace models
