#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "egm/address.h"
#include "models/linux/host.h"
#include "models/linux/translation.h"

namespace models::linux {

/// A stage-2 page table of the IOMMU: what the devices attached to it reach.
///
/// A contiguous piece of physical memory is entered in the largest blocks that iova = spa (mod block) and its ends
/// allow, as io-pgtable does for one iommu_map. Two pieces never share a block, even if they happen to be neighbours.
class IommuDomain {
public:
    /// `tracks_dirty`: it can note the pages that devices wrote.
    explicit IommuDomain(std::uint64_t page_size, bool tracks_dirty = false)
        : tracks_dirty(tracks_dirty), page_size_(page_size) {}

    const bool tracks_dirty;

    /// What devices may do there.
    struct Access {
        bool read = false;
        bool write = false;
    };

    /// Precondition: nothing is mapped there. Answers the number of blocks written.
    std::uint64_t map(egm::Iova at, const Host::Piece& piece, Access access);
    /// Takes out the pieces that begin in the range. Answers the number of blocks removed.
    std::uint64_t unmap(egm::Range<egm::Iova> range);

    std::optional<Translation> translate(egm::Iova at) const;
    /// Where a device's access arrives. None: it faults, for want of an entry or of the permission.
    std::optional<egm::Spa> reach(egm::Iova at, bool write) const;

    /// Starts with a clean slate, or stops.
    void set_dirty_tracking(bool on);
    /// Whether a device wrote in the range since then.
    bool is_dirty(egm::Range<egm::Iova> range) const;
    void clean(egm::Range<egm::Iova> range);

    /// iommufd's option HUGE_PAGES: false keeps to base pages.
    void set_large_pages(bool on) { large_pages_ = on; }

private:
    struct Entry {
        egm::Spa spa;
        std::uint64_t size;
        bool large_pages;
        Access access;
        std::shared_ptr<const Frames> frames;
    };

    std::uint64_t blocks(std::uint64_t iova, const Entry& entry) const;
    std::map<std::uint64_t, Entry>::const_iterator find(egm::Iova at) const;

    std::uint64_t page_size_;
    bool large_pages_ = true;
    bool notes_dirty_ = false;
    mutable std::set<std::uint64_t> dirty_;  ///< IOVAs of base pages; devices write through a const page table
    std::map<std::uint64_t, Entry> entries_; ///< by IOVA
};

} // namespace models::linux
