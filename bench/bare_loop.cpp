// The same crossings with a four-ary heap and nothing else: what a simulator of this traffic cannot well beat.

#include <algorithm>
#include <vector>

#include "bench/crossings.h"

namespace bench {
namespace {

struct Packet {
    std::uint32_t from;
    std::uint32_t to;
    std::uint32_t bytes;
    bool answer;
};

struct Event {
    Picoseconds time;
    std::uint64_t sequence;
    std::uint32_t link; ///< sub-link that the packet arrives at
    Packet packet;

    bool before(const Event& other) const { return time != other.time ? time < other.time : sequence < other.sequence; }
};

class Heap {
public:
    bool empty() const { return events_.empty(); }

    void push(Event event) {
        event.sequence = sequence_++;
        std::size_t at = events_.size();
        events_.push_back(event);
        while (at > 0 && event.before(events_[(at - 1) / 4])) {
            events_[at] = events_[(at - 1) / 4];
            at = (at - 1) / 4;
        }
        events_[at] = event;
    }

    Event pop() {
        const Event top = events_.front();
        const Event last = events_.back();
        events_.pop_back();
        const std::size_t size = events_.size();
        for (std::size_t at = 0; size > 0;) {
            const std::size_t first = 4 * at + 1;
            std::size_t least = first;
            for (std::size_t child = first + 1; child < std::min(first + 4, size); ++child) {
                if (events_[child].before(events_[least])) {
                    least = child;
                }
            }
            if (first >= size || !events_[least].before(last)) {
                events_[at] = last;
                break;
            }
            events_[at] = events_[least];
            at = least;
        }
        return top;
    }

private:
    std::vector<Event> events_;
    std::uint64_t sequence_ = 0;
};

} // namespace

Outcome cross_with_bare_loop(const Work& work) {
    Outcome outcome;
    Heap heap;
    std::vector<Peers> peers;
    std::vector<Picoseconds> free(2 * work.hosts); // up-links, then down-links
    std::uint64_t left = work.round_trips;
    const auto send = [&](Picoseconds now, std::uint32_t host) {
        if (left > 0) {
            --left;
            const auto bytes = static_cast<std::uint32_t>(work.packet_bytes);
            heap.push({now, 0, host, {host, peers[host].next(), bytes, false}});
        }
    };
    for (unsigned host = 0; host < work.hosts; ++host) {
        peers.emplace_back(host, work.hosts);
    }
    for (unsigned host = 0; host < work.hosts; ++host) {
        for (unsigned i = 0; i < work.window; ++i) {
            send(0, host);
        }
    }
    while (!heap.empty()) {
        const Event event = heap.pop();
        if (event.link == 2 * work.hosts) { // at a host
            if (event.packet.answer) {
                outcome.finished = event.time;
                send(event.time, event.packet.to);
            } else {
                heap.push({event.time, 0, event.packet.to, {event.packet.to, event.packet.from, 0, true}});
            }
            continue;
        }
        ++outcome.crossings;
        Picoseconds& sublink = free[event.link];
        const Picoseconds start = std::max(event.time, sublink);
        sublink = start + event.packet.bytes * 1'000'000'000'000ull / kBytesPerSecond;
        const std::uint32_t next = event.link < work.hosts ? work.hosts + event.packet.to : 2 * work.hosts;
        heap.push({start + kLatency, 0, next, event.packet});
    }
    return outcome;
}

} // namespace bench
