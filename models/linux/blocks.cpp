#include "models/linux/blocks.h"

#include <array>
#include <cassert>

#include "egm/address.h"

namespace models::linux {

using egm::align_down;
using egm::is_aligned;

std::span<const std::uint64_t> block_sizes(std::uint64_t page_size) {
    static constexpr std::array<std::uint64_t, 3> k4K{egm::kGiB, 2 * egm::kMiB, 4 * egm::kKiB};
    static constexpr std::array<std::uint64_t, 2> k16K{32 * egm::kMiB, 16 * egm::kKiB};
    static constexpr std::array<std::uint64_t, 2> k64K{512 * egm::kMiB, 64 * egm::kKiB};
    switch (page_size) {
    case 4 * egm::kKiB:
        return k4K;
    case 16 * egm::kKiB:
        return k16K;
    default:
        assert(page_size == 64 * egm::kKiB);
        return k64K;
    }
}

std::uint64_t pmd_bytes(std::uint64_t page_size) {
    const auto sizes = block_sizes(page_size);
    return sizes[sizes.size() - 2];
}

std::uint64_t block_at(const LinearPiece& piece, std::uint64_t address, std::span<const std::uint64_t> sizes) {
    assert(address >= piece.begin && address - piece.begin < piece.size);
    for (const std::uint64_t block : sizes.first(sizes.size() - 1)) {
        const std::uint64_t first = align_down(address, block);
        if (is_aligned(piece.begin - piece.target, block) && first >= piece.begin &&
            first - piece.begin + block <= piece.size) {
            return block;
        }
    }
    return sizes.back();
}

std::map<std::uint64_t, std::uint64_t> blocks_in(const LinearPiece& piece, std::span<const std::uint64_t> sizes) {
    std::map<std::uint64_t, std::uint64_t> count;
    if (piece.size == 0) {
        return count;
    }
    const std::uint64_t block = sizes.front();
    if (sizes.size() == 1) {
        count[block] = (piece.size + block - 1) / block;
        return count;
    }
    const std::uint64_t head = -piece.begin & (block - 1); // up to the first aligned block
    if (!is_aligned(piece.begin - piece.target, block) || head > piece.size || piece.size - head < block) {
        return blocks_in(piece, sizes.subspan(1));
    }
    const std::uint64_t body = align_down(piece.size - head, block);
    count = blocks_in({piece.begin, piece.target, head}, sizes.subspan(1));
    for (const auto& [bytes, number] : blocks_in(
             {piece.begin + head + body, piece.target + head + body, piece.size - head - body}, sizes.subspan(1))) {
        count[bytes] += number;
    }
    count[block] += body / block;
    return count;
}

std::uint64_t count_blocks(const LinearPiece& piece, std::span<const std::uint64_t> sizes) {
    std::uint64_t sum = 0;
    for (const auto& [bytes, number] : blocks_in(piece, sizes)) {
        sum += number;
    }
    return sum;
}

} // namespace models::linux
