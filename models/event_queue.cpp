#include "models/event_queue.h"

#include <algorithm>
#include <cassert>

namespace models {

namespace {
constexpr std::size_t kArity = 4;
constexpr std::size_t kRingMin = 8;
} // namespace

void EventQueue::Lane::grow() {
    std::vector<Event> larger(std::max(kRingMin, 2 * ring_.size()));
    const std::size_t size = last_ - first_;
    for (std::size_t i = 0; i < size; ++i) {
        larger[i] = ring_[(first_ + i) & mask()];
    }
    ring_ = std::move(larger);
    first_ = 0;
    last_ = size;
}

void EventQueue::Lane::push(const Event& event) {
    if (last_ - first_ == ring_.size()) {
        grow();
    }
    ring_[last_++ & mask()] = event;
    latest_ = event.time;
}

EventQueue::EventQueue(const sc_core::sc_module_name& name) : sc_module(name) {
    SC_HAS_PROCESS(EventQueue);
    SC_METHOD(run);
    sensitive << wake_;
    dont_initialize();
    assert(sc_core::sc_get_time_resolution() == sc_core::sc_time(1, sc_core::SC_PS));
}

void EventQueue::at(Picoseconds time, Handler& handler, void* argument) {
    schedule({time, sequence_++, &handler, argument}, lane_);
}

void EventQueue::wake(Picoseconds time, Handler& handler) { schedule({time, sequence_++, &handler, nullptr}, nullptr); }

void EventQueue::schedule(const Event& event, Lane* lane) {
    const Picoseconds present = now();
    assert(event.time >= present);
    ++pending_;
    if (event.time == now_) {
        immediate_.push(event);
        return;
    }
    if (lane != nullptr && !lane->empty() && event.time >= lane->latest()) {
        lane->push(event);
        return; // behind another one: it cannot be the earliest
    }
    const bool earliest = heap_.empty() || event.time < heap_.front().event.time;
    if (lane != nullptr && lane->empty()) {
        lane->push(event);
        push({event, lane});
    } else {
        push({event, nullptr});
    }
    if (earliest && now_ == kNotFiring) {
        wake_.notify(sc_core::sc_time::from_value(event.time - present));
    }
}

void EventQueue::fire(const Event& event) {
    if (!heap_.empty()) {
        __builtin_prefetch(heap_.front().event.argument); // a packet that nobody touched for a while
    }
    --pending_;
    ++fired_;
    lane_ = event.handler->lane_;
    event.handler->fire(event.argument);
}

void EventQueue::run() {
    now_ = sc_core::sc_time_stamp().value();
    while (!heap_.empty() && heap_.front().event.time <= now_) {
        fire(pop());
    }
    while (!immediate_.empty()) {
        const Event event = immediate_.front();
        immediate_.pop();
        fire(event);
    }
    lane_ = nullptr;
    if (!heap_.empty()) {
        wake_.notify(sc_core::sc_time::from_value(heap_.front().event.time - now_));
    }
    now_ = kNotFiring;
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

void EventQueue::sift_down(const Entry& entry) {
    const std::size_t size = heap_.size();
    Entry* const heap = heap_.data();
    std::size_t at = 0;
    for (std::size_t first = 1; first < size; first = at * kArity + 1) {
        std::size_t least = first;
        if (first + kArity <= size) { // all four: the usual case, unrolled
            const std::size_t left = heap[first + 1].before(heap[first]) ? first + 1 : first;
            const std::size_t right = heap[first + 3].before(heap[first + 2]) ? first + 3 : first + 2;
            least = heap[right].before(heap[left]) ? right : left;
        } else {
            for (std::size_t child = first + 1; child < size; ++child) {
                least = heap[child].before(heap[least]) ? child : least;
            }
        }
        if (!heap[least].before(entry)) {
            break;
        }
        heap[at] = heap[least];
        at = least;
    }
    heap[at] = entry;
}

EventQueue::Event EventQueue::pop() {
    const Entry top = heap_.front();
    if (top.lane != nullptr) {
        top.lane->pop();
        if (!top.lane->empty()) {
            sift_down({top.lane->front(), top.lane});
            return top.event;
        }
    }
    const Entry last = heap_.back();
    heap_.pop_back();
    if (!heap_.empty()) {
        sift_down(last);
    }
    return top.event;
}

} // namespace models
