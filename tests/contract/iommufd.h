#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "egm/uapi/iommufd.h"
#include "egm/uapi/vfio.h"
#include "tests/contract/process.h"

namespace contract {

namespace uapi = egm::uapi;

/// A process with an iommufd context, an IOAS in it, and the edu device through its character device.
class Iommufd : public Process {
public:
    static constexpr std::uint32_t kFixed = uapi::kIommuIoasMapFixedIova;
    static constexpr std::uint32_t kWriteable = uapi::kIommuIoasMapWriteable;
    static constexpr std::uint32_t kReadable = uapi::kIommuIoasMapReadable;
    static constexpr std::uint32_t kAll = kFixed | kWriteable | kReadable;
    static constexpr std::uint64_t kIova = 0x100'0000;

    enum Stage {
        kContext,  ///< /dev/iommu open, one IOAS
        kOpened,   ///< the device's node open too
        kBound,    ///< the device bound to the context
        kAttached, ///< the device attached to the IOAS
    };

    /// Throws SetupFailed.
    explicit Iommufd(World& world, Stage stage = kAttached);

    /// The id of a new IOAS. Throws SetupFailed.
    std::uint32_t new_ioas();
    std::int64_t destroy(std::uint32_t id);

    std::int64_t bind(std::int64_t iommufd, std::uint32_t flags = 0,
                      std::uint32_t argsz = sizeof(uapi::VfioDeviceBindIommufd));
    /// `hwpt_id`: the page table in use after a success.
    std::int64_t attach(std::uint32_t page_table, std::uint32_t flags = 0,
                        std::uint32_t argsz = sizeof(uapi::VfioDeviceAttachIommufdPt));
    std::int64_t detach(std::uint32_t flags = 0, std::uint32_t argsz = sizeof(uapi::VfioDeviceDetachIommufdPt));

    std::int64_t map(std::uint64_t memory, std::uint64_t iova, std::uint64_t size, std::uint32_t flags = kAll);
    void must_map(std::uint64_t memory, std::uint64_t iova, std::uint64_t size, std::uint32_t flags = kAll) {
        must(map(memory, iova, size, flags), "IOAS_MAP");
    }
    /// "2 pages" for what was unmapped, or the errno.
    std::string unmap(std::uint64_t iova, std::uint64_t size);
    std::string unmap_all() { return unmap(0, kMaxU64); }
    std::int64_t copy(std::uint32_t to, std::uint64_t to_iova, std::uint32_t from, std::uint64_t from_iova,
                      std::uint64_t size, std::uint32_t flags = kAll);
    /// HWPT_ALLOC over `over`; `hwpt_id` is the new one after a success.
    std::int64_t alloc_hwpt(std::uint32_t over, std::uint32_t flags = 0, std::uint32_t data_type = 0);
    std::int64_t option(std::uint32_t option, std::uint16_t operation, std::uint32_t object, std::uint64_t& value);

    struct Ranges {
        std::int64_t result = 0;
        std::uint32_t count = 0; ///< as the kernel says
        std::uint64_t alignment = 0;
        std::vector<uapi::IommuIovaRange> ranges;
    };
    Ranges ranges(std::uint32_t room = 16);
    std::int64_t allow(std::vector<uapi::IommuIovaRange> ranges, std::uint32_t reserved = 0);

    std::int64_t context = -1;
    std::int64_t device = -1;
    std::uint32_t ioas = 0;
    std::uint32_t device_id = 0; ///< in the context
    std::uint32_t hwpt_id = 0;
    std::uint64_t mapped_iova = 0; ///< of the last map that succeeded
};

} // namespace contract
