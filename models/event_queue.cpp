#include "models/event_queue.h"

#include <algorithm>
#include <cassert>

namespace models {

namespace {
constexpr std::size_t kArity = 4;
} // namespace

EventQueue::EventQueue(const sc_core::sc_module_name& name) : sc_module(name) {
    SC_HAS_PROCESS(EventQueue);
    SC_METHOD(run);
    sensitive << wake_;
    dont_initialize();
    assert(sc_core::sc_get_time_resolution() == sc_core::sc_time(1, sc_core::SC_PS));
}

void EventQueue::at(Picoseconds time, Handler& handler, void* argument) {
    const Picoseconds present = now();
    assert(time >= present);
    const bool earliest = heap_.empty() || time < heap_.front().time;
    push({time, sequence_++, &handler, argument});
    if (earliest && !running_) {
        wake_.notify(sc_core::sc_time::from_value(time - present));
    }
}

void EventQueue::run() {
    const Picoseconds present = now();
    running_ = true;
    while (!heap_.empty() && heap_.front().time <= present) {
        const Entry entry = pop();
        ++fired_;
        entry.handler->fire(entry.argument);
    }
    running_ = false;
    if (!heap_.empty()) {
        wake_.notify(sc_core::sc_time::from_value(heap_.front().time - present));
    }
}

void EventQueue::push(const Entry& entry) {
    std::size_t at = heap_.size();
    heap_.push_back(entry);
    while (at > 0) {
        const std::size_t parent = (at - 1) / kArity;
        if (!entry.before(heap_[parent])) {
            break;
        }
        heap_[at] = heap_[parent];
        at = parent;
    }
    heap_[at] = entry;
}

EventQueue::Entry EventQueue::pop() {
    const Entry top = heap_.front();
    const Entry last = heap_.back();
    heap_.pop_back();
    const std::size_t size = heap_.size();
    std::size_t at = 0;
    while (size > 0) {
        const std::size_t first = at * kArity + 1;
        if (first >= size) {
            break;
        }
        std::size_t least = first;
        for (std::size_t child = first + 1; child < std::min(first + kArity, size); ++child) {
            if (heap_[child].before(heap_[least])) {
                least = child;
            }
        }
        if (!heap_[least].before(last)) {
            break;
        }
        heap_[at] = heap_[least];
        at = least;
    }
    if (size > 0) {
        heap_[at] = last;
    }
    return top;
}

} // namespace models
