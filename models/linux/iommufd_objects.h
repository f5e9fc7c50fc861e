#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>

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

/// Of page faults, or of a vIOMMU's events: the file that goes with it is a user.
struct EventQueueObject final : IommufdObject {
    EventQueueObject() { users = 1; }
};

/// A page table over an IOAS. Precondition: `ioas.add_page_table()` succeeded; the destructor undoes it.
struct HwptObject final : IommufdObject {
    struct Kind {
        bool automatic = false; ///< made by an attach to the IOAS itself, and gone with the last device
        bool nest_parent = false;
        bool dirty_tracking = false;
    };

    HwptObject(IoasObject& over, Kind kind, EventQueueObject* faults = nullptr)
        : over(over), kind(kind), faults(faults) {
        ++over.users;
        if (faults) {
            ++faults->users;
        }
    }
    ~HwptObject() override {
        over.ioas.remove_page_table();
        --over.users;
        if (faults) {
            --faults->users;
        }
    }
    IoasObject& over;
    const Kind kind;
    EventQueueObject* const faults;
};

struct HwQueueObject;

/// A slice of the SMMU for one guest, over a nesting parent.
struct ViommuObject final : IommufdObject {
    ViommuObject(HwptObject& parent, std::uint32_t type) : parent(parent), type(type) { ++parent.users; }
    ~ViommuObject() override { --parent.users; }
    HwptObject& parent;
    const std::uint32_t type;
    std::map<std::uint32_t, HwQueueObject*> queues; ///< by index
    std::set<std::uint32_t> event_queues;           ///< by type
    std::optional<std::uint64_t> mmap_offset;       ///< of VINTF page 0 in the iommufd
};

/// The queue of a vIOMMU's events.
struct VeventqObject final : IommufdObject {
    VeventqObject(ViommuObject& viommu, std::uint32_t type) : viommu(viommu), type(type) {
        users = 1;
        ++viommu.users;
        viommu.event_queues.insert(type);
    }
    ~VeventqObject() override {
        viommu.event_queues.erase(type);
        --viommu.users;
    }
    ViommuObject& viommu;
    const std::uint32_t type;
};

/// A command queue that hardware reads from guest memory. The next one uses it, so they go in descending order.
struct HwQueueObject final : IommufdObject {
    HwQueueObject(ViommuObject& viommu, std::uint32_t index, egm::Range<egm::Iova> memory)
        : viommu(viommu), index(index), memory(memory) {
        ++viommu.users;
        viommu.queues.emplace(index, this);
        if (index > 0) {
            ++viommu.queues.at(index - 1)->users;
        }
    }
    ~HwQueueObject() override {
        viommu.queues.erase(index);
        if (index > 0) {
            --viommu.queues.at(index - 1)->users;
        }
        viommu.parent.over.ioas.unlock(memory.begin.value, memory.size);
        --viommu.users;
    }
    ViommuObject& viommu;
    const std::uint32_t index;
    const egm::Range<egm::Iova> memory; ///< locked in the parent's IOAS
};

/// A guest's stage 1 over a vIOMMU. Its DMA goes through the parent's stage 2.
struct NestedHwptObject final : IommufdObject {
    NestedHwptObject(ViommuObject& viommu, bool translates, EventQueueObject* faults)
        : viommu(viommu), translates(translates), faults(faults) {
        ++viommu.users;
        if (faults) {
            ++faults->users;
        }
    }
    ~NestedHwptObject() override {
        --viommu.users;
        if (faults) {
            --faults->users;
        }
    }
    ViommuObject& viommu;
    const bool translates; ///< else all DMA bypasses stage 1, or is refused
    EventQueueObject* const faults;
};

struct VdeviceObject;

/// Lives as long as the VFIO device is bound.
struct DeviceObject final : IommufdObject {
    explicit DeviceObject(VfioPciDevice& device) : device(device) { users = 1; }
    VfioPciDevice& device;
    std::uint32_t page_table_id = 0; ///< 0: not attached
    VdeviceObject* vdevice = nullptr;
};

/// A device as the guest's SMMU names it.
struct VdeviceObject final : IommufdObject {
    VdeviceObject(ViommuObject& viommu, DeviceObject& device, std::uint64_t virt_id)
        : viommu(viommu), device(device), virt_id(virt_id) {
        ++viommu.users;
        device.vdevice = this;
    }
    ~VdeviceObject() override {
        --viommu.users;
        device.vdevice = nullptr;
    }
    ViommuObject& viommu;
    DeviceObject& device;
    const std::uint64_t virt_id; ///< the guest's StreamID
};

} // namespace models::linux
