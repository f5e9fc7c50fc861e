#pragma once

#include <cstdint>
#include <string>

#include "egm/uapi/vfio.h"
#include "tests/contract/process.h"

namespace contract {

namespace uapi = egm::uapi;

/// A process with a VFIO container and the edu device's group.
class Type1 : public Process {
public:
    static constexpr std::uint32_t kRead = uapi::kVfioDmaMapFlagRead;
    static constexpr std::uint32_t kWrite = uapi::kVfioDmaMapFlagWrite;
    /// Where cases map: any page size's multiple, below edu's 256 MiB, outside every reserved window.
    static constexpr std::uint64_t kIova = 0x100'0000;

    enum Stage { kOpened, kJoined, kReady }; ///< files open; group in the container; IOMMU set

    /// Throws SetupFailed.
    explicit Type1(World& world, Stage stage = kReady);

    std::int64_t join() { return set_container(container); }
    std::int64_t set_container(std::int64_t fd);
    std::int64_t set_iommu(unsigned long type = uapi::kVfioType1v2Iommu) {
        return ioctl_value(container, uapi::kVfioSetIommu, type);
    }
    std::int64_t check(unsigned long extension) { return ioctl_value(container, uapi::kVfioCheckExtension, extension); }
    /// A device's descriptor, or a negative errno.
    std::int64_t device(const std::string& bdf) {
        return adopt(ioctl(group, uapi::kVfioGroupGetDeviceFd, const_cast<char*>(bdf.c_str())));
    }
    std::int64_t must_device() { return must(device(world.facts().device_bdf), "GET_DEVICE_FD"); }

    std::int64_t map(std::uint64_t memory, std::uint64_t iova, std::uint64_t size, std::uint32_t flags = kRead | kWrite,
                     std::uint32_t argsz = sizeof(uapi::VfioIommuType1DmaMap));
    void must_map(std::uint64_t memory, std::uint64_t iova, std::uint64_t size, std::uint32_t flags = kRead | kWrite) {
        must(map(memory, iova, size, flags), "MAP_DMA");
    }
    /// "2 pages" for what was unmapped, or the errno.
    std::string unmap(std::uint64_t iova, std::uint64_t size, std::uint32_t flags = 0,
                      std::uint32_t argsz = sizeof(uapi::VfioIommuType1DmaUnmap));
    std::string unmap_all() { return unmap(0, 0, uapi::kVfioDmaUnmapFlagAll); }

    /// The whole answer of IOMMU_GET_INFO with its capabilities.
    struct Info {
        std::int64_t result = 0;
        uapi::VfioIommuType1Info head{};
        std::string capability_ids;              ///< ascending: "1 2 3"
        std::uint32_t avail = 0;                 ///< DMA_AVAIL
        std::vector<uapi::VfioIovaRange> ranges; ///< IOVA_RANGE
    };
    Info info();

    std::int64_t container = -1;
    std::int64_t group = -1;
};

} // namespace contract
