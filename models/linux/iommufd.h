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
/// hw_pagetable.c, viommu.c.
///
/// Not modelled (ENOTTY): ALLOW_IOVAS, VFIO_IOAS, MAP_FILE, dirty tracking, invalidation, faults, event and hardware
/// queues, CHANGE_PROCESS.
class IommufdFile final : public File {
public:
    explicit IommufdFile(Host& host) : host_(host) {}
    ~IommufdFile() override;

    std::int64_t ioctl(unsigned long request, void* argument) override;

    /// What VFIO_DEVICE_BIND_IOMMUFD asks for: the id of the device in this context.
    std::uint32_t bind(VfioPciDevice& device);
    void unbind(std::uint32_t device_id);
    /// `page_table_id`: an IOAS or a HWPT; afterwards the HWPT in use.
    int attach(std::uint32_t device_id, std::uint32_t& page_table_id);
    void detach(std::uint32_t device_id);

private:
    template <class Struct>
    using Handler = int (IommufdFile::*)(Struct&);
    /// The common protocol: reads the struct (EFAULT, EINVAL when shorter than `size_min`, E2BIG when longer and not
    /// zero), calls `handler`, writes the struct back.
    template <class Struct>
    std::int64_t answer(void* argument, std::size_t size_min, Handler<Struct> handler);

    int destroy(egm::uapi::IommuDestroy& call);
    int ioas_alloc(egm::uapi::IommuIoasAlloc& call);
    int iova_ranges(egm::uapi::IommuIoasIovaRanges& call);
    int ioas_map(egm::uapi::IommuIoasMap& call);
    int ioas_unmap(egm::uapi::IommuIoasUnmap& call);
    int ioas_copy(egm::uapi::IommuIoasCopy& call);
    int option(egm::uapi::IommuOption& call);
    int get_hw_info(egm::uapi::IommuHwInfo& call);
    int hwpt_alloc(egm::uapi::IommuHwptAlloc& call);
    int nested_hwpt_alloc(egm::uapi::IommuHwptAlloc& call);
    int viommu_alloc(egm::uapi::IommuViommuAlloc& call);
    int vdevice_alloc(egm::uapi::IommuVdeviceAlloc& call);

    /// Null when `id` is no object of that kind.
    template <class Object>
    Object* find(std::uint32_t id) const;
    std::uint32_t add(std::unique_ptr<IommufdObject> object);

    Host& host_;
    std::map<std::uint32_t, std::unique_ptr<IommufdObject>> objects_;
    std::uint32_t next_id_ = 1;
    std::uint64_t rlimit_mode_ = 0;
};

template <class Object>
Object* IommufdFile::find(std::uint32_t id) const {
    const auto found = objects_.find(id);
    return found == objects_.end() ? nullptr : dynamic_cast<Object*>(found->second.get());
}

} // namespace models::linux
