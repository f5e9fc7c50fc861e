#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "models/packet.h"

namespace models {

/// The memory that one leg of a stream uses, as the page tables have it. The runner makes it from what was really
/// mapped; the models ask it page by page.
class Mapping {
public:
    struct Leaf {
        std::uint64_t address;         ///< what goes into the payload: SPA, EGM offset or fabric offset
        std::uint64_t virtual_address; ///< what the TLB compares
        std::uint64_t page_bytes;      ///< stage-1 page
        std::uint64_t block_bytes;     ///< stage-2 block; 0 = one stage only
    };

    /// Whose page tables: the initiator's own (CPU MMU, GMMU), or the CPU's behind the SMMU (ATS, DMA).
    enum class Tables { kOwn, kSmmu };

    Mapping(std::uint32_t space, Tables tables) : space_(space), tables_(tables) {}
    virtual ~Mapping() = default;

    /// The translation of byte `offset` of the working set; empty = nothing is mapped there, and the access faults.
    virtual std::optional<Leaf> at(std::uint64_t offset) const = 0;

    /// Address space (ASID and VMID together) that tags TLB entries.
    std::uint32_t space() const { return space_; }
    Tables tables() const { return tables_; }

private:
    std::uint32_t space_;
    Tables tables_;
};

/// The bytes that one TLB entry of `leaf` covers: of a nested translation, the smaller of page and block.
inline std::uint64_t tlb_reach(const Mapping::Leaf& leaf) {
    return leaf.block_bytes == 0 ? leaf.page_bytes : std::min(leaf.page_bytes, leaf.block_bytes);
}

/// Calls `insert(leaf)` for the pages of a working set, at most `pages_max` of them, spread over the whole of it.
template <class Insert>
void for_pages(const Mapping& mapping, std::uint64_t working_set, std::uint64_t pages_max, Insert insert) {
    const auto first = mapping.at(0);
    if (!first) {
        return;
    }
    const std::uint64_t reach = tlb_reach(*first);
    const std::uint64_t stride = std::max<std::uint64_t>((working_set / reach + pages_max - 1) / pages_max, 1) * reach;
    for (std::uint64_t offset = 0; offset < working_set; offset += stride) {
        if (const auto leaf = mapping.at(offset)) {
            insert(*leaf);
        }
    }
}

/// Translates for an engine: a core's MMU, a GPU's GMMU, the SMMU in front of a NIC.
class Translator {
public:
    /// Told when a translation that took its time is there.
    class Client {
    public:
        virtual void translated(void* token) = 0;

    protected:
        ~Client() = default;
    };

    virtual ~Translator() = default;

    /// Translates for the access `token` of `worker`. Returns the delay after which the access can go out; or nothing,
    /// and calls `client.translated(token)` when it can.
    virtual std::optional<Picoseconds> translate(const Mapping& mapping, const Mapping::Leaf& leaf, unsigned worker,
                                                 Client& client, void* token) = 0;
    /// Fills the TLB as a long run over `working_set` bytes in no order would have, for the first `workers` workers.
    virtual void warm(const Mapping& mapping, std::uint64_t working_set, unsigned workers) = 0;
    /// Forgets every translation: another software set-up begins.
    virtual void flush() = 0;
    /// Look-ups since the start, for the report.
    struct Counts {
        std::uint64_t lookups = 0;
        std::uint64_t misses = 0;
    };
    const Counts& counts() const { return counts_; }

protected:
    Counts counts_;
};

} // namespace models
