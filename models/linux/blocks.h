#pragma once

#include <cstdint>
#include <map>
#include <span>

/// Which page-table blocks a linear piece of memory is made of. No state, no time.
namespace models::linux {

/// Block sizes of a granule, largest first: 1G 2M 4K, 32M 16K, 512M 64K. The same for stage 2 and the SMMU; the
/// contiguous bit is never used (Linux arch/arm64/kvm/mmu.c, drivers/iommu/io-pgtable-arm.c).
/// Precondition: `page_size` is 4, 16 or 64 KiB.
std::span<const std::uint64_t> block_sizes(std::uint64_t page_size);

/// What one PMD maps: 2M, 32M or 512M.
std::uint64_t pmd_bytes(std::uint64_t page_size);

/// [begin, begin + size) of one address space, mapped linearly to `target` onwards of another.
struct LinearPiece {
    std::uint64_t begin = 0;
    std::uint64_t target = 0;
    std::uint64_t size = 0;
};

/// The largest size B for which the aligned block around `address` lies inside the piece and begin = target (mod B).
/// The smallest of `sizes` is given out unchecked. Precondition: `address` lies in the piece.
std::uint64_t block_at(const LinearPiece& piece, std::uint64_t address, std::span<const std::uint64_t> sizes);

/// How many blocks of each size fill the piece, by the rule of `block_at`.
std::map<std::uint64_t, std::uint64_t> blocks_in(const LinearPiece& piece, std::span<const std::uint64_t> sizes);

/// The sum over `blocks_in`.
std::uint64_t count_blocks(const LinearPiece& piece, std::span<const std::uint64_t> sizes);

} // namespace models::linux
