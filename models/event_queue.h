#pragma once

#include <cstdint>
#include <systemc>
#include <vector>

#include "models/specs.h"

namespace models {

/// The event queue of all traffic models: one SystemC process in front of a four-ary heap.
///
/// A packet in flight costs one heap entry for each resource that it queues at, and no SystemC event of its own.
/// Events fire in time order; events of the same instant fire in the order in which they were scheduled, so a run is
/// the same on every machine. Time is SystemC's, in whole picoseconds.
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
    Picoseconds now() const { return sc_core::sc_time_stamp().value(); }

    /// Calls `handler.fire(argument)` at `time`. Precondition: `time >= now()`.
    void at(Picoseconds time, Handler& handler, void* argument);

    std::uint64_t fired() const { return fired_; }
    std::size_t pending() const { return heap_.size(); }

private:
    struct Entry {
        Picoseconds time;
        std::uint64_t sequence;
        Handler* handler;
        void* argument;

        bool before(const Entry& other) const {
            return time != other.time ? time < other.time : sequence < other.sequence;
        }
    };

    void run();
    void push(const Entry& entry);
    Entry pop();

    std::vector<Entry> heap_;
    std::uint64_t sequence_ = 0;
    std::uint64_t fired_ = 0;
    bool running_ = false;
    sc_core::sc_event wake_;
};

} // namespace models
