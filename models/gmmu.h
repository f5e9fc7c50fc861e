#pragma once

#include <deque>
#include <map>

#include "models/mapping.h"
#include "models/port.h"
#include "models/smmu.h"
#include "models/tlb.h"

namespace models {

/// The MMU of a device: a GPU's GMMU with its ATS cache, or the address translation in front of a NIC.
///
/// Memory under the GPU's own page tables (`Mapping::Tables::kOwn`: HBM, EGM, peer and pinned memory) costs nothing on
/// a TLB hit and `walk_latency` on a miss. Memory under CPU page tables (`kSmmu`) is looked up in the ATS cache; a miss
/// asks the SMMU, at most `requests_max` at a time, once per page, and the accesses to that page wait:
///
///     wait = request_latency + SMMU's answer (+ the queue in front of both)
///
/// When accesses go from one page to the next, the translation of the page after is asked for ahead of time: one block
/// that streams through system memory shows no stall at page borders (calibration rows CAL-017 and CAL-081).
///
/// Not modelled: page faults, the levels of TLBs inside the GPU.
class Gmmu final : public Component, public Translator, private EventQueue::Handler {
public:
    struct Spec {
        unsigned tlb_entries;
        Picoseconds walk_latency;
        unsigned ats_entries;
        Picoseconds request_latency; ///< to the SMMU and back
        unsigned requests_max;
    };

    /// `with_smmu`: there is an SMMU, and port 0 leads to it. Else there are no ports.
    Gmmu(const sc_core::sc_module_name& name, EventQueue& events, PacketPool& packets, const Spec& spec,
         bool with_smmu);

    std::optional<Picoseconds> translate(const Mapping& mapping, const Mapping::Leaf& leaf, unsigned worker,
                                         Client& client, void* token) override;
    void warm(const Mapping& mapping, std::uint64_t working_set, unsigned workers) override;
    void flush() override;

    /// Time in which a page waited because all translation requests were in flight.
    Picoseconds blocked_until(Picoseconds now) const;

private:
    struct Waiter {
        Client* client;
        void* token;
    };
    using Key = std::pair<std::uint32_t, std::uint64_t>; ///< address space, page
    struct Miss {
        TranslationRequest ask;
        std::vector<Waiter> waiters;
    };

    void request(unsigned port, Payload& payload, Picoseconds delay) override;
    void response(unsigned port, Payload& payload, Picoseconds delay) override;
    void trace(unsigned port, Payload& payload, PathTrace& trace) override;
    unsigned access(unsigned port, Payload& payload) override;
    void fire(void* argument) override;

    std::vector<Waiter>& ask(const Key& key, const TranslationRequest& ask);
    void send_more();

    const Spec spec_;
    PacketPool& packets_;
    Tlb tlb_;
    Tlb ats_cache_;
    std::map<Key, Miss> misses_;
    std::deque<Key> queue_; ///< misses not yet sent
    unsigned in_flight_ = 0;
    Picoseconds blocked_ = 0;
    Picoseconds blocked_since_ = 0;
};

} // namespace models
