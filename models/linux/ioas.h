#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "models/linux/file.h"
#include "models/linux/host.h"
#include "models/linux/iommu_domain.h"
#include "models/linux/pin.h"

namespace models::linux {

/// An I/O address space of iommufd: which memory lies at which IOVA. Source: Linux
/// drivers/iommu/iommufd/io_pagetable.c and pages.c.
///
/// Until a page table (HWPT) hangs on it, it only takes notes: alignment 1, no reserved IOVA, memory not looked at. The
/// first page table makes it pin and map everything, and its errors are that call's errors. All page tables over it
/// hold the same translations, so the model keeps one.
///
/// User memory without struct page is EFAULT, unless the host has the vendor kernels' bypass; a dma-buf of VFIO is
/// mapped as it is.
class Ioas {
public:
    /// What is mapped: user memory from the address `start` on, or a memfd or dma-buf from the offset `start` on.
    struct Memory {
        std::uint64_t start = 0;
        std::shared_ptr<File> file; ///< null: user memory
    };

    explicit Ioas(Host& host);
    ~Ioas();
    Ioas(const Ioas&) = delete;

    /// What IOAS_MAP and IOAS_MAP_FILE do once their structs have been checked: 0 or a negative errno. Without `fixed`,
    /// `iova` is chosen. Precondition: `memory.start + length` does not wrap.
    int map(const Memory& memory, std::uint64_t length, IommuDomain::Access access, bool fixed, std::uint64_t& iova);
    /// `unmapped` counts the bytes taken out, on failure too.
    int unmap(std::uint64_t iova, std::uint64_t length, std::uint64_t& unmapped);
    /// IOAS_COPY: the memory at `source`'s [source_iova, +length) appears here too.
    int copy(const Ioas& source, std::uint64_t source_iova, std::uint64_t length, IommuDomain::Access access,
             bool fixed, std::uint64_t& iova);
    /// IOAS_ALLOW_IOVAS: the only ranges, both ends inclusive, that IOVAs are chosen from; none: all. 0 or -EADDRINUSE.
    int allow(std::vector<IovaRange> ranges);

    /// A page table is put on it, or taken off. `add` fails with what the memory fails with.
    int add_page_table();
    void remove_page_table();

    /// Hardware reads [iova, +length) by physical address until `unlock`: 0 and where it begins; -ENOENT when not all
    /// of it is mapped, -EFAULT when it is not one piece of physical memory. Locked memory cannot be unmapped (EBUSY).
    int lock(std::uint64_t iova, std::uint64_t length, egm::Spa& begin);
    void unlock(std::uint64_t iova, std::uint64_t length);

    /// IOMMU_HWPT_GET_DIRTY_BITMAP's rule: 0 when mappings fill the range without a hole.
    bool is_filled(std::uint64_t iova, std::uint64_t last) const;
    /// IOAS_CHANGE_PROCESS moves memory of files only.
    bool all_of_files() const;

    std::uint64_t alignment() const { return page_tables_ > 0 ? host_.page_size() : 1; }
    std::vector<IovaRange> usable() const;
    std::shared_ptr<IommuDomain> domain() const { return domain_; }
    bool large_pages() const { return large_pages_; }
    /// 0, or -EINVAL: large blocks cannot be forbidden once some may be there.
    int set_large_pages(bool on);

private:
    struct Area {
        Memory memory;
        std::uint64_t length;
        IommuDomain::Access access;
        bool writable;                  ///< the memory, whatever this area allows
        std::shared_ptr<const Pin> pin; ///< null until filled; copies share it
        std::uint64_t pages = 0;
        unsigned locks = 0;
    };
    using Areas = std::map<std::uint64_t, Area>;

    int check(std::uint64_t iova, std::uint64_t length) const;
    int choose(std::uint64_t start, std::uint64_t length, std::uint64_t& iova) const;
    int choose_in(const IovaRange& range, std::uint64_t step, std::uint64_t length, std::uint64_t& iova) const;
    int pieces_of(const Area& area, std::vector<Host::Piece>& pieces, std::uint64_t& pinned) const;
    int fill(std::uint64_t iova, Area& area);
    void empty(std::uint64_t iova, Area& area);
    bool overlaps(std::uint64_t iova, std::uint64_t last) const;
    Areas::iterator erase(Areas::iterator area);

    Host& host_;
    std::shared_ptr<IommuDomain> domain_;
    Areas areas_; ///< by IOVA
    std::vector<IovaRange> allowed_;
    unsigned page_tables_ = 0;
    bool large_pages_ = true;
};

} // namespace models::linux
