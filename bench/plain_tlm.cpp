// The same crossings with what TLM-2.0 offers for it: a module for each node, sockets between them, generic payloads
// from a pool with an extension, and the library's payload event queue in each node.

#include <algorithm>
#include <memory>
#include <string>
#include <systemc>
#include <tlm>
#include <tlm_utils/peq_with_get.h>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>
#include <vector>

#include "bench/crossings.h"

namespace bench {
namespace {

using Payload = tlm::tlm_generic_payload;

struct Header final : tlm::tlm_extension<Header> {
    unsigned from = 0;
    unsigned to = 0;
    bool answer = false;

    tlm_extension_base* clone() const override { return new Header(*this); }
    void copy_from(const tlm_extension_base& other) override { *this = static_cast<const Header&>(other); }
};

class Pool final : public tlm::tlm_mm_interface {
public:
    Payload& take(unsigned from, unsigned to, std::uint64_t bytes, bool answer) {
        if (idle_.empty()) {
            all_.push_back(std::make_unique<Payload>(this));
            all_.back()->set_extension(new Header);
            idle_.push_back(all_.back().get());
        }
        Payload& payload = *idle_.back();
        idle_.pop_back();
        payload.acquire();
        payload.set_data_length(static_cast<unsigned>(bytes));
        Header& header = *payload.get_extension<Header>();
        header.from = from;
        header.to = to;
        header.answer = answer;
        return payload;
    }
    void free(Payload* payload) override { idle_.push_back(payload); }

private:
    std::vector<std::unique_ptr<Payload>> all_;
    std::vector<Payload*> idle_;
};

struct Shared {
    Pool pool;
    std::uint64_t left = 0;
    Outcome outcome;
};

/// A host or the switch: packets come in over its sockets and wait in its queue until they are there.
class Node : public sc_core::sc_module {
public:
    std::vector<std::unique_ptr<tlm_utils::simple_target_socket<Node>>> in;
    std::vector<std::unique_ptr<tlm_utils::simple_initiator_socket<Node>>> out;

    Node(const sc_core::sc_module_name& name, Shared& shared, unsigned ports)
        : sc_module(name), shared_(shared), queue_("queue"), free_(ports) {
        for (unsigned i = 0; i < ports; ++i) {
            const std::string number = std::to_string(i);
            in.push_back(std::make_unique<tlm_utils::simple_target_socket<Node>>(("in" + number).c_str()));
            in.back()->register_nb_transport_fw(this, &Node::receive);
            out.push_back(std::make_unique<tlm_utils::simple_initiator_socket<Node>>(("out" + number).c_str()));
        }
        SC_HAS_PROCESS(Node);
        SC_METHOD(run);
        sensitive << queue_.get_event();
        dont_initialize();
    }

protected:
    virtual void arrive(Payload& payload, const Header& header) = 0;

    /// Sends `payload` over the sub-link of `port`, to be at its end after serialisation and flight.
    void cross(unsigned port, Payload& payload) {
        ++shared_.outcome.crossings;
        const sc_core::sc_time now = sc_core::sc_time_stamp();
        const sc_core::sc_time start = std::max(now, free_[port]);
        free_[port] =
            start + sc_core::sc_time::from_value(payload.get_data_length() * 1'000'000'000'000ull / kBytesPerSecond);
        sc_core::sc_time delay = start + sc_core::sc_time::from_value(kLatency) - now;
        tlm::tlm_phase phase = tlm::BEGIN_REQ;
        (*out[port])->nb_transport_fw(payload, phase, delay);
    }

    Shared& shared_;

private:
    tlm::tlm_sync_enum receive(Payload& payload, tlm::tlm_phase&, sc_core::sc_time& delay) {
        queue_.notify(payload, delay);
        return tlm::TLM_COMPLETED;
    }
    void run() {
        while (Payload* payload = queue_.get_next_transaction()) {
            arrive(*payload, *payload->get_extension<Header>());
        }
    }

    tlm_utils::peq_with_get<Payload> queue_;
    std::vector<sc_core::sc_time> free_; ///< by port
};

class Switch final : public Node {
public:
    using Node::Node;

private:
    void arrive(Payload& payload, const Header& header) override { cross(header.to, payload); }
};

class Host final : public Node {
public:
    Host(const sc_core::sc_module_name& name, Shared& shared, unsigned number, const Work& work)
        : Node(name, shared, 1), number_(number), bytes_(work.packet_bytes), peers_(number, work.hosts) {}

    void send() {
        if (shared_.left > 0) {
            --shared_.left;
            cross(0, shared_.pool.take(number_, peers_.next(), bytes_, false));
        }
    }

private:
    void arrive(Payload& payload, const Header& header) override {
        const unsigned from = header.from;
        const bool answer = header.answer;
        payload.release();
        if (answer) {
            shared_.outcome.finished = sc_core::sc_time_stamp().value();
            send();
        } else {
            cross(0, shared_.pool.take(number_, from, 0, true));
        }
    }

    unsigned number_;
    std::uint64_t bytes_;
    Peers peers_;
};

} // namespace

Outcome cross_with_plain_tlm(const Work& work) {
    Shared shared;
    shared.left = work.round_trips;
    Switch crossbar("crossbar", shared, work.hosts);
    std::vector<std::unique_ptr<Host>> hosts;
    for (unsigned i = 0; i < work.hosts; ++i) {
        hosts.push_back(std::make_unique<Host>(("host" + std::to_string(i)).c_str(), shared, i, work));
        hosts.back()->out[0]->bind(*crossbar.in[i]);
        crossbar.out[i]->bind(*hosts.back()->in[0]);
    }
    sc_core::sc_start(sc_core::SC_ZERO_TIME);
    for (auto& host : hosts) {
        for (unsigned i = 0; i < work.window; ++i) {
            host->send();
        }
    }
    sc_core::sc_start();
    return shared.outcome;
}

} // namespace bench
