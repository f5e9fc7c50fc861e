#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace models {

/// A TLB or translation cache: `entries` translations in sets of eight, the least recently used one leaves. A set takes
/// memory of this machine once something is in it: a rack has hundreds of TLBs with 32 768 entries.
class Tlb {
public:
    /// `entries` is rounded up to whole sets. Precondition: `entries > 0`.
    explicit Tlb(unsigned entries);

    /// Whether `page` of address space `space` is held.
    bool holds(std::uint32_t space, std::uint64_t page);
    void insert(std::uint32_t space, std::uint64_t page);
    /// `holds`, and inserts it if not.
    bool look_up(std::uint32_t space, std::uint64_t page);
    void flush();

private:
    static constexpr unsigned kWays = 8;

    struct Entry {
        std::uint64_t page = 0;
        std::uint32_t space = 0;
        std::uint64_t used = 0; ///< 0 = empty
    };

    using Set = std::array<Entry, kWays>;

    std::size_t set_of(std::uint32_t space, std::uint64_t page) const;

    std::vector<std::uint32_t> place_; ///< by set: where it is in `sets_`, and one more; 0: nowhere
    std::vector<Set> sets_;
    std::uint64_t clock_ = 0;
};

} // namespace models
