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

class VfioGroupFile;

/// /dev/vfio/vfio: a container with the type1 v2 IOMMU. Source: Linux drivers/vfio/container.c and
/// drivers/vfio/vfio_iommu_type1.c.
///
/// All its groups share one page table; a machine where they sit behind several SMMUs has one for each, and writes its
/// blocks several times. Memory without struct page (EGM, a BAR) is mapped, but neither pinned nor accounted. As in the
/// kernel, such an entry outlives the mapping and the open of /dev/egm<PXM> that it came from.
///
/// Not modelled: dirty tracking (its ioctl is ENOTTY), type1 v1's splitting unmap, what mapped memory a VADDR update
/// points to.
class VfioContainerFile final : public File {
public:
    explicit VfioContainerFile(Host& host) : host_(host) {}
    ~VfioContainerFile() override;

    std::int64_t ioctl(unsigned long request, void* argument) override;

    void add_group(VfioGroupFile& group);
    /// With the last group the IOMMU and all mappings go.
    void remove_group(VfioGroupFile& group);
    bool has_iommu() const { return domain_ != nullptr; }

private:
    struct Dma {
        std::uint64_t size;
        std::uint64_t pages;        ///< host pages, for the time of letting them go
        bool vaddr_invalid = false; ///< between UNMAP and MAP with the VADDR flag
        std::shared_ptr<const Pin> pin;
    };

    std::int64_t check_extension(unsigned long extension) const;
    std::int64_t set_iommu(unsigned long type);
    std::int64_t get_info(void* argument) const;
    std::int64_t map_dma(void* argument);
    /// MAP with the VADDR flag: the mapping at exactly that place is valid again.
    std::int64_t set_vaddr(std::uint64_t iova, std::uint64_t size);
    std::int64_t unmap_dma(void* argument);
    /// UNMAP with the VADDR flag: nothing is unmapped. The bytes found, or -EINVAL when one was invalid already.
    std::int64_t invalidate_vaddr(std::uint64_t iova, std::uint64_t last);
    /// Precondition: no mapping is cut by the range's ends.
    std::uint64_t unmap_whole(std::uint64_t iova, std::uint64_t last);
    bool overlaps(std::uint64_t iova, std::uint64_t last) const;
    bool usable(std::uint64_t iova, std::uint64_t last) const;
    int wrapped() const;

    Host& host_;
    std::vector<VfioGroupFile*> groups_;
    std::shared_ptr<IommuDomain> domain_;
    std::map<std::uint64_t, Dma> dma_; ///< by IOVA
};

} // namespace models::linux
