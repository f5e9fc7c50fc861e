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
    capacity_ = ring_.size();
    first_ = 0;
    last_ = size;
}

inline void EventQueue::Lane::prefetch() const {
    constexpr std::size_t kAhead = 3; // events; where there are fewer, what is left of an old one does no harm
    const Event& event = ring_[(first_ + kAhead) & mask()];
    __builtin_prefetch(event.handler);
    __builtin_prefetch(event.argument);
}

EventQueue::EventQueue(const sc_core::sc_module_name& name) : sc_module(name) {
    SC_HAS_PROCESS(EventQueue);
    SC_METHOD(run);
    sensitive << wake_;
    dont_initialize();
    assert(sc_core::sc_get_time_resolution() == sc_core::sc_time(1, sc_core::SC_PS));
}

void EventQueue::at(Picoseconds time, Handler& handler, void* argument) {
    const Event event{time, sequence_++, &handler, argument};
    if (time == now_) {
        immediate_.push(event);
        return;
    }
    const Picoseconds present = now();
    assert(time >= present);
    const bool earliest = now_ == kNotFiring && (heap_.empty() || time < heap_.front().time);
    if (Lane* const lane = lane_for(time)) {
        if (lane->empty()) {
            push({time, event.sequence, nullptr, lane});
        }
        lane->push(event);
    } else {
        push({time, event.sequence, &handler, argument});
    }
    if (earliest) {
        wake_.notify(sc_core::sc_time::from_value(time - present));
    }
}

/// The ends stay in order: the one that moves up stays below those that are later.
inline EventQueue::Lane* EventQueue::lane_for(Picoseconds time) {
    constexpr std::size_t kUsual = 6; // of so few lanes it is nearly always
    std::size_t later = 0;            // lanes that end after `time`
    while (later < kUsual && latest_[later] > time) {
        ++later;
    }
    if (later == kUsual) {
        for (std::size_t step = kLanes / 2; step != 0; step /= 2) {
            later += later + step <= kLanes && latest_[later + step - 1] > time ? step : 0;
        }
    }
    if (later == kLanes) {
        return nullptr;
    }
    latest_[later] = time;
    return &lanes_[later];
}

inline void EventQueue::fire(const Event& event) {
    ++fired_;
    event.handler->fire(event.argument);
}

void EventQueue::run() {
    now_ = sc_core::sc_time_stamp().value();
    while (!heap_.empty() && heap_.front().time <= now_) {
        fire(pop());
    }
    while (!immediate_.empty()) {
        const Event event = immediate_.front();
        immediate_.pop();
        fire(event);
    }
    if (!heap_.empty()) {
        wake_.notify(sc_core::sc_time::from_value(heap_.front().time - now_));
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

inline EventQueue::Event EventQueue::pop() {
    const Entry top = heap_.front();
    Event event{top.time, top.sequence, top.handler, top.argument};
    if (top.handler == nullptr) {
        Lane& lane = *static_cast<Lane*>(top.argument);
        event = lane.front();
        lane.pop();
        lane.prefetch();
        if (!lane.empty()) {
            const Event& next = lane.front();
            sift_down({next.time, next.sequence, nullptr, &lane});
            return event;
        }
    }
    const Entry last = heap_.back();
    heap_.pop_back();
    if (!heap_.empty()) {
        sift_down(last);
    }
    return event;
}

} // namespace models
