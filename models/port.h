#pragma once

#include <cassert>
#include <memory>
#include <string>
#include <tlm>
#include <utility>
#include <vector>

#include "models/event_queue.h"
#include "models/packet.h"

namespace models {

class CreditPool;
class Server;

/// What a path costs, collected by walking it: the models' own arithmetic, with no traffic (`Component::trace`).
struct PathTrace final : tlm::tlm_extension<PathTrace> {
    struct Use {
        const Server* server;
        double picoseconds; ///< of the server's time for the traced burst
    };

    struct Hold {
        const CreditPool* pool;
        double byte_picoseconds; ///< of the pool's room, for the traced burst
    };

    std::vector<Use> uses;
    std::vector<Hold> holds;
    double share = 1;          ///< of the traffic that takes the way walked now
    unsigned components = ~0u; ///< that the walk still enters on the way; at none left it turns round
    Picoseconds latency = 0;   ///< unloaded, first byte asked for to first byte back
    Picoseconds arrival = 0;   ///< unloaded, first byte of a write sent until it has arrived in its memory
    std::vector<std::pair<std::string, Picoseconds>>
        stages; ///< components in the order of the request, with their part

    void add(const Server& server, double picoseconds) { uses.push_back({&server, picoseconds * share}); }
    /// `bytes` of room in `pool` are taken for `time`.
    void hold(const CreditPool& pool, std::uint64_t bytes, Picoseconds time) {
        holds.push_back({&pool, static_cast<double>(bytes) * static_cast<double>(time) * share});
    }
    /// `there`: the part of `time` before the memory has taken a write. Without it, half: as much there as back.
    void add_latency(const std::string& component, Picoseconds time) { add_latency(component, time, time / 2); }
    void add_latency(const std::string& component, Picoseconds time, Picoseconds there) {
        latency += time;
        arrival += there;
        stages.emplace_back(component, time);
    }

    tlm_extension_base* clone() const override { return new PathTrace(*this); }
    void copy_from(const tlm_extension_base& other) override { *this = static_cast<const PathTrace&>(other); }
};

/// A hardware component: a SystemC module with numbered ports, each a TLM-2.0 target and initiator socket.
///
/// Base protocol, approximately timed. A request is `nb_transport_fw(BEGIN_REQ)`, accepted at once (`TLM_UPDATED`,
/// `END_REQ`); its response is `nb_transport_bw(BEGIN_RESP)`, taken at once (`TLM_COMPLETED`). The annotated delay is
/// how long after now the first byte is there: a component with a queue waits for that instant before it arbitrates,
/// one without adds its latency and passes the packet on within the call.
class Component : public sc_core::sc_module {
public:
    /// Requests come in at `in` and leave at `out`; responses the other way round. Plain sockets that the port itself
    /// answers: those of tlm_utils, made for any protocol, hold queues and tables that took 20 KB a port and a look-up
    /// a response.
    class Port final : private tlm::tlm_fw_transport_if<>, private tlm::tlm_bw_transport_if<> {
    public:
        Port(const std::string& name, Component& owner, unsigned index);

    private:
        tlm::tlm_sync_enum nb_transport_fw(Payload& payload, tlm::tlm_phase& phase, sc_core::sc_time& delay) override {
            assert(phase == tlm::BEGIN_REQ);
            owner_.request(index_, payload, delay.value());
            phase = tlm::END_REQ;
            return tlm::TLM_UPDATED;
        }
        tlm::tlm_sync_enum nb_transport_bw(Payload& payload, tlm::tlm_phase& phase, sc_core::sc_time& delay) override {
            assert(phase == tlm::BEGIN_RESP);
            (void)phase;
            owner_.response(index_, payload, delay.value());
            return tlm::TLM_COMPLETED;
        }
        unsigned transport_dbg(Payload& payload) override { return owner_.debug(index_, payload); }
        void b_transport(Payload&, sc_core::sc_time&) override { assert(false && "approximately timed only"); }
        bool get_direct_mem_ptr(Payload&, tlm::tlm_dmi&) override { return false; } // it would bypass all timing
        void invalidate_direct_mem_ptr(sc_dt::uint64, sc_dt::uint64) override {}

