#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "egm/address.h"

/// Which stage-2 blocks KVM on arm64 uses for memory without struct page. Source: Linux arch/arm64/kvm/mmu.c.
///
/// A fault takes a block of B bytes when all of these hold, else the next smaller size:
///
///     HVA = file position (mod B)          so that the mapping could be huge
///     HVA = IPA (mod B)                    so that guest and monitor agree on the block
///     SPA = IPA (mod B)                    so that the hardware can
///     the block lies inside the mapping and inside the memory slot
///
/// Blocks of contiguous entries (64 KiB and 32 MiB with 4 KiB pages) are never chosen.
namespace egm {

/// Block sizes in bytes for a host page size of 4, 16 or 64 KiB, largest first; the page itself is the last.
std::span<const std::uint64_t> block_sizes(std::uint64_t page_size);

/// The largest block for a host page size: 1 GiB, 32 MiB or 512 MiB.
inline std::uint64_t block_size_max(std::uint64_t page_size) { return block_sizes(page_size).front(); }

/// A memory slot whose memory is one mapping of a carveout.
struct SlotPlacement {
    std::uint64_t page_size = 0;   ///< the host's, in bytes
    Hva hva;                       ///< of the first byte
    Ipa ipa;                       ///< of the first byte
    std::uint64_t file_offset = 0; ///< of the first byte, in the carveout
    std::uint64_t size = 0;        ///< bytes
    /// A power of two of which the SPA of carveout offset 0 is a multiple. The kernel does not show the SPA to user
    /// space: 1 GiB is what we assume until it is known.
    std::uint64_t spa_alignment = kGiB;
};

/// Bytes of a slot that blocks of one size cover.
struct BlockShare {
    std::uint64_t block = 0; ///< bytes of one block
    std::uint64_t bytes = 0; ///< covered by such blocks; a multiple of `block`

    std::uint64_t blocks() const { return bytes / block; }
    friend bool operator==(const BlockShare&, const BlockShare&) = default;
};

/// Largest first, no empty share; the bytes add up to the slot's size. The unaligned head and tail of the slot are in
/// smaller blocks. A guest that touches all of its memory once takes one stage-2 fault for each block.
std::vector<BlockShare> block_histogram(const SlotPlacement& slot);

struct BlockVerdict {
    std::uint64_t block = 0;    ///< bytes: the largest block that this slot gets anywhere
    std::string why_not_larger; ///< a sentence; empty when it is the largest that the host page size allows
};

BlockVerdict largest_block(const SlotPlacement& slot);

/// "1 GiB", "56896 MiB", "64 KiB", "100 B": the largest binary unit that divides `bytes`.
std::string in_binary_units(std::uint64_t bytes);

} // namespace egm
