#pragma once

#include <array>

#include "models/port.h"
#include "models/specs.h"
#include "models/sublink.h"

namespace models {

/// A full-duplex link between ports 0 and 1: NVLink-C2C, a bundle of NVLinks, a Grace-to-Grace link, PCIe, a cable.
///
/// Timing of each sub-link, one per direction:
///
///     rate   = line rate * count * efficiency
///     start  = max(now, sub-link free)
///     free   = start + wire bytes / rate                    serialisation
///     arrive = start + latency                              first byte; the last one when the slowest hop lets it
///
/// A burst of n granules is n packets on the wire. Each read request, acknowledgement and read response carries a
/// header; each write carries a write header and its data. Requests one way share the sub-link with the responses to
/// requests the other way.
///
/// `store_and_forward`: the far end sees each packet whole, the first one at start + bytes / packets / rate + latency.
///
/// `buffer_bytes`: the far end has that much room for each link of the bundle and each virtual lane (requests,
/// responses); a burst starts only when it has credits for it (`LinkRoom`). `share` says how tenants compete for it.
/// `Sublink` decides who goes next.
///
/// Not modelled: replay, power states.
class Link final : public Component {
public:
    /// `a` and `b` name the ends, for reports. Preconditions: rate, count and efficiency are positive.
    Link(const sc_core::sc_module_name& name, EventQueue& events, const LinkSpec& spec, const std::string& a = "a",
         const std::string& b = "b");

    /// Bytes a second, each direction: line rate x count x efficiency.
    static std::uint64_t payload_rate(const LinkSpec& spec) {
        return static_cast<std::uint64_t>(static_cast<double>(spec.line_bytes_per_second) * spec.count *
                                          spec.efficiency);
    }

    /// Sub-link by the end that sends.
    const Server& sublink(unsigned end) const { return sublinks_[end].server(); }
    const Sublink& sender(unsigned end) const { return sublinks_[end]; }
    /// How tenants share what goes out at `end`. Before the simulation starts.
    void share(unsigned end, const SharingSpec& spec) { sublinks_[end].share(spec); }
    const LinkSpec& spec() const { return spec_; }

    /// Dead, or alive again. A dead link loses what is to cross it: a request turns round, marked `Transit::lost`, and
    /// so ends at its initiator; an answer goes on with the mark, in place of the time-out by which its initiator would
    /// know. What is on the wire already arrives.
    void set_dead(bool dead) { dead_ = dead; }
    /// So many links of the bundle carry nothing. Precondition: fewer than all.
    void set_lost(unsigned links);

private:
    friend class Sublink;

    void joined(unsigned port, const Component& other) override;
    void request(unsigned port, Payload& payload, Picoseconds delay) override;
    void response(unsigned port, Payload& payload, Picoseconds delay) override;
    void trace(unsigned port, Payload& payload, PathTrace& trace) override;
    unsigned access(unsigned port, Payload& payload) override;

    /// What a burst takes on the wire.
    std::uint64_t wire_bytes(Payload& payload, bool response) const {
        const std::uint64_t bytes = payload.get_data_length();
        const std::uint32_t granule = transit(payload).granule;
        const std::uint64_t packets = (static_cast<std::uint32_t>(bytes) + granule - 1) / granule;
        if (response) {
            if (!transit(payload).answered) { // only in a trace
                return 0;
            }
            return packets * spec_.header_bytes + (payload.is_read() && !transit(payload).lost ? bytes : 0);
        }
        return payload.is_write() ? packets * spec_.write_header_bytes + bytes : packets * spec_.header_bytes;
    }
    /// A burst reaches end `far` after `delay`.
    void deliver(unsigned far, Payload& payload, Picoseconds delay) {
        if (dead_ && lose(1 - far, payload)) {
            return;
        }
        if (payload.get_response_status() != tlm::TLM_INCOMPLETE_RESPONSE) {
            send_response(far, payload, delay);
        } else {
            send_request(far, payload, delay);
        }
    }
    bool lose(unsigned near, Payload& payload);

    const LinkSpec spec_;
    const std::uint64_t rate_; ///< bytes a second, each direction
    bool dead_ = false;
    std::array<Sublink, 2> sublinks_;
};

} // namespace models
