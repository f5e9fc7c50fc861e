#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "models/linux/host.h"
#include "models/linux/iommu_domain.h"
#include "models/linux/pci_config_space.h"

namespace models::linux {

/// A PCI function that a VFIO driver owns: what the group, the character device and iommufd ask of it. Source: Linux
/// drivers/vfio/pci/vfio_pci_core.c, vfio_pci_rdwr.c.
class VfioPciDevice {
public:
    struct DeviceRegion {
        std::uint64_t size = 0;      ///< as reported; 0: there is none
        std::uint64_t length = 0;    ///< bytes there are
        std::optional<egm::Spa> spa; ///< set: can be mapped
        bool sparse = false;         ///< [0, length) is announced as the only mappable area
        bool cacheable = false;      ///< memory, whose bytes are in the store; else registers
    };

    VfioPciDevice(Host& host, std::string bdf, PciConfigSpace config_space)
        : bdf(std::move(bdf)), config_space(std::move(config_space)), host_(host) {}
    virtual ~VfioPciDevice() = default;
    VfioPciDevice(const VfioPciDevice&) = delete;

    const std::string bdf;
    PciConfigSpace config_space;
    /// The page table it is attached to; null while its DMA reaches nothing.
    std::shared_ptr<const IommuDomain> domain;
    /// Through which interface it is in use; VFIO lets only one of them have it.
    bool group_in_use = false;
    bool cdev_bound = false;
    unsigned opens = 0; ///< device files through the group

    /// What the first open does: 0 or a negative errno.
    virtual int open_device() {
        config_space.enable();
        return 0;
    }
    /// VFIO_DEVICE_RESET: 0, or -EINVAL where the function has no reset.
    virtual int reset() { return -EINVAL; }
    virtual bool can_reset() const { return false; }
    /// What an access to a device region waits for: 0 or a negative errno.
    virtual int wait_ready() { return 0; }
    /// nvgrace-gpu-vfio-pci: its own mmap, its own dma-buf export, no IOEVENTFD.
    virtual bool nvgrace() const { return false; }
    virtual bool has_intx() const { return false; }
    /// Address Translation Service.
    virtual bool has_ats() const { return false; }

    /// VFIO's device regions 0 to 6; 7 is `config_space`.
    virtual DeviceRegion device_region(std::uint32_t index) const = 0;
    /// Precondition (both): the range lies in the device region's `size`, and it is not the configuration space.
    virtual void read(std::uint32_t index, std::uint64_t offset, void* into, std::size_t size) = 0;
    virtual void write(std::uint32_t index, std::uint64_t offset, const void* from, std::size_t size) = 0;

protected:
    Host& host_;
};

} // namespace models::linux
