#include "models/smmu.h"

#include <algorithm>
#include <cassert>

namespace models {

namespace {
constexpr std::uint64_t kEntryBytes = 8;            ///< of an Armv8 descriptor
constexpr std::uint32_t kTableSpace = 0x8000'0000u; ///< tags stage-2 entries of the stage-1 tables themselves
} // namespace

Smmu::Smmu(const sc_core::sc_module_name& name, EventQueue& events, const SmmuSpec& spec,
           const std::vector<std::string>& devices)
    : Component(name, events), spec_(spec), tlb_(spec.tlb_entries),
      stage2_tlb_(spec.stage2_tlb_entries > 0 ? spec.stage2_tlb_entries : spec.tlb_entries),
      walkers_free_(spec.walkers, 0), walkers_busy_(std::string(basename()) + " walkers") {
    assert(spec.walkers > 0);
    for (const std::string& device : devices) {
        add_port(device);
    }
}

void Smmu::request(unsigned port, Payload& payload, Picoseconds delay) {
    transit(payload).push(port);
    events().at(events().now() + delay, *this, &payload);
}

void Smmu::fire(void* argument) {
    auto& payload = *static_cast<Payload*>(argument);
    const auto& ask = *payload.get_extension<TranslationRequest>();
    const Picoseconds now = events().now();
    Picoseconds answer = now + spec_.tlb_latency;
    if (!tlb_.look_up(ask.space, ask.page)) {
        const unsigned reads = 1 + stage2_reads(ask);
        auto& walker = *std::min_element(walkers_free_.begin(), walkers_free_.end());
        const Picoseconds walk = reads * spec_.walk_access;
        const Picoseconds start = std::max(answer, walker);
        walker = start + walk;
        walkers_busy_.occupy(now, walk / spec_.walkers);
        answer = walker;
    }
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
    send_response(transit(payload).pop(), payload, answer - now);
}

/// Leaf entries of stage 2 that a walk has to read: for the stage-1 table's own IPA, and for the page's.
unsigned Smmu::stage2_reads(const TranslationRequest& ask) {
    if (ask.block_bytes == 0) {
        return 0;
    }
    const std::uint64_t table_entry = ask.page * kEntryBytes;
    const bool table_held = stage2_tlb_.look_up(ask.space | kTableSpace, table_entry / ask.block_bytes);
    const bool page_held = stage2_tlb_.look_up(ask.space, ask.virtual_address / ask.block_bytes);
    return !table_held + !page_held;
}

void Smmu::warm(const Mapping& mapping, std::uint64_t working_set) {
    for_pages(mapping, working_set, spec_.tlb_entries, [&](const Mapping::Leaf& leaf) {
        TranslationRequest ask;
        ask.space = mapping.space();
        ask.virtual_address = leaf.virtual_address;
        ask.page = leaf.virtual_address / tlb_reach(leaf);
        ask.block_bytes = leaf.block_bytes;
        tlb_.insert(ask.space, ask.page);
        stage2_reads(ask);
    });
}

void Smmu::response(unsigned, Payload&, Picoseconds) { assert(false && "the SMMU asks nobody"); }

void Smmu::trace(unsigned, Payload&, PathTrace& trace) { trace.add_latency(basename(), spec_.tlb_latency); }

unsigned Smmu::access(unsigned, Payload&) { return 0; }

void Smmu::flush() {
    tlb_.flush();
    stage2_tlb_.flush();
}

} // namespace models
