#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "egm/carveout_source.h"
#include "egm/device_region.h"
#include "egm/dma_mapper.h"

namespace egm {

/// EXPERIMENTAL. A carveout that is a device region of a GPU's VFIO device: see uapi/egm_experimental_vfio.h.
///
/// What differs from the character device: there is no exclusive open of its own, since the GPU's device is exclusive;
/// the offset is always honoured; retired pages come in a capability, and a dma-buf from VFIO, which mainline iommufd
/// takes. When the kernel clears it is not settled.
class ExperimentalVfioCarveout final : public Carveout {
public:
    /// `device` is the GPU's open VFIO device and outlives this; `index` that of the device region.
    ExperimentalVfioCarveout(Syscalls& syscalls, CarveoutInfo info, const FileDescriptor& device, std::uint32_t index)
        : Carveout(std::move(info)), syscalls_(syscalls), device_(device), index_(index) {}

    Result<std::vector<RetiredRange>> retired() override;
    Result<Mapping> map(std::uint64_t file_offset, std::uint64_t size, std::uint64_t alignment,
                        std::uint64_t phase) override;
    Result<FileDescriptor> export_dma_buf(std::uint64_t file_offset, std::uint64_t size) override;

private:
    Syscalls& syscalls_;
    const FileDescriptor& device_;
    std::uint32_t index_;
};

/// EXPERIMENTAL. The carveouts that a VM's GPUs show. The GPUs are open already: a carveout cannot be seen before, so a
/// request cannot be checked before its GPUs are opened.
class ExperimentalVfioSource final : public CarveoutSource {
public:
    /// `mapper`, to which all of `bdfs` are attached, outlives this and what it opens.
    ExperimentalVfioSource(Syscalls& syscalls, const DmaMapper& mapper, std::vector<std::string> bdfs)
        : syscalls_(syscalls), mapper_(mapper), bdfs_(std::move(bdfs)) {}

    /// EPROTO when two GPUs tell different sizes of one carveout.
    Result<std::vector<CarveoutInfo>> find() override;
    /// By the first of its GPUs. ENODEV when none of them shows it any more.
    Result<std::unique_ptr<Carveout>> open(const CarveoutInfo& info) override;

private:
    struct Seen {
        CarveoutInfo info;
        const FileDescriptor* device;
        std::uint32_t index;
    };

    Result<std::vector<Seen>> look(const std::string& bdf) const;

    Syscalls& syscalls_;
    const DmaMapper& mapper_;
    const std::vector<std::string> bdfs_;
};

} // namespace egm
