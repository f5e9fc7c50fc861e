#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "models/mapping.h"
#include "sim/host.h"

namespace sim {

/// Linear memory: byte `offset` of the working set is at `address + offset`, whatever the network means by that.
class LinearMapping final : public models::Mapping {
public:
    LinearMapping(std::uint32_t space, Tables tables, std::uint64_t address, std::uint64_t virtual_address,
                  std::uint64_t page_bytes, std::uint64_t block_bytes = 0)
        : Mapping(space, tables), address_(address), virtual_address_(virtual_address), page_bytes_(page_bytes),
          block_bytes_(block_bytes) {}

    std::optional<Leaf> at(std::uint64_t offset) const override {
        return Leaf{address_ + offset, virtual_address_ + offset, page_bytes_, block_bytes_};
    }

private:
    std::uint64_t address_, virtual_address_, page_bytes_, block_bytes_;
};

/// Memory of a guest behind stage 2: the guest's own page tables are linear, stage 2 is asked of the modelled kernel.
/// Blocks once found are remembered, as the traffic models ask for every burst.
class GuestMapping final : public models::Mapping {
public:
    enum class Stage2 {
        kKvm,  ///< a vCPU's access: KVM's stage 2
        kSmmu, ///< a device's access: what DMA maps of the VM put into the SMMU
    };

    /// `bdf`: the device, for `Stage2::kSmmu`. The kernel outlives this.
    GuestMapping(std::uint32_t space, Tables tables, models::linux::SimSyscalls& kernel, Stage2 stage2, int vm_fd,
                 std::string bdf, egm::Ipa ipa, std::uint64_t page_bytes)
        : Mapping(space, tables), kernel_(kernel), stage2_(stage2), vm_fd_(vm_fd), bdf_(std::move(bdf)), ipa_(ipa),
          page_bytes_(page_bytes) {}

    std::optional<Leaf> at(std::uint64_t offset) const override;

private:
    models::linux::SimSyscalls& kernel_;
    Stage2 stage2_;
    int vm_fd_;
    std::string bdf_;
    egm::Ipa ipa_;
    std::uint64_t page_bytes_;
    struct Block {
        std::uint64_t bytes;
        std::uint64_t spa;
    };
    mutable std::map<std::uint64_t, Block> blocks_; ///< by first IPA
};

} // namespace sim
