#pragma once

#include <cstdint>
#include <map>
#include <memory>

#include "models/linux/file.h"
#include "models/linux/ioas.h"
#include "models/linux/iommufd_objects.h"
#include "models/linux/vfio_pci_device.h"

namespace models::linux {

/// /dev/iommu: one iommufd context and its objects, by id. Source: Linux drivers/iommu/iommufd/main.c, ioas.c,
/// hw_pagetable.c, viommu.c, eventq.c; drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3-iommufd.c, tegra241-cmdqv.c.
///
/// Each call is there from the kernel version that brought it; before, it is ENOTTY.
///
/// Not modelled: the VFIO container emulation on this file (VFIO_IOAS only keeps its note), PASIDs, page faults and
/// events themselves (their queues are there and stay empty), what a guest's invalidation does.
class IommufdFile final : public File {
public:
    explicit IommufdFile(Host& host) : host_(host) {}
    ~IommufdFile() override;

    std::int64_t ioctl(unsigned long request, void* argument) override;
    /// Page 0 of a vIOMMU's VINTF, at the offset that VIOMMU_ALLOC gave.
    int mmap(Vma& vma) override;

    /// What VFIO_DEVICE_BIND_IOMMUFD asks for: the id of the device in this context.
    std::uint32_t bind(VfioPciDevice& device);
    void unbind(std::uint32_t device_id);
    /// `page_table_id`: an IOAS or a HWPT; afterwards the HWPT in use.
    int attach(std::uint32_t device_id, std::uint32_t& page_table_id);
    void detach(std::uint32_t device_id);
    /// The file of a queue has been closed.
    void release_queue(std::uint32_t id);

private:
    template <class Struct>
    using Handler = int (IommufdFile::*)(Struct&);
    /// The common protocol: reads the struct (EFAULT, EINVAL when shorter than `size_min`, E2BIG when longer and not
    /// zero), calls `handler`, writes the struct back if that succeeded. `since`: the kernel version that brought it.
    template <class Struct>
    std::int64_t answer(void* argument, int since, std::size_t size_min, Handler<Struct> handler);

    int destroy(egm::uapi::IommuDestroy& call);
    int option(egm::uapi::IommuOption& call);

    // iommufd_ioas.cpp
    int ioas_alloc(egm::uapi::IommuIoasAlloc& call);
    int iova_ranges(egm::uapi::IommuIoasIovaRanges& call);
    int allow_iovas(egm::uapi::IommuIoasAllowIovas& call);
    int ioas_map(egm::uapi::IommuIoasMap& call);
    int ioas_map_file(egm::uapi::IommuIoasMapFile& call);
    int ioas_unmap(egm::uapi::IommuIoasUnmap& call);
    int ioas_copy(egm::uapi::IommuIoasCopy& call);
    int vfio_ioas(egm::uapi::IommuVfioIoas& call);
    int change_process(egm::uapi::IommuIoasChangeProcess& call);

    // iommufd_hwpt.cpp
    int get_hw_info(egm::uapi::IommuHwInfo& call);
    int hwpt_alloc(egm::uapi::IommuHwptAlloc& call);
    int nested_hwpt_alloc(egm::uapi::IommuHwptAlloc& call, EventQueueObject* faults);
    int set_dirty_tracking(egm::uapi::IommuHwptSetDirtyTracking& call);
    int get_dirty_bitmap(egm::uapi::IommuHwptGetDirtyBitmap& call);
    int fault_queue_alloc(egm::uapi::IommuFaultAlloc& call);

    // iommufd_viommu.cpp
    int viommu_alloc(egm::uapi::IommuViommuAlloc& call);
    int vdevice_alloc(egm::uapi::IommuVdeviceAlloc& call);
    int hwpt_invalidate(egm::uapi::IommuHwptInvalidate& call);
    int veventq_alloc(egm::uapi::IommuVeventqAlloc& call);
    int hw_queue_alloc(egm::uapi::IommuHwQueueAlloc& call);

    /// Null when `id` is no object of that kind.
    template <class Object>
    Object* find(std::uint32_t id) const;
    std::uint32_t add(std::unique_ptr<IommufdObject> object);
    /// Puts the object `id` behind a file: its descriptor, or a negative errno, and then the object is gone.
    int open_queue(std::uint32_t id);
    bool has_vcmdq() const;

    Host& host_;
    std::map<std::uint32_t, std::unique_ptr<IommufdObject>> objects_;
    std::uint32_t next_id_ = 1;
    std::uint64_t rlimit_mode_ = 0;
    std::uint32_t vfio_ioas_id_ = 0; ///< 0: none
};

template <class Object>
Object* IommufdFile::find(std::uint32_t id) const {
    const auto found = objects_.find(id);
    return found == objects_.end() ? nullptr : dynamic_cast<Object*>(found->second.get());
}

} // namespace models::linux
