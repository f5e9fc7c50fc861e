#pragma once

#include <algorithm>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "models/port.h"

/// The two ends of a path under test: who asks, and who answers.
namespace test {

using models::Aperture;
using models::Payload;
using models::Picoseconds;
using models::transit;

/// What an asker hears of one packet.
struct Reply {
    Picoseconds first = 0; ///< when the answer's first byte is there
    Picoseconds last = 0;  ///< and its last
    tlm::tlm_response_status status = tlm::TLM_INCOMPLETE_RESPONSE;
    bool come = false;
};

/// Sends packets from its only port, and notes when their answers come.
class Asker final : public models::Component {
public:
    Asker(const sc_core::sc_module_name& name, models::EventQueue& events, models::PacketPool& packets)
        : Component(name, events), packets_(packets) {
        add_port("out");
    }

    /// A packet to part 1 of the system network, as long as nothing else is set in its `transit`.
    Payload& packet(tlm::tlm_command command, std::uint64_t address, std::uint64_t bytes) {
        Payload& payload = packets_.take(command, address, bytes);
        transit(payload).destination = transit(payload).memory = 1;
        return payload;
    }
    Payload& read(std::uint64_t bytes, std::uint64_t address = 0) {
        return packet(tlm::TLM_READ_COMMAND, address, bytes);
    }
    Payload& write(std::uint64_t bytes, std::uint64_t address = 0) {
        return packet(tlm::TLM_WRITE_COMMAND, address, bytes);
    }

    /// Sends it now. The reply fills in as the simulation goes on.
    const Reply& send(Payload& payload) {
        replies.emplace_back();
        transit(payload).token = &replies.back();
        send_request(0, payload, 0);
        return replies.back();
    }

    /// The untimed way: a trace when `path` is given, else bytes.
    models::PathTrace trace(Payload& payload) {
        models::PathTrace path;
        payload.set_extension(&path);
        pass_on(0, payload);
        payload.clear_extension(&path);
        return path;
    }
    unsigned move(Payload& payload, void* data) {
        payload.set_data_ptr(static_cast<unsigned char*>(data));
        return pass_on(0, payload);
    }

    Picoseconds last() const {
        Picoseconds latest = 0;
        for (const Reply& reply : replies) {
            latest = std::max(latest, reply.last);
        }
        return latest;
    }
    std::size_t answered() const {
        std::size_t count = 0;
        for (const Reply& reply : replies) {
            count += reply.come;
        }
        return count;
    }

    std::deque<Reply> replies; ///< in the order of sending

private:
    void request(unsigned, Payload&, Picoseconds) override { ADD_FAILURE() << "nobody asks an asker"; }
    void response(unsigned, Payload& payload, Picoseconds delay) override {
        auto& reply = *static_cast<Reply*>(transit(payload).token);
        EXPECT_FALSE(reply.come) << "answered twice";
        const Picoseconds first = events().now() + delay;
        reply = {first, first + transit(payload).tail, payload.get_response_status(), true};
        EXPECT_EQ(transit(payload).hops, 0) << "not the whole way back";
        payload.release();
    }
    void trace(unsigned, Payload&, models::PathTrace&) override {}
    unsigned access(unsigned, Payload&) override { return 0; }

    models::PacketPool& packets_;
};

/// Answers every packet that comes in at any of its ports, `latency` after its first byte; a write when all is in.
/// Half of the latency is annotated, as a link or a memory would, so that the answer is passed on before it is there.
class Answerer final : public models::Component, private models::EventQueue::Handler {
public:
    struct Arrival {
        Picoseconds time;
        unsigned port;
        std::uint64_t address;
        bool write;
        Aperture aperture;
        std::uint16_t destination;
    };

    Answerer(const sc_core::sc_module_name& name, models::EventQueue& events, unsigned ports, Picoseconds latency = 0)
        : Component(name, events), latency_(latency) {
        for (unsigned i = 0; i < ports; ++i) {
            add_port("in" + std::to_string(i));
        }
    }

    std::size_t arrivals_at(unsigned port) const {
        return static_cast<std::size_t>(
            std::count_if(arrivals.begin(), arrivals.end(), [&](const Arrival& one) { return one.port == port; }));
    }

    std::vector<Arrival> arrivals; ///< timed and untimed ones
    Picoseconds arrival = 0;       ///< written bytes are in so much after they came
    unsigned to_lose = 0;          ///< so many of the next answers meet a dead link

private:
    void note(unsigned port, Payload& payload, Picoseconds time) {
        arrivals.push_back({time, port, payload.get_address(), payload.is_write(), transit(payload).aperture,
                            transit(payload).destination});
    }
    void request(unsigned port, Payload& payload, Picoseconds delay) override {
        const Picoseconds time = events().now() + delay;
        note(port, payload, time);
        transit(payload).push(port);
        const Picoseconds tail = payload.is_write() ? transit(payload).tail : 0;
        if (payload.is_write() && transit(payload).delivery != nullptr) {
            std::exchange(transit(payload).delivery, nullptr)
                ->arrived(time + tail + arrival, payload.get_data_length());
        }
        events().at(time + tail + latency_ - latency_ / 2, *this, &payload);
    }
    void fire(void* argument) override {
        auto& payload = *static_cast<Payload*>(argument);
        transit(payload).tail = 0;
        payload.set_response_status(tlm::TLM_OK_RESPONSE);
        if (to_lose > 0) {
            --to_lose;
            transit(payload).lost = true;
        }
        send_response(transit(payload).pop(), payload, latency_ / 2);
    }
    void response(unsigned, Payload&, Picoseconds) override { ADD_FAILURE() << "an answerer asks nobody"; }
    void trace(unsigned port, Payload& payload, models::PathTrace& trace) override {
        note(port, payload, 0);
        trace.add_latency(basename(), latency_);
    }
    unsigned access(unsigned port, Payload& payload) override {
        note(port, payload, events().now());
        return payload.get_data_length();
    }

    Picoseconds latency_;
};

} // namespace test
