#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "models/linux/file.h"
#include "models/linux/vfio_pci_device.h"

namespace models::linux {

class VfioContainerFile;

/// An IOMMU group: the devices that the IOMMU cannot tell apart, behind /dev/vfio/<number>.
/// Source: Linux drivers/vfio/group.c, drivers/vfio/container.c.
struct VfioGroup {
    int number = 0;
    std::vector<VfioPciDevice*> devices;
    bool open = false; ///< it can be opened once at a time

    /// 0 and the file, or -EBUSY.
    int open_file(Host& host, std::shared_ptr<File>& file);
};

class VfioGroupFile final : public File {
public:
    VfioGroupFile(Host& host, VfioGroup& group);
    ~VfioGroupFile() override;

    std::int64_t ioctl(unsigned long request, void* argument) override;

    void count_device(int change) { devices_open_ += change; }
    /// Attaches the group's devices to `domain`; null detaches them.
    void set_domain(const std::shared_ptr<const IommuDomain>& domain);

private:
    std::int64_t get_status(void* argument) const;
    std::int64_t set_container(void* argument);
    std::int64_t unset_container();
    std::int64_t get_device_fd(void* argument);

    Host& host_;
    VfioGroup& group_;
    std::shared_ptr<VfioContainerFile> container_;
    int devices_open_ = 0;
};

} // namespace models::linux
