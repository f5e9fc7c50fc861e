#include "models/cpu_mmu.h"

namespace models {

CpuMmu::CpuMmu(const CpuSpec& spec) : spec_(spec) {}

std::optional<Picoseconds> CpuMmu::translate(const Mapping& mapping, const Mapping::Leaf& leaf, unsigned worker,
                                             Client&, void*) {
    Tlb& tlb = tlbs_.try_emplace(worker, spec_.tlb_entries).first->second;
    ++counts_.lookups;
    if (tlb.look_up(mapping.space(), leaf.virtual_address / tlb_reach(leaf))) {
        return 0;
    }
    ++counts_.misses;
    const auto found = working_sets_.find(mapping.space());
    return walk(found == working_sets_.end() ? 0 : found->second, leaf);
}

Picoseconds CpuMmu::walk(std::uint64_t working_set, const Mapping::Leaf& leaf) const {
    Picoseconds time = read(working_set / leaf.page_bytes * kEntryBytes);
    if (leaf.block_bytes != 0) {
        const std::uint64_t blocks = working_set / leaf.block_bytes;
        if (blocks > spec_.walk_cache_entries) {
            time += 2 * read(blocks * kEntryBytes);
        }
    }
    return time;
}

Picoseconds CpuMmu::read(std::uint64_t table_bytes) const {
    for (const CacheSpec& cache : spec_.caches) {
        if (table_bytes * 2 <= cache.capacity_bytes) { // the other half is the data's
            return cache.latency;
        }
    }
    return spec_.core_latency + spec_.fabric_latency + 100'000; // 100 ns: DRAM, between the boards' 90 and 128 ns
}

void CpuMmu::warm(const Mapping& mapping, std::uint64_t working_set, unsigned workers) {
    for (unsigned worker = 0; worker < workers; ++worker) {
        Tlb& tlb = tlbs_.try_emplace(worker, spec_.tlb_entries).first->second;
        for_pages(mapping, working_set, spec_.tlb_entries, [&](const Mapping::Leaf& leaf) {
            tlb.insert(mapping.space(), leaf.virtual_address / tlb_reach(leaf));
        });
    }
}

void CpuMmu::flush() { tlbs_.clear(); }

} // namespace models