        Component& owner_; // first: what every crossing looks at
        const unsigned index_;

    public:
        tlm::tlm_target_socket<> in;
        tlm::tlm_initiator_socket<> out;
        std::string peer; ///< the component at the other end
    };

    Component(const sc_core::sc_module_name& name, EventQueue& events) : sc_module(name), events_(events) {}

    Port& port(unsigned index) { return *ports_[index]; }
    unsigned ports() const { return static_cast<unsigned>(ports_.size()); }

    /// Walks `payload`, which carries a `PathTrace`, as it would come in at `port`.
    void walk(unsigned port, Payload& payload) { debug(port, payload); }

    /// True of a switch: what comes in waits in its input buffers until the next link takes it, and who waits for the
    /// same link takes turns. Anything else takes what comes as it comes.
    virtual bool is_switch() const { return false; }

    /// Joins port `a` of `left` and port `b` of `right`, both ways.
    static void join(Component& left, unsigned a, Component& right, unsigned b);

protected:
    /// Adds a port and returns its number. To be called by constructors: a SystemC module has its sockets from the
    /// start.
    unsigned add_port(const std::string& name);

    /// Port `port` has been joined to `other`.
    virtual void joined(unsigned /*port*/, const Component& /*other*/) {}
    /// A request whose first byte arrives at `port` after `delay`.
    virtual void request(unsigned port, Payload& payload, Picoseconds delay) = 0;
    /// A response whose first byte arrives at `port` (the one the request left by) after `delay`.
    virtual void response(unsigned port, Payload& payload, Picoseconds delay) = 0;
    /// Adds this component's part of the path to `trace`, and walks on.
    virtual void trace(unsigned port, Payload& payload, PathTrace& trace) = 0;
    /// Untimed access to bytes: passes the call on, or answers it. Returns the number of bytes moved.
    virtual unsigned access(unsigned port, Payload& payload) = 0;

    void send_request(unsigned port, Payload& payload, Picoseconds delay) {
        tlm::tlm_phase phase = tlm::BEGIN_REQ;
        Way& way = ways_[port];
        sc_core::sc_time annotated = way.annotated(delay);
        const auto status = way.forward->nb_transport_fw(payload, phase, annotated);
        assert(status == tlm::TLM_UPDATED && phase == tlm::END_REQ);
        (void)status;
    }
    void send_response(unsigned port, Payload& payload, Picoseconds delay) {
        tlm::tlm_phase phase = tlm::BEGIN_RESP;
        Way& way = ways_[port];
        sc_core::sc_time annotated = way.annotated(delay);
        const auto status = way.backward->nb_transport_bw(payload, phase, annotated);
        assert(status == tlm::TLM_COMPLETED);
        (void)status;
    }
    /// `transport_dbg` onward: a trace or an access to bytes.
    unsigned pass_on(unsigned port, Payload& payload) { return ports_[port]->out->transport_dbg(payload); }

    EventQueue& events() { return events_; }

private:
    /// Where a port's sockets lead, looked up once.
    struct Way {
        tlm::tlm_fw_transport_if<>* forward = nullptr;
        tlm::tlm_bw_transport_if<>* backward = nullptr;
        Picoseconds last = 0;
        sc_core::sc_time last_annotated{};

        /// A delay as SystemC writes it; most of a port's delays are the same.
        sc_core::sc_time annotated(Picoseconds delay) {
            if (delay != last) {
                last = delay;
                last_annotated = sc_core::sc_time::from_value(delay);
            }
            return last_annotated;
        }
    };

    void end_of_elaboration() final;
    unsigned debug(unsigned port, Payload& payload);

    EventQueue& events_;
    std::vector<Way> ways_; ///< by port
    std::vector<std::unique_ptr<Port>> ports_;
};

} // namespace models
