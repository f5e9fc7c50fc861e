#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "egm/address.h"
#include "egm/block_size.h"
#include "egm/carveout_shape.h"
#include "egm/mapped_range.h"
#include "egm/result.h"

/// Where a VM's memory shall lie so that KVM takes the largest stage-2 blocks: HVA, IPA and file offset chosen together
/// by the rule of `block_size.h`. With s the SPA of the carveout's first byte and f the offset of the region's:
///
///     file position p = f              drivers B to E
///                     = s + f          driver A in its later form
///     a block B needs   HVA = p,  HVA = IPA,  s + f = IPA    (mod B)
///
/// So the HVA follows from p alone, p = s + f says how large a block can ever be, and IPA and f are chosen, where they
/// may be, to agree with each other modulo that block.
namespace egm {

/// One memory node of the guest, in the order of the guest's addresses.
struct NodeToPlace {
    std::uint64_t size = 0;          ///< bytes, a multiple of the page
    std::uint64_t file_offset = 0;   ///< in the carveout; with `offset_is_free` the lowest that may be chosen
    bool offset_is_free = false;     ///< no GPU sees the node as its EGM, so it need not start at a given offset
    std::uint64_t carveout_size = 0; ///< bytes; needed with `offset_is_free`
    std::optional<Spa> carveout_spa; ///< of offset 0, where someone knows it; else it counts as a multiple of 1 GiB
    ShapeSet shapes = kStandAloneShapes;
};

struct NodesToPlace {
    std::uint64_t page_size = 0; ///< the host's, in bytes
    Ipa ram_base;
    /// Whether a node may begin later than the one before it ends. QEMU's "virt" machine leaves no gaps.
    bool gaps_allowed = false;
    /// Mappings lie at multiples of this many bytes and of no larger power of two; 0 for the largest block.
    std::uint64_t block_alignment = 0;
    std::vector<NodeToPlace> nodes;
};

struct PlacedNode {
    Ipa ipa;
    std::uint64_t file_offset = 0;
    Placement hva;                  ///< what `Carveout::map` takes
    std::vector<BlockShare> blocks; ///< that the node gets
    BlockVerdict largest;           ///< with the reason why it is no larger
    std::string advice;             ///< what would make it larger, a sentence; empty when nothing we know
};

/// Precondition: page multiples, sizes not 0, `file_offset` + `size` inside the carveout where that is given.
std::vector<PlacedNode> place_nodes(const NodesToPlace& wanted);

/// Where the HVA of a mapping lies: for the largest block of the host's page, or for exactly `block_alignment`.
Placement hva_placement(std::uint64_t page_size, std::uint64_t block_alignment);

/// Where the guest sees device regions of these sizes: inside `window`, each at a multiple of the next power of two of
/// its size, in the order of `sizes`. `owner` is what errors call the VM. Errors: ENOSPC when they do not fit.
Result<std::vector<Ipa>> place_device_regions(const Range<Ipa>& window, const std::vector<std::uint64_t>& sizes,
                                              const std::string& owner);

} // namespace egm
