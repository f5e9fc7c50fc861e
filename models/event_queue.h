#pragma once

#include <array>
#include <cstdint>
#include <systemc>
#include <vector>

#include "models/specs.h"

namespace models {

/// The event queue of all traffic models: one SystemC process in front of sorted lanes.
///
/// A packet in flight costs one event for each resource that it queues at, and no SystemC event of its own. Events fire
/// in time order; events of the same instant fire in the order in which they were scheduled, so a run is the same on
/// every machine. Time is SystemC's, in whole picoseconds.
///
/// Most delays are of a few sorts: a time of flight, the serialisation of a burst. Events of the same delay come in
/// time order; so does much else. So an event goes to the back of a lane, a ring in time order: that one whose latest
/// event is the latest of those not after it (patience sorting: Aldous, Diaconis, Bulletin of the AMS 36(4), 1999). A
/// four-ary heap holds the first event of each lane. Few lanes are in use, however many events are pending, and an
/// event costs a look at their ends and a step in a heap of a few entries. What is out of order in every lane, which
/// takes kLanes events each earlier than the one before, has a heap entry of its own.
///
/// While no SystemC process has anything to do, the queue goes on from instant to instant by itself, ahead of the
/// kernel's time: an instant of the kernel costs as much as an event. It is back in step before any process runs, so
/// that each sees every event at its time in `sc_time_stamp()`. While an event fires only `now()` is the time, and
/// delays annotated between our models count from there. `keep_pace()` turns this off.
class EventQueue final : public sc_core::sc_module {
public:
    class Handler {
    public:
        virtual void fire(void* argument) = 0;

    protected:
        ~Handler() = default;
    };

    explicit EventQueue(const sc_core::sc_module_name& name);

    /// Simulated time.
    Picoseconds now() const { return now_ != kNotFiring ? now_ : sc_core::sc_time_stamp().value(); }

    /// Calls `handler.fire(argument)` at `time`. Precondition: `time >= now()`.
    void at(Picoseconds time, Handler& handler, void* argument = nullptr);

    /// As `event.notify()`, for what fires: whoever waits for `event` goes on at `now()`, after all of that instant.
    void notify(sc_core::sc_event& event);

    /// The kernel's time is `now()` in every event from here on: for modules that are not ours, which look at
    /// `sc_time_stamp()` in a call from our models, and for a simulation by `sc_start` with an end.
    void keep_pace() { keeps_pace_ = true; }

    std::uint64_t fired() const { return fired_; }
    std::size_t pending() const { return static_cast<std::size_t>(sequence_ - fired_); }

private:
    static constexpr Picoseconds kNotFiring = ~Picoseconds{0};
    static constexpr std::size_t kLanes = 64; ///< a power of two

    struct Event {
        Picoseconds time;
        std::uint64_t sequence;
        Handler* handler;
        void* argument;
    };

    /// A ring of events in time order.
    class Lane {
    public:
        bool empty() const { return first_ == last_; }
        /// Precondition: not `empty()`.
        const Event& front() const { return ring_[first_ & mask()]; }
        void push(const Event& event) {
            if (last_ - first_ == capacity_) {
                grow();
            }
            ring_[last_++ & mask()] = event;
        }
        void pop() { ++first_; }
        /// What the events soon to come look at comes into the cache meanwhile: nobody has touched it for a while.
        void prefetch() const;

    private:
        std::size_t mask() const { return capacity_ - 1; }
        void grow();

        std::vector<Event> ring_;
        std::size_t capacity_ = 0; ///< its size, a power of two
        std::size_t first_ = 0;
        std::size_t last_ = 0;
    };

    /// The first event of a lane, or an event that is in none.
    struct Entry {
        Picoseconds time;
        std::uint64_t sequence;
        Handler* handler; ///< null: the first of a lane
        void* argument;   ///< without `handler`, the lane

        bool before(const Entry& other) const { return key() < other.key(); }

    private:
        __extension__ typedef unsigned __int128 Key; // compared without a branch
        Key key() const { return Key{time} << 64 | sequence; }
    };

    void run();
    void run_instant();
    void fire(const Event& event);
    /// The lane for an event at `time`; null if it would be out of order in all.
    Lane* lane_for(Picoseconds time);
    void push(const Entry& entry);
    /// Takes the top out; puts the next of its lane in its place, if there is one.
    Event pop();
    void sift_down(const Entry& entry);

    std::vector<Entry> heap_;
    std::array<Picoseconds, kLanes> latest_{}; ///< of each lane, the latest first
    std::array<Lane, kLanes> lanes_;
    Lane immediate_; ///< what is scheduled for the instant in which it is scheduled: after all else of that instant
    Picoseconds now_ = kNotFiring;
    Picoseconds kernel_turn_ = 0; ///< some process runs then; until then we need not return to the kernel
    bool keeps_pace_ = false;
    std::uint64_t sequence_ = 0; ///< events scheduled so far
    std::uint64_t fired_ = 0;
    sc_core::sc_event wake_;
};

} // namespace models
