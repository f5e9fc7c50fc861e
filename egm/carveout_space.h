#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "egm/free_space.h"
#include "egm/losses.h"
#include "egm/retired_index.h"

namespace egm {

/// One carveout cut into regions and free extents, with the account of its bytes kept up to date: each change looks at
/// the pieces that it touches and at no others, O(log n) for n regions.
class CarveoutSpace {
public:
    /// What a region takes.
    struct Holding {
        int region_id = 0;
        std::uint64_t size = 0;     ///< bytes for the guest
        std::uint64_t reserved = 0; ///< bytes taken, at least `size`
    };

    /// `size`: bytes of the carveout; `page_size`: of the host, see `block_sizes`.
    CarveoutSpace(std::uint64_t size, std::uint64_t page_size);

    /// The carveout's size in whole host pages: what regions can have of it.
    std::uint64_t size_in_pages() const { return pages_; }
    bool is_free(const Extent& piece) const;
    /// Bytes free from `offset` on without a gap.
    std::uint64_t free_from(std::uint64_t offset) const;
    /// Where `size` bytes go by best fit: aligned to the largest block that they can be made of, or if there is no such
    /// place to the next smaller one, down to the host's page. Precondition: `size` > 0.
    std::optional<std::uint64_t> place(std::uint64_t size) const;

    /// By offset.
    const std::map<std::uint64_t, Holding>& holdings() const { return holdings_; }
    /// Precondition: [`offset`, `offset` + `holding.reserved`) is free, and 0 < `size` <= `reserved`.
    void hold(std::uint64_t offset, const Holding& holding);
    /// Precondition (both): a holding starts at `offset`. For `resize` what it takes more is free.
    void release(std::uint64_t offset);
    void resize(std::uint64_t offset, std::uint64_t size, std::uint64_t reserved);

    /// `ranges`: normalised. O((old + new ranges) x log n).
    void set_retired(std::vector<RetiredRange> ranges);
    const RetiredIndex& retired() const { return retired_; }

    Losses losses() const { return account_.lost; }
    std::uint64_t usable() const { return account_.usable; } ///< bytes of regions that guests can use

private:
    struct Account {
        std::uint64_t usable = 0;
        Losses lost;

        void add(const Account& other);
        void subtract(const Account& other);
    };

    Account of_holding(std::uint64_t offset, const Holding& holding) const;
    Account of_free(const Extent& extent) const;
    Account of_tail() const; ///< behind the last whole page
    Account of_pieces_touching(const std::vector<RetiredRange>& ranges) const;
    void follow(const FreeSpace::Change& change);

    std::uint64_t size_;
    std::uint64_t page_size_;
    std::uint64_t pages_; ///< bytes
    FreeSpace free_;
    std::map<std::uint64_t, Holding> holdings_;
    RetiredIndex retired_;
    Account account_;
};

} // namespace egm
