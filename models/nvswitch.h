#pragma once

#include "models/router.h"
#include "models/specs.h"

namespace models {

/// NVSwitch: passes packets between its ports, `latency` each way. Its crossbar is non-blocking; packets for the same
/// port queue at that port's link.
///
/// Each input port has the buffer of its link (`LinkSpec::buffer_bytes`) for each virtual lane. A packet holds its room
/// until the link out of its output port starts to send it; any packet in the buffer may go whose output is free, so
/// that none waits behind one for another port (virtual output queues that share the buffer), until the buffer is full.
/// Inputs that wait for the same output take turns by bytes (`InputTurns`).
///
/// Multicast and in-network reduction (NVLS): a request to a group becomes a copy for each member. A write goes to all
/// of them, and is acknowledged when all have acknowledged. A read asks all of them, and its one answer is their sum,
/// whose first byte is there when the last of theirs is:
///
///     first byte = max over the members' first bytes + latency          last byte alike
///
/// So a write of b bytes takes b on the sender's link and b on each member's, a read b on each member's link towards
/// the switch and b on that of who asked. Adding up takes no time of its own. Buffers of members begin at the same
/// offset of their memories.
///
/// The first copy has the request's room in the input buffer; the others wait for their links without one.
///
/// A copy that meets a dead link, or has no way any more, counts as answered with nothing. The request then is lost as
/// a whole: its initiator asks the group again, and members that have the bytes already get them twice.
///
/// Not modelled: room for what waits to be summed up, and for copies but the first; groups over several levels of
/// switches.
class NvSwitch final : public Router {
public:
    /// One port for each of `links`, in their order.
    NvSwitch(const sc_core::sc_module_name& name, EventQueue& events, const SwitchSpec& spec,
             const std::vector<std::string>& links)
        : Router(name, events), spec_(spec) {
        for (const std::string& link : links) {
            add_port(link);
        }
    }

    static constexpr unsigned kFirstLink = 0;

    bool is_switch() const override { return true; }

    struct Member {
        std::uint16_t gpu;    ///< part index
        std::uint16_t memory; ///< part index of its HBM
        std::uint64_t base;   ///< address of that memory's first byte
    };
    /// What a request to `group` goes to. Preconditions: `group` is not 0, and the switch has fewer than 255 ports.
    void set_group(PacketPool& packets, std::uint16_t group, std::vector<Member> members);

private:
    /// A request to a group whose copies are under way. Hears when its written bytes have arrived.
    struct Gathering final : Delivery {
        Payload* asked = nullptr;
        unsigned port = 0; ///< by which it came
        std::size_t answers_left = 0;
        std::size_t arrivals_left = 0;
        Picoseconds first = 0; ///< latest of the answers' first bytes so far
        Picoseconds last = 0;  ///< and of their last ones
        Picoseconds arrival = 0;
        bool lost = false; ///< one of the copies was

        void arrived(Picoseconds time, std::uint64_t bytes) override;
    };
    static constexpr unsigned kGathering = 255; ///< way back of a copy: it ends here

    void request(unsigned port, Payload& payload, Picoseconds delay) override {
        if (transit(payload).group != 0) {
            spread(port, payload, delay);
            return;
        }
        if (!knows(transit(payload))) { // on its way when the last way was lost
            turn_round(port, payload, delay + spec_.latency);
            return;
        }
        transit(payload).push(port);
        transit(payload).input = static_cast<std::uint8_t>(port);
        send_request(choose(transit(payload)), payload, delay + spec_.latency);
    }
    void response(unsigned port, Payload& payload, Picoseconds delay) override {
        const unsigned to = transit(payload).pop();
        if (to == kGathering && !groups_.empty()) {
            gather(payload, delay);
            return;
        }
        transit(payload).input = static_cast<std::uint8_t>(port);
        send_response(to, payload, delay + spec_.latency);
    }
    void trace(unsigned port, Payload& payload, PathTrace& trace) override;

    void spread(unsigned port, Payload& payload, Picoseconds delay);
    void gather(Payload& copy, Picoseconds delay);
    static void address(Payload& copy, const Member& member, std::uint64_t offset);

    const SwitchSpec spec_;
    PacketPool* packets_ = nullptr;
    std::vector<std::vector<Member>> groups_; ///< by number; none for 0
    std::vector<std::unique_ptr<Gathering>> gatherings_;
    std::vector<Gathering*> idle_;
};

} // namespace models
