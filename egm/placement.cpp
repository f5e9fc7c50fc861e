#include "egm/placement.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cerrno>
#include <numeric>

#include <fmt/format.h>

namespace egm {
namespace {

/// What is taken for granted of a carveout's SPA as long as nobody knows it.
constexpr std::uint64_t kSpaAlignmentAssumed = kGiB;

/// The next address from `from` on that equals `residue` modulo `modulus`, a power of two.
std::uint64_t next_congruent(std::uint64_t from, std::uint64_t residue, std::uint64_t modulus) {
    return from + ((residue - from) & (modulus - 1));
}

/// The block rule's view of a node's carveout.
struct Carved {
    std::uint64_t spa = 0;       ///< s, or a number congruent to it as far as it is known
    std::uint64_t alignment = 0; ///< s + f and p are known to agree modulo this
    bool physical = false;       ///< p = s + f

    explicit Carved(const NodeToPlace& node) : physical(may_use_physical_position(node.shapes)) {
        if (!node.carveout_spa) {
            alignment = kSpaAlignmentAssumed;
            return;
        }
        spa = node.carveout_spa->value;
        const std::uint64_t lowest_bit = spa & (~spa + 1);
        alignment = physical || spa == 0 ? kTiB : std::min(lowest_bit, kTiB);
    }
};

/// The largest block that HVA, IPA and offset could make possible if all of them were free.
std::uint64_t block_in_reach(std::uint64_t page_size, const Carved& carved, std::uint64_t size) {
    for (const std::uint64_t block : block_sizes(page_size))
        if (block <= carved.alignment && block <= size)
            return block;
    return page_size;
}

SlotPlacement slot(const NodesToPlace& wanted, const NodeToPlace& node, const Carved& carved,
                   const PlacedNode& placed) {
    const std::uint64_t position = placed.file_offset + (carved.physical ? carved.spa : 0);
    const std::uint64_t somewhere = 64 * kTiB; // any address that fits `Placement` gets the same blocks
    return {.page_size = wanted.page_size,
            .hva = {somewhere + ((placed.file_offset + placed.hva.phase) & (placed.hva.alignment - 1))},
            .ipa = placed.ipa,
            .file_offset = position,
            .size = node.size,
            .spa_alignment = carved.alignment};
}

/// How an earlier node, or a gap before this one, would give it blocks of `block` bytes.
std::string advise(const NodesToPlace& wanted, std::size_t index, const Carved& carved, const PlacedNode& placed,
                   std::uint64_t block) {
    const std::uint64_t residue = carved.spa + placed.file_offset;
    const std::uint64_t gap = next_congruent(placed.ipa.value, residue, block) - placed.ipa.value;
    if (placed.largest.block >= block || gap == 0)
        return {};
    const std::string result = fmt::format("blocks of {} would fit this node", in_binary_units(block));
    const std::uint64_t excess = block - gap;
    if (index > 0 && excess < wanted.nodes[index - 1].size)
        return fmt::format("if node {} had {} less, or began {} higher, {}", index - 1, in_binary_units(excess),
                           in_binary_units(gap), result);
    return fmt::format("if it began {} higher, {}", in_binary_units(gap), result);
}

} // namespace

Placement hva_placement(std::uint64_t page_size, std::uint64_t block_alignment) {
    const std::uint64_t largest = block_size_max(page_size);
    if (block_alignment == 0 || block_alignment >= largest)
        return {.alignment = std::max(block_alignment, largest), .phase = 0};
    return {.alignment = 2 * block_alignment, .phase = block_alignment};
}

std::vector<PlacedNode> place_nodes(const NodesToPlace& wanted) {
    std::vector<PlacedNode> placed;
    std::uint64_t next = wanted.ram_base.value;
    for (std::size_t i = 0; i < wanted.nodes.size(); ++i) {
        const NodeToPlace& node = wanted.nodes[i];
        assert(node.size != 0 && is_aligned(node.size | node.file_offset | next, wanted.page_size));
        const Carved carved(node);
        const std::uint64_t block = block_in_reach(wanted.page_size, carved, node.size);
        PlacedNode here{.ipa = {next}, .file_offset = node.file_offset};
        if (node.offset_is_free) {
            const std::uint64_t offset = next_congruent(node.file_offset, next - carved.spa, block);
            if (offset <= node.carveout_size && node.size <= node.carveout_size - offset)
                here.file_offset = offset;
        }
        if (wanted.gaps_allowed)
            here.ipa = {next_congruent(next, carved.spa + here.file_offset, block)};
        here.hva = hva_placement(wanted.page_size, wanted.block_alignment);
        if (carved.physical) // `Carveout::map` counts from the offset, KVM from the SPA
            here.hva.phase = (here.hva.phase + carved.spa) & (here.hva.alignment - 1);
        const SlotPlacement result = slot(wanted, node, carved, here);
        here.blocks = block_histogram(result);
        here.largest = largest_block(result);
        here.advice = advise(wanted, i, carved, here, block);
        next = here.ipa.value + node.size;
        placed.push_back(std::move(here));
    }
    return placed;
}

Result<std::vector<Ipa>> place_device_regions(const Range<Ipa>& window, const std::vector<std::uint64_t>& sizes,
                                              const std::string& owner) {
    // The largest first: then each begins where the one before it ends, and no address is lost between them.
    std::vector<std::size_t> order(sizes.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return std::bit_ceil(sizes[a]) > std::bit_ceil(sizes[b]); });
    std::vector<Ipa> placed(sizes.size());
    std::uint64_t next = window.begin.value;
    for (const std::size_t i : order) {
        assert(sizes[i] != 0 && sizes[i] <= 1ull << 62);
        const std::uint64_t aligned = std::bit_ceil(sizes[i]);
        const std::uint64_t begin = align_up(next, aligned);
        if (begin < next || begin > window.end().value || aligned > window.end().value - begin)
            return fail(Error{ENOSPC, "place device regions", owner,
                              fmt::format("the GPUs' memory does not fit into the guest's MMIO window of {}: a larger "
                                          "window, or fewer GPUs in this VM",
                                          in_binary_units(window.size))});
        placed[i] = {begin};
        next = begin + aligned;
    }
    return placed;
}

} // namespace egm
