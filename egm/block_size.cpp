#include "egm/block_size.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace egm {
namespace {

constexpr std::uint64_t k4KiBHost[] = {kGiB, 2 * kMiB, 4 * kKiB};
constexpr std::uint64_t k16KiBHost[] = {32 * kMiB, 16 * kKiB};
constexpr std::uint64_t k64KiBHost[] = {512 * kMiB, 64 * kKiB};

bool congruent(std::uint64_t a, std::uint64_t b, std::uint64_t modulus) { return is_aligned(a ^ b, modulus); }

/// The sentence that says which condition keeps blocks of `block` bytes out of the whole slot; empty when none does.
std::string obstacle(const SlotPlacement& slot, std::uint64_t block) {
    const std::string modulo = " differ modulo " + in_binary_units(block);
    if (!congruent(slot.hva.value, slot.file_offset, block))
        return "the mapping's address and its position in the carveout" + modulo;
    if (!congruent(slot.hva.value, slot.ipa.value, block))
        return "the mapping's address and the guest address" + modulo;
    if (block > slot.spa_alignment)
        return "the carveout's physical address is known to be a multiple of " + in_binary_units(slot.spa_alignment) +
               " only";
    if (!congruent(slot.file_offset, slot.ipa.value, block))
        return "the physical address and the guest address" + modulo;
    return {};
}

/// Bytes inside the aligned blocks that fit wholly into the slot.
std::uint64_t interior(const SlotPlacement& slot, std::uint64_t block) {
    const std::uint64_t begin = align_up(slot.ipa.value, block);
    const std::uint64_t end = align_down(slot.ipa.value + slot.size, block);
    return begin < end ? end - begin : 0;
}

} // namespace

std::span<const std::uint64_t> block_sizes(std::uint64_t page_size) {
    switch (page_size) {
    case 4 * kKiB:
        return k4KiBHost;
    case 16 * kKiB:
        return k16KiBHost;
    default:
        assert(page_size == 64 * kKiB);
        return k64KiBHost;
    }
}

std::vector<BlockShare> block_histogram(const SlotPlacement& slot) {
    assert(is_aligned(slot.ipa.value | slot.hva.value | slot.size | slot.file_offset, slot.page_size));
    std::vector<BlockShare> shares;
    std::uint64_t covered = 0;
    for (const std::uint64_t block : block_sizes(slot.page_size)) {
        const bool fits = block == slot.page_size || obstacle(slot, block).empty();
        // Whatever satisfies a condition modulo a large block satisfies it modulo the smaller ones, and the interior
        // of the large ones lies inside that of the smaller ones.
        const std::uint64_t inside = fits ? interior(slot, block) : 0;
        if (inside > covered)
            shares.push_back({block, inside - covered});
        covered = std::max(covered, inside);
    }
    return shares;
}

BlockVerdict largest_block(const SlotPlacement& slot) {
    const std::vector<BlockShare> shares = block_histogram(slot);
    BlockVerdict verdict{.block = shares.empty() ? slot.page_size : shares.front().block};
    for (const std::uint64_t block : block_sizes(slot.page_size)) {
        if (block <= verdict.block)
            break;
        // The sizes come largest first; the last sentence is about the next larger block.
        verdict.why_not_larger = obstacle(slot, block);
        if (verdict.why_not_larger.empty())
            verdict.why_not_larger = "the slot holds no whole aligned block of " + in_binary_units(block);
    }
    return verdict;
}

std::string in_binary_units(std::uint64_t bytes) {
    constexpr std::pair<std::uint64_t, const char*> kUnits[] = {
        {kTiB, " TiB"}, {kGiB, " GiB"}, {kMiB, " MiB"}, {kKiB, " KiB"}};
    for (const auto& [unit, name] : kUnits)
        if (bytes != 0 && bytes % unit == 0)
            return std::to_string(bytes / unit) + name;
    return std::to_string(bytes) + " B";
}

} // namespace egm
