#pragma once

#include <cstdint>
#include <systemc>
#include <vector>

#include "models/specs.h"

namespace models {

/// The event queue of all traffic models: one SystemC process in front of a four-ary heap of lanes.
///
/// A packet in flight costs one entry for each resource that it queues at, and no SystemC event of its own. Events fire
/// in time order; events of the same instant fire in the order in which they were scheduled, so a run is the same on
/// every machine. Time is SystemC's, in whole picoseconds.
///
/// Most resources are first in, first out: what one schedules while it fires comes later than what it scheduled before.
/// Such events wait in the resource's lane, a ring in time order, and only the first of each lane is in the heap. So
/// the heap has as many entries as there are busy resources, not packets in flight. An event that would be out of its
/// lane's order has a heap entry of its own; lanes change no order, only cost.
class EventQueue final : public sc_core::sc_module {
    struct Event;

    /// A ring of events in time order.
    class Lane {
    public:
        bool empty() const { return first_ == last_; }
        /// Precondition: not `empty()`.
        const Event& front() const { return ring_[first_ & mask()]; }
        Picoseconds latest() const { return latest_; }
        void push(const Event& event);
        void pop() { ++first_; }

    private:
        std::size_t mask() const { return ring_.size() - 1; }
        void grow();

        std::vector<Event> ring_; ///< a power of two
        std::size_t first_ = 0;
        std::size_t last_ = 0;
        Picoseconds latest_ = 0;
    };

public:
    class Handler {
    public:
        virtual void fire(void* argument) = 0;

    protected:
        ~Handler() = default;

    private:
        friend class EventQueue;
        friend class FifoHandler;
        Lane* lane_ = nullptr; ///< for what this handler schedules; null: each event has a heap entry of its own
    };

    /// A handler with a lane. Must live until everything that it scheduled while it fired has fired.
    class FifoHandler : public Handler {
    protected:
        FifoHandler() { lane_ = &own_lane_; }
        FifoHandler(const FifoHandler&) = delete;
        ~FifoHandler() = default;

    private:
        Lane own_lane_;
    };

    explicit EventQueue(const sc_core::sc_module_name& name);

    /// Simulated time.
    Picoseconds now() const { return now_ != kNotFiring ? now_ : sc_core::sc_time_stamp().value(); }

    /// Calls `handler.fire(argument)` at `time`. Precondition: `time >= now()`.
    void at(Picoseconds time, Handler& handler, void* argument);

    /// As `at`, for an event that comes out of the order of what the handler that fires now schedules otherwise, such
    /// as its own next turn: it has a heap entry of its own, and does not hold up the lane.
    void wake(Picoseconds time, Handler& handler);

    std::uint64_t fired() const { return fired_; }
    std::size_t pending() const { return pending_; }

private:
    static constexpr Picoseconds kNotFiring = ~Picoseconds{0};

    struct Event {
        Picoseconds time;
        std::uint64_t sequence;
        Handler* handler;
        void* argument;
    };

    /// The first event of a lane, or an event without one.
    struct Entry {
        Event event;
        Lane* lane;

        bool before(const Entry& other) const { return key() < other.key(); }

    private:
        __extension__ typedef unsigned __int128 Key; // compared without a branch
        Key key() const { return Key{event.time} << 64 | event.sequence; }
    };

    void run();
    void schedule(const Event& event, Lane* lane);
    void fire(const Event& event);
    void push(const Entry& entry);
    /// Takes the top out; puts the next of its lane in its place, if there is one.
    Event pop();
    void sift_down(const Entry& entry);

    std::vector<Entry> heap_;
    Lane immediate_; ///< what is scheduled for the instant in which it is scheduled: after all else of that instant
    Lane* lane_ = nullptr; ///< of the handler whose turn it is
    Picoseconds now_ = kNotFiring;
    std::uint64_t sequence_ = 0;
    std::uint64_t fired_ = 0;
    std::size_t pending_ = 0;
    sc_core::sc_event wake_;
};

} // namespace models
