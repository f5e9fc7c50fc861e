#pragma once

#include <cstdint>
#include <memory>

#include "models/linux/file.h"
#include "models/linux/vfio_pci_device.h"

namespace models::linux {

class IommufdFile;

/// A VFIO device's file: from a group (GET_DEVICE_FD), or /dev/vfio/devices/vfio<N>, which does nothing until it is
/// bound to an iommufd. Source: Linux drivers/vfio/pci/vfio_pci_core.c, drivers/vfio/device_cdev.c.
///
/// Not modelled: hot reset of a bus, migration, eventfds, PASIDs.
class VfioDeviceFile final : public File {
public:
    /// `group` keeps the group's file open; null for the character device.
    VfioDeviceFile(Host& host, VfioPciDevice& device, std::shared_ptr<File> group);
    ~VfioDeviceFile() override;

    std::int64_t ioctl(unsigned long request, void* argument) override;
    int mmap(Vma& vma) override;
    std::int64_t pread(void* into, std::size_t size, std::uint64_t offset) override;
    std::int64_t pwrite(const void* from, std::size_t size, std::uint64_t offset) override;

private:
    bool opened() const { return group_ || context_; }

    /// `access` moves the bytes once everything is checked: device region, offset in it, bytes.
    template <class Access>
    std::int64_t transfer(std::uint64_t offset, std::size_t size, const void* buffer, Access access);

    std::int64_t get_info(void* argument) const;
    std::int64_t get_region_info(void* argument) const;
    std::int64_t ioeventfd(const void* argument) const;
    std::int64_t bind(void* argument);
    std::int64_t attach(void* argument);
    std::int64_t detach(void* argument);

    Host& host_;
    VfioPciDevice& device_;
    std::shared_ptr<File> group_;
    std::shared_ptr<IommufdFile> context_; ///< bound to
    std::uint32_t device_id_ = 0;          ///< in that context
};

} // namespace models::linux
