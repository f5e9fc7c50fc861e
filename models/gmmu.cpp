#include "models/gmmu.h"

#include <cassert>

namespace models {

Gmmu::Gmmu(const sc_core::sc_module_name& name, EventQueue& events, PacketPool& packets, const Spec& spec,
           bool with_smmu)
    : Component(name, events), spec_(spec), packets_(packets), tlb_(spec.tlb_entries), ats_cache_(spec.ats_entries) {
    assert(spec.requests_max > 0);
    if (with_smmu) {
        add_port("smmu");
    }
}

std::optional<Picoseconds> Gmmu::translate(const Mapping& mapping, const Mapping::Leaf& leaf, unsigned, Client& client,
                                           void* token) {
    const std::uint64_t reach = tlb_reach(leaf);
    const std::uint64_t page = leaf.virtual_address / reach;
    ++counts_.lookups;
    if (mapping.tables() == Mapping::Tables::kOwn) {
        if (tlb_.look_up(mapping.space(), page)) {
            return 0;
        }
        ++counts_.misses;
        return spec_.walk_latency;
    }
    assert(ports() > 0 && "streams through the SMMU are refused on machines without one");
    TranslationRequest request;
    request.space = mapping.space();
    request.page = page;
    request.virtual_address = leaf.virtual_address;
    request.block_bytes = leaf.block_bytes;
    const bool held = ats_cache_.holds(request.space, page);
    if (!held) {
        const bool known = misses_.count({request.space, page}) != 0;
        counts_.misses += !known;
        ask({request.space, page}, request).push_back({&client, token});
    }
    // In order so far: ask for the next page as well. The walk of an unmapped one would find nothing and be dropped.
    if (page > 0 && ats_cache_.holds(request.space, page - 1) && !ats_cache_.holds(request.space, page + 1)) {
        request.page = page + 1;
        request.virtual_address = (page + 1) * reach;
        ask({request.space, page + 1}, request);
    }
    return held ? std::optional<Picoseconds>(0) : std::nullopt;
}

/// Those who wait for a page; asks for it if nobody has.
std::vector<Gmmu::Waiter>& Gmmu::ask(const Key& key, const TranslationRequest& request) {
    auto [miss, fresh] = misses_.try_emplace(key);
    if (fresh) {
        miss->second.ask = request;
        if (queue_.empty()) {
            blocked_since_ = events().now();
        }
        queue_.push_back(key);
        send_more();
    }
    return miss->second.waiters;
}

void Gmmu::send_more() {
    while (in_flight_ < spec_.requests_max && !queue_.empty()) {
        Miss& miss = misses_.at(queue_.front());
        queue_.pop_front();
        if (queue_.empty()) {
            blocked_ += events().now() - blocked_since_;
        }
        ++in_flight_;
        Payload& payload = packets_.take(tlm::TLM_READ_COMMAND, miss.ask.virtual_address, 8);
        if (payload.get_extension<TranslationRequest>() == nullptr) {
            payload.set_extension(new TranslationRequest);
        }
        *payload.get_extension<TranslationRequest>() = miss.ask;
        send_request(0, payload, spec_.request_latency / 2);
    }
}

void Gmmu::response(unsigned, Payload& payload, Picoseconds delay) {
    events().at(events().now() + delay + spec_.request_latency - spec_.request_latency / 2, *this, &payload);
}

void Gmmu::fire(void* argument) {
    auto& payload = *static_cast<Payload*>(argument);
    const auto& ask = *payload.get_extension<TranslationRequest>();
    const auto found = misses_.find({ask.space, ask.page});
    assert(found != misses_.end());
    const std::vector<Waiter> waiters = std::move(found->second.waiters);
    ats_cache_.insert(ask.space, ask.page);
    misses_.erase(found);
    payload.release();
    --in_flight_;
    for (const Waiter& waiter : waiters) {
        waiter.client->translated(waiter.token);
    }
    send_more();
}

void Gmmu::request(unsigned, Payload&, Picoseconds) { assert(false && "nobody asks a GMMU over its SMMU port"); }
void Gmmu::trace(unsigned, Payload&, PathTrace&) {}
unsigned Gmmu::access(unsigned, Payload&) { return 0; }

void Gmmu::warm(const Mapping& mapping, std::uint64_t working_set, unsigned) {
    const bool own = mapping.tables() == Mapping::Tables::kOwn;
    Tlb& tlb = own ? tlb_ : ats_cache_;
    for_pages(mapping, working_set, own ? spec_.tlb_entries : spec_.ats_entries,
              [&](const Mapping::Leaf& leaf) { tlb.insert(mapping.space(), leaf.virtual_address / tlb_reach(leaf)); });
}

void Gmmu::flush() {
    assert(misses_.empty());
    tlb_.flush();
    ats_cache_.flush();
}

Picoseconds Gmmu::blocked_until(Picoseconds now) const {
    return blocked_ + (queue_.empty() ? 0 : now - blocked_since_);
}

} // namespace models
