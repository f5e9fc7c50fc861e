#pragma once

#include <cstdint>

#include "egm/uapi/iommufd.h"
#include "models/linux/ioas.h"
#include "models/linux/vfio_pci_device.h"

/// What an iommufd context holds. An object counts its users and cannot be destroyed while it has any; its destructor
/// lets go of what it uses.
namespace models::linux {

struct IommufdObject {
    virtual ~IommufdObject() = default;
    unsigned users = 0;
};

struct IoasObject final : IommufdObject {
    explicit IoasObject(Host& host) : ioas(host) {}
    Ioas ioas;
};

/// A page table over an IOAS. Precondition: `ioas.add_page_table()` succeeded; the destructor undoes it.
struct HwptObject final : IommufdObject {
    HwptObject(IoasObject& over, bool automatic, bool nest_parent)
        : over(over), automatic(automatic), nest_parent(nest_parent) {
        ++over.users;
    }
    ~HwptObject() override {
        over.ioas.remove_page_table();
        --over.users;
    }
    IoasObject& over;
    const bool automatic; ///< made by an attach to the IOAS itself, and gone with the last device
    const bool nest_parent;
};

struct ViommuObject final : IommufdObject {
    explicit ViommuObject(HwptObject& parent) : parent(parent) { ++parent.users; }
    ~ViommuObject() override { --parent.users; }
    HwptObject& parent;
};

/// A guest's stage 1 over a vIOMMU. Its DMA goes through the parent's stage 2.
struct NestedHwptObject final : IommufdObject {
    explicit NestedHwptObject(ViommuObject& viommu) : viommu(viommu) { ++viommu.users; }
    ~NestedHwptObject() override { --viommu.users; }
    ViommuObject& viommu;
};

/// Lives as long as the VFIO device is bound.
struct DeviceObject final : IommufdObject {
    explicit DeviceObject(VfioPciDevice& device) : device(device) { users = 1; }
    VfioPciDevice& device;
    std::uint32_t page_table_id = 0; ///< 0: not attached
};

struct VdeviceObject final : IommufdObject {
    VdeviceObject(ViommuObject& viommu, std::uint64_t virt_id) : viommu(viommu), virt_id(virt_id) { ++viommu.users; }
    ~VdeviceObject() override { --viommu.users; }
    ViommuObject& viommu;
    const std::uint64_t virt_id; ///< the guest's StreamID
};

} // namespace models::linux
