#pragma once

#include <vector>

#include "models/mapping.h"
#include "models/port.h"
#include "models/server.h"
#include "models/specs.h"
#include "models/tlb.h"

namespace models {

/// What a translation request carries to the SMMU, beside the TLM payload.
struct TranslationRequest final : tlm::tlm_extension<TranslationRequest> {
    std::uint32_t space = 0;
    std::uint64_t page = 0; ///< virtual address / TLB reach
    std::uint64_t virtual_address = 0;
    std::uint64_t block_bytes = 0; ///< stage-2 block; 0 = one stage

    tlm_extension_base* clone() const override { return new TranslationRequest(*this); }
    void copy_from(const tlm_extension_base& other) override { *this = static_cast<const TranslationRequest&>(other); }
};

/// The SMMU of a socket: answers ATS requests of GPUs and translates for DMA devices.
///
/// A request that hits the TLB takes `tlb_latency`. One that misses waits for a walker, which reads one leaf entry of
/// stage 1 (upper levels come from walk caches) and, where there is a stage 2, one leaf entry of stage 2 for each of
/// the two IPAs whose block the stage-2 TLB does not hold:
///
///     answer = tlb_latency + wait for a walker + walk_access * (1 + stage-2 misses)
///
/// Not modelled: page requests (PRI), command queues and invalidations, levels above the leaf.
class Smmu final : public Component, private EventQueue::Handler {
public:
    /// One port for each of `devices`, in their order.
    Smmu(const sc_core::sc_module_name& name, EventQueue& events, const SmmuSpec& spec,
         const std::vector<std::string>& devices);

    /// As `Translator::warm`, for both stages.
    void warm(const Mapping& mapping, std::uint64_t working_set);
    void flush();

    const Server& walkers() const { return walkers_busy_; }

private:
    void request(unsigned port, Payload& payload, Picoseconds delay) override;
    void response(unsigned port, Payload& payload, Picoseconds delay) override;
    void trace(unsigned port, Payload& payload, PathTrace& trace) override;
    unsigned access(unsigned port, Payload& payload) override;
    void fire(void* argument) override;

    unsigned stage2_reads(const TranslationRequest& ask);

    const SmmuSpec spec_;
    Tlb tlb_;
    Tlb stage2_tlb_;
    std::vector<Picoseconds> walkers_free_; ///< when each walker is next idle
    Server walkers_busy_;
};

} // namespace models
