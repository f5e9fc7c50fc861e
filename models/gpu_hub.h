#pragma once

#include "models/credit_pool.h"
#include "models/lost_packets.h"
#include "models/router.h"
#include "models/server.h"
#include "models/specs.h"

namespace models {

/// The inside of a GPU between its engines, its HBM and its links: L2, crossbar and hub.
///
/// A request of an engine pays the L2's `latency`, half on the way and half on the way back; one that hits the L2 ends
/// there, at the L2's bandwidth; what of it lies in another partition crosses over at `l2_crossing_bytes_per_second`. A
/// request that comes in over a link pays `inbound_latency`; those of CPU cores for this GPU's memory queue at
/// `inbound_bytes_per_second` as well, where too many threads disturb each other (`Transit::service_scale`).
///
/// Where the EGM rules live. Firmware programs the base of the socket's carveout into the hub (`set_egm`). An address
/// in the EGM aperture is an offset: the hub adds the base, and nothing checks the sum. An address in the fabric
/// aperture names this GPU's HBM window or its EGM window; the latter goes on to the carveout in the same way. Neither
/// asks the SMMU.
///
/// Reads of CPU memory share `hub_read_window_bytes`, whoever asks (SMs, copy engines, peers over NVLink), and who
/// waits takes turns; where SM loads have a limit of their own (`system_read_window_bytes`), that one holds for them
/// instead. Writes to CPU memory share `hub_write_window_bytes` in the same way. SM stores that leave over a link are
/// acknowledged `posted_write_latency` after they have room there, or, when they go elsewhere, in the posted-write
/// buffer; the room comes back with the far end's acknowledgement.
class GpuHub final : public Router, private EventQueue::Handler {
public:
    /// Ports: SM array, copy engines, HBM, then one for each of `links`.
    GpuHub(const sc_core::sc_module_name& name, EventQueue& events, PacketPool& packets, const GpuSpec& spec,
           const std::vector<std::string>& links);

    static constexpr unsigned kSm = 0;
    static constexpr unsigned kCopyEngine = 1;
    static constexpr unsigned kHbm = 2;
    static constexpr unsigned kFirstLink = 3;

    /// What firmware programs: the carveout's base, and the memory (part index) it lies in.
    void set_egm(std::uint64_t base, std::uint16_t memory);

    const Server& l2() const { return l2_; }
    const Server& l2_crossing() const { return l2_crossing_; }
    const Server& inbound() const { return inbound_; }
    const CreditPool& system_reads() const { return system_reads_; }
    const CreditPool& hub_reads() const { return hub_reads_; }
    const CreditPool& hub_writes() const { return hub_writes_; }
    const CreditPool& posted_writes() const { return posted_writes_; }
    /// Posted writes that met a dead link, or whose acknowledgements did. The hub sent the former again, unless no way
    /// was left.
    const LostPackets& lost() const { return lost_; }

private:
    static constexpr Picoseconds kSendAgain = 1'000'000; ///< after a posted write was lost (assumed)
    static constexpr unsigned kPosted = 255;             ///< way back of a posted write: it ends in the hub
    static constexpr std::uint8_t kToBePosted = 255;     ///< `Transit::tracker_hops` of a store that waits for room

    void request(unsigned port, Payload& payload, Picoseconds delay) override;
    void response(unsigned port, Payload& payload, Picoseconds delay) override;
    void trace(unsigned port, Payload& payload, PathTrace& trace) override;
    unsigned access(unsigned port, Payload& payload) override;
    void fire(void* argument) override;

    /// What holds the accesses to CPU memory that come in by `from`.
    CreditPool& pool_of(const Payload& payload, unsigned from) {
        return payload.is_write() ? hub_writes_ : from == kSm && system_reads_.limited() ? system_reads_ : hub_reads_;
    }
    CreditPool& room_of_store(const Transit& packet) { return packet.tracked ? hub_writes_ : posted_writes_; }
    void send_tracked(unsigned from, unsigned to, Payload& payload, Picoseconds delay);
    void request_from_engine(unsigned port, Payload& payload, Picoseconds delay);
    void hit_l2(unsigned port, Payload& payload);
    void resolve(Payload& payload) const;
    void give_back(Payload& payload);
    void go_on(CreditPool& pool);
    void post(Payload& payload, Picoseconds delay);
    void send_again(Payload& payload);
    bool inside(unsigned port) const { return port <= kHbm; }
    Picoseconds inward(unsigned port) const;

    const GpuSpec spec_;
    PacketPool& packets_;
    std::uint64_t egm_base_ = 0;
    std::uint16_t egm_memory_ = 0;
    std::uint16_t hbm_memory_ = 0;
    Server l2_;
    Server l2_crossing_;
    LoadedServer inbound_;
    CreditPool system_reads_;
    CreditPool hub_reads_;
    CreditPool hub_writes_;
    CreditPool posted_writes_;
    LostPackets lost_;
};

} // namespace models
