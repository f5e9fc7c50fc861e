// The same crossings in plain SystemC, through finite buffers as our models have them: a module and a queue for each
// node, hosts and switch, and in it what comes to the node at a time: packets, credits, and the end of a serialisation.

#include <deque>
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
    unsigned input; ///< port of the switch by which it came
};

enum class What { kPacket, kCredits, kFree };

struct Coming {
    sc_core::sc_time time;
    std::uint64_t sequence;
    What what;
    unsigned port; ///< of credits, and of what is free
    Packet packet; ///< for credits, only its bytes

    bool operator>(const Coming& other) const {
        return time != other.time ? time > other.time : sequence > other.sequence;
    }
};

class Node;

/// The near end of a sub-link: what waits for it, and the room that is known at its far end.
struct Output {
    Node* peer;
    std::uint64_t credits;
    std::deque<Packet> waiting{};
    sc_core::sc_time free{};
    bool will_wake = false;
};

class Node : public sc_core::sc_module {
public:
    std::vector<Output> outputs;

    Node(const sc_core::sc_module_name& name, Outcome& outcome) : sc_module(name), outcome_(outcome) {
        SC_HAS_PROCESS(Node);
        SC_METHOD(run);
        sensitive << arrival_;
        dont_initialize();
    }

    void put(const sc_core::sc_time& time, What what, unsigned port, const Packet& packet) {
        const bool first = queue_.empty() || time < queue_.top().time;
        queue_.push({time, sequence_++, what, port, packet});
        if (first) {
            arrival_.notify(time - sc_core::sc_time_stamp());
        }
    }

protected:
    virtual void arrive(const Packet& packet) = 0;
    /// `packet` starts to leave, and so makes room.
    virtual void left(const Packet& packet) = 0;

    void send(unsigned port, const Packet& packet) {
        outputs[port].waiting.push_back(packet);
        serve(port);
    }

    static sc_core::sc_time flight() { return sc_core::sc_time::from_value(kLatency); }

    Outcome& outcome_;

private:
    void run() {
        const Coming coming = queue_.top();
        queue_.pop();
        if (!queue_.empty()) {
            arrival_.notify(queue_.top().time - sc_core::sc_time_stamp());
        }
        switch (coming.what) {
        case What::kPacket:
            arrive(coming.packet);
            break;
        case What::kCredits:
            outputs[coming.port].credits += coming.packet.bytes;
            serve(coming.port);
            break;
        case What::kFree:
            outputs[coming.port].will_wake = false;
            serve(coming.port);
            break;
        }
    }

    /// Starts what may start.
    void serve(unsigned port) {
        Output& output = outputs[port];
        const sc_core::sc_time now = sc_core::sc_time_stamp();
        while (!output.waiting.empty()) {
            if (output.free > now) {
                if (!output.will_wake) {
                    output.will_wake = true;
                    put(output.free, What::kFree, port, {});
                }
                return;
            }
            const Packet packet = output.waiting.front();
            if (packet.bytes > output.credits) {
                return;
            }
            output.waiting.pop_front();
            output.credits -= packet.bytes;
            output.free = now + sc_core::sc_time::from_value(packet.bytes * 1'000'000'000'000ull / kBytesPerSecond);
            ++outcome_.crossings;
            left(packet);
            output.peer->put(now + flight(), What::kPacket, 0, packet);
        }
    }

    std::priority_queue<Coming, std::vector<Coming>, std::greater<>> queue_;
    std::uint64_t sequence_ = 0;
    sc_core::sc_event arrival_;
};

class Switch final : public Node {
public:
    using Node::Node;

private:
    void arrive(const Packet& packet) override { send(packet.to, packet); }
    void left(const Packet& packet) override {
        if (packet.bytes != 0) {
            outputs[packet.input].peer->put(sc_core::sc_time_stamp() + flight(), What::kCredits, 0, packet);
        }
    }
};

class Host final : public Node {
public:
    Host(const char* name, Outcome& outcome, std::uint64_t& left, unsigned number, const Work& work)
        : Node(name, outcome), left_(left), number_(number), bytes_(work.packet_bytes), peers_(number, work.hosts) {}

    void ask() {
        if (left_ > 0) {
            --left_;
            send(0, {number_, peers_.next(), bytes_, false, number_});
        }
    }

private:
    void arrive(const Packet& packet) override {
        if (packet.bytes != 0) { // it takes a packet as it arrives
            outputs[0].peer->put(sc_core::sc_time_stamp() + flight(), What::kCredits, number_, packet);
        }
        if (packet.answer) {
            outcome_.finished = sc_core::sc_time_stamp().value();
            ask();
        } else {
            send(0, {number_, packet.from, 0, true, number_});
        }
    }
    void left(const Packet&) override {}

    std::uint64_t& left_;
    unsigned number_;
    std::uint64_t bytes_;
    Peers peers_;
};

} // namespace

Outcome cross_with_plain_credits(const Work& work) {
    Outcome outcome;
    std::uint64_t left = work.round_trips;
    const std::uint64_t room = work.buffer_bytes != 0 ? work.buffer_bytes : ~std::uint64_t{0};
    Switch crossbar("crossbar", outcome);
    std::vector<std::unique_ptr<Host>> hosts;
    for (unsigned i = 0; i < work.hosts; ++i) {
        hosts.push_back(std::make_unique<Host>(("host" + std::to_string(i)).c_str(), outcome, left, i, work));
        hosts.back()->outputs.push_back({&crossbar, room});
        crossbar.outputs.push_back({hosts.back().get(), room});
    }
    for (auto& host : hosts) {
        for (unsigned i = 0; i < work.window; ++i) {
            host->ask();
        }
    }
    sc_core::sc_start();
    return outcome;
}

} // namespace bench
