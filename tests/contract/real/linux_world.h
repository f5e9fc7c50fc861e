#pragma once

#include "egm/linux/linux_syscalls.h"
#include "tests/contract/world.h"

namespace contract {

/// The kernel that this process runs on. Its addresses are real and are dereferenced.
class LinuxWorld final : public World {
public:
    /// Looks for the edu device, which must be bound to vfio-pci, for /dev/iommu and for an EGM device.
    LinuxWorld();

    egm::Syscalls& syscalls() override { return sys_; }
    const Facts& facts() const override { return facts_; }
    bool load(std::uint64_t address, void* into, std::size_t size) override;
    bool store(std::uint64_t address, const void* from, std::size_t size) override;
    void wait() override;

private:
    egm::LinuxSyscalls sys_;
    Facts facts_;
};

} // namespace contract
