#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "models/linux/host.h"
#include "models/linux/iommu_domain.h"
#include "models/linux/pin.h"

namespace models::linux {

/// An I/O address space of iommufd: which user memory lies at which IOVA. Source: Linux
/// drivers/iommu/iommufd/io_pagetable.c and pages.c.
///
/// Until a page table (HWPT) hangs on it, it only takes notes: alignment 1, no reserved IOVA, memory not looked at. The
/// first page table makes it pin and map everything, and its errors are that call's errors. All page tables over it
/// hold the same translations, so the model keeps one.
///
/// Memory without struct page is EFAULT, unless the host has the vendor kernels' bypass.
class Ioas {
public:
    explicit Ioas(Host& host) : host_(host), domain_(std::make_shared<IommuDomain>(host.page_size())) {}
    ~Ioas();
    Ioas(const Ioas&) = delete;

    /// What IOAS_MAP does once its struct has been checked: 0 or a negative errno. Without `fixed`, `iova` is chosen.
    int map(egm::Range<egm::Hva> memory, IommuDomain::Access access, bool fixed, std::uint64_t& iova);
    /// `unmapped` counts the bytes taken out, on failure too.
    int unmap(std::uint64_t iova, std::uint64_t length, std::uint64_t& unmapped);
    /// IOAS_COPY: the memory at `source`'s [source_iova, +length) appears here too.
    int copy(const Ioas& source, std::uint64_t source_iova, std::uint64_t length, IommuDomain::Access access,
             bool fixed, std::uint64_t& iova);

    /// A page table is put on it, or taken off. `add` fails with what the memory fails with.
    int add_page_table();
    void remove_page_table();

    std::uint64_t alignment() const { return page_tables_ > 0 ? host_.page_size() : 1; }
    std::vector<IovaRange> usable() const;
    std::shared_ptr<const IommuDomain> domain() const { return domain_; }
    bool large_pages() const { return large_pages_; }
    void set_large_pages(bool on);

private:
    struct Area {
        std::uint64_t hva;
        std::uint64_t length;
        IommuDomain::Access access;
        std::shared_ptr<const Pin> pin; ///< null until filled; copies share it
        std::uint64_t pages = 0;
    };
    using Areas = std::map<std::uint64_t, Area>;

    int check(std::uint64_t iova, std::uint64_t length) const;
    int choose(std::uint64_t hva, std::uint64_t length, std::uint64_t& iova) const;
    int fill(std::uint64_t iova, Area& area);
    void empty(std::uint64_t iova, Area& area);
    bool overlaps(std::uint64_t iova, std::uint64_t last) const;
    Areas::iterator erase(Areas::iterator area);

    Host& host_;
    std::shared_ptr<IommuDomain> domain_;
    Areas areas_; ///< by IOVA
    unsigned page_tables_ = 0;
    bool large_pages_ = true;
};

} // namespace models::linux
