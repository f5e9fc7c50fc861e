#pragma once

#include <map>

#include "models/mapping.h"
#include "models/specs.h"
#include "models/tlb.h"

namespace models {

/// The MMUs of a socket's cores: a last-level TLB for each, and the walk on a miss.
///
/// A walk finds the upper levels in its walk caches and reads leaf entries only: one of stage 1, and in a VM two of
/// stage 2 (for the stage-1 table's own IPA and for the page's), unless so few stage-2 blocks cover the working set
/// that the walk caches hold them. Each read costs the latency of the smallest cache that holds the leaf tables in use
/// (8 bytes a page), else a memory access:
///
///     walk = read(stage-1 leaves) + (blocks <= walk_cache_entries ? 0 : 2 * read(stage-2 leaves))
class CpuMmu final : public Translator {
public:
    explicit CpuMmu(const CpuSpec& spec);

    /// Working set of a mapping, from which the size of its leaf tables follows.
    void set_working_set(std::uint32_t space, std::uint64_t bytes) { working_sets_[space] = bytes; }

    std::optional<Picoseconds> translate(const Mapping& mapping, const Mapping::Leaf& leaf, unsigned worker,
                                         Client& client, void* token) override;
    void warm(const Mapping& mapping, std::uint64_t working_set, unsigned workers) override;
    void flush() override;

    Picoseconds walk(std::uint64_t working_set, const Mapping::Leaf& leaf) const;

private:
    static constexpr std::uint64_t kEntryBytes = 8; ///< of an Armv8 descriptor

    Picoseconds read(std::uint64_t table_bytes) const;

    const CpuSpec spec_;
    std::map<unsigned, Tlb> tlbs_; ///< by worker
    std::map<std::uint32_t, std::uint64_t> working_sets_;
};

} // namespace models
