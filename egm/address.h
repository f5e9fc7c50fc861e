#pragma once

#include <compare>
#include <cstdint>

/// Address types and sizes. Each address space has its own type, so that the compiler finds a mix-up.
namespace egm {

template <class Space>
struct Address {
    std::uint64_t value = 0;

    friend constexpr auto operator<=>(Address, Address) = default;
    friend constexpr Address operator+(Address a, std::uint64_t bytes) { return {a.value + bytes}; }
    /// Bytes from `b` to `a`. Precondition: `b <= a`.
    friend constexpr std::uint64_t operator-(Address a, Address b) { return a.value - b.value; }
};

using Spa = Address<struct SpaSpace>;   ///< system physical address (KVM: HPA)
using Ipa = Address<struct IpaSpace>;   ///< intermediate physical address of a guest (KVM: GPA)
using Iova = Address<struct IovaSpace>; ///< what a device behind the SMMU puts on the bus
using Hva = Address<struct HvaSpace>;   ///< virtual address in the VM monitor's process

inline constexpr std::uint64_t kKiB = 1ull << 10;
inline constexpr std::uint64_t kMiB = 1ull << 20;
inline constexpr std::uint64_t kGiB = 1ull << 30;
inline constexpr std::uint64_t kTiB = 1ull << 40;

/// Precondition: `alignment` is a power of two.
constexpr bool is_aligned(std::uint64_t value, std::uint64_t alignment) { return (value & (alignment - 1)) == 0; }
constexpr std::uint64_t align_down(std::uint64_t value, std::uint64_t alignment) { return value & ~(alignment - 1); }
constexpr std::uint64_t align_up(std::uint64_t value, std::uint64_t alignment) {
    return align_down(value + alignment - 1, alignment);
}

/// A half-open range [begin, begin + size) of bytes.
template <class A>
struct Range {
    A begin;
    std::uint64_t size = 0;

    constexpr A end() const { return begin + size; }
    constexpr bool contains(A address) const { return begin <= address && address.value - begin.value < size; }
    friend constexpr auto operator<=>(const Range&, const Range&) = default;
};

} // namespace egm
