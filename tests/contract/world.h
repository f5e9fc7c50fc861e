#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "egm/address.h"
#include "egm/syscalls.h"

namespace contract {

enum class Arch { kX86, kArm64 };

/// What a case may ask for. A kernel under test has some of them; a case whose needs it lacks is skipped there.
enum Facility : unsigned {
    kNothing = 0,
    kType1 = 1u << 0,   ///< /dev/vfio/vfio, and a group with QEMU's edu device bound to vfio-pci
    kIommufd = 1u << 1, ///< /dev/iommu, and the same device's character device
    kEgm = 1u << 2,     ///< /dev/egm<PXM> with the interface of shape E2
    kKvm = 1u << 3,     ///< /dev/kvm of arm64
};

/// What is known about the kernel under test before any case runs.
struct Facts {
    Arch arch = Arch::kX86;
    int version = 0;                 ///< major * 100 + minor: 601, 612, 703
    std::uint64_t page_size = 0;     ///< bytes
    unsigned facilities = 0;         ///< of `Facility`
    std::string device_bdf;          ///< of the edu device
    std::string group_path;          ///< "/dev/vfio/3"
    std::string device_path;         ///< "/dev/vfio/devices/vfio0"; empty without kIommufd
    std::string egm_path;            ///< "/dev/egm4"; empty without kEgm
    std::string egm_name;            ///< "egm4"
    std::uint64_t egm_size = 0;      ///< bytes
    unsigned egm_retired_blocks = 0; ///< 64 KiB blocks that firmware retired
};

/// One kernel under test, and the process that calls it: the door, and the little that a test needs beside it.
class World {
public:
    virtual ~World() = default;

    virtual egm::Syscalls& syscalls() = 0;
    virtual const Facts& facts() const = 0;

    /// The calling process's own load and store through a mapping. False where it would fault. Precondition: anonymous
    /// memory has been mapped for DMA before, so that it has pages.
    virtual bool load(std::uint64_t address, void* into, std::size_t size) = 0;
    virtual bool store(std::uint64_t address, const void* from, std::size_t size) = 0;

    /// Lets a little time pass, about a millisecond: between two looks at a device that is busy.
    virtual void wait() = 0;
};

} // namespace contract
