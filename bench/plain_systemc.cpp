// The same crossings in SystemC as one would write them first: a module and a queue for each node, hosts and switch,
// and a kernel event for the next packet that arrives there.

#include <algorithm>
#include <memory>
#include <queue>
#include <string>
#include <systemc>
#include <vector>

#include "bench/crossings.h"

namespace bench {
namespace {

struct Packet {
    unsigned from;
    unsigned to;
    std::uint64_t bytes;
    bool answer;
};

struct Arrival {
    sc_core::sc_time time;
    std::uint64_t sequence;
    Packet packet;

    bool operator>(const Arrival& other) const {
        return time != other.time ? time > other.time : sequence > other.sequence;
    }
};

/// A host or the switch: where packets arrive, each at its time.
class Node : public sc_core::sc_module {
public:
    explicit Node(const sc_core::sc_module_name& name) : sc_module(name) {
        SC_HAS_PROCESS(Node);
        SC_METHOD(run);
        sensitive << arrival_;
        dont_initialize();
    }

    void put(const sc_core::sc_time& time, const Packet& packet) {
        const bool first = queue_.empty() || time < queue_.top().time;
        queue_.push({time, sequence_++, packet});
        if (first) {
            arrival_.notify(time - sc_core::sc_time_stamp());
        }
    }

protected:
    virtual void arrive(const Packet& packet) = 0;

    /// Sends `packet` over a sub-link that is free at `free`, to be at `next` after serialisation and flight.
    static void cross(sc_core::sc_time& free, const Packet& packet, Node& next, Outcome& outcome) {
        ++outcome.crossings;
        const sc_core::sc_time start = std::max(sc_core::sc_time_stamp(), free);
        free = start + sc_core::sc_time::from_value(packet.bytes * 1'000'000'000'000ull / kBytesPerSecond);
        next.put(start + sc_core::sc_time::from_value(kLatency), packet);
    }

private:
    void run() {
        const Packet packet = queue_.top().packet;
        queue_.pop();
        if (!queue_.empty()) {
            arrival_.notify(queue_.top().time - sc_core::sc_time_stamp());
        }
        arrive(packet);
    }

    std::priority_queue<Arrival, std::vector<Arrival>, std::greater<>> queue_;
    std::uint64_t sequence_ = 0;
    sc_core::sc_event arrival_;
};

struct Network;

class Switch final : public Node {
public:
    Switch(const char* name, Network& network, unsigned ports) : Node(name), network_(network), free_(ports) {}

private:
    void arrive(const Packet& packet) override;

    Network& network_;
    std::vector<sc_core::sc_time> free_; ///< by port
};

class Host final : public Node {
public:
    Host(const char* name, Network& network, unsigned number, unsigned hosts)
        : Node(name), network_(network), number_(number), peers_(number, hosts) {}

    void send();

private:
    void arrive(const Packet& packet) override;

    Network& network_;
    unsigned number_;
    Peers peers_;
    sc_core::sc_time free_;
};

struct Network {
    std::unique_ptr<Switch> crossbar;
    std::vector<std::unique_ptr<Host>> hosts;
    std::uint64_t left = 0;
    std::uint64_t packet_bytes = 0;
    Outcome outcome;
};

void Switch::arrive(const Packet& packet) {
    cross(free_[packet.to], packet, *network_.hosts[packet.to], network_.outcome);
}

void Host::send() {
    if (network_.left > 0) {
        --network_.left;
        cross(free_, {number_, peers_.next(), network_.packet_bytes, false}, *network_.crossbar, network_.outcome);
    }
}

void Host::arrive(const Packet& packet) {
    if (packet.answer) {
        network_.outcome.finished = sc_core::sc_time_stamp().value();
        send();
    } else {
        cross(free_, {number_, packet.from, 0, true}, *network_.crossbar, network_.outcome);
    }
}

} // namespace

Outcome cross_with_plain_systemc(const Work& work) {
    Network network;
    network.left = work.round_trips;
    network.packet_bytes = work.packet_bytes;
    network.crossbar = std::make_unique<Switch>("crossbar", network, work.hosts);
    for (unsigned i = 0; i < work.hosts; ++i) {
        network.hosts.push_back(std::make_unique<Host>(("host" + std::to_string(i)).c_str(), network, i, work.hosts));
    }
    for (auto& host : network.hosts) {
        for (unsigned i = 0; i < work.window; ++i) {
            host->send();
        }
    }
    sc_core::sc_start();
    return network.outcome;
}

} // namespace bench
